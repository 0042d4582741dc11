"""chat.startStream, appendStream, stopStream, and the agent's status line and prompts."""

import json
import time
from typing import Any, Literal

from tests.simulators.slack import events, limits
from tests.simulators.slack.core import Core, Status
from tests.simulators.slack.errors import Refused, invalid_arguments
from tests.simulators.slack.shapes import as_mrkdwn, message_json
from tests.simulators.slack.state import JSON, Message, Stream
from tests.simulators.slack.web_chat import (
    clear_status,
    required,
    visible_channel,
    writable_channel,
)

CHUNKS = {"markdown_text", "task_update", "plan_update", "blocks"}
LOADING_MESSAGES, PROMPTS = 10, 4


def _pieces(args: JSON) -> tuple[Literal["text", "chunks"] | None, str, list[JSON]]:
    """The mode, the Markdown and the blocks that a call brings."""
    text = args.get("markdown_text")
    chunks = limits.decoded(args.get("chunks") or [], "chunks")
    if text and chunks:
        raise Refused("cannot_provide_both_markdown_text_and_chunks")
    if len(text or "") > limits.MARKDOWN:
        raise Refused("msg_too_long")
    if not isinstance(chunks, list) or any(c.get("type") not in CHUNKS for c in chunks):
        raise Refused("invalid_chunks")
    blocks: list[JSON] = []
    for chunk in chunks:
        if len(chunk.get("text") or "") > limits.MARKDOWN:
            raise Refused("msg_too_long")
        if chunk["type"] == "blocks":
            blocks += limits.checked_blocks(chunk.get("blocks"))
    written = "".join(c.get("text") or "" for c in chunks if c["type"] == "markdown_text")
    mode: Literal["text", "chunks"] | None = "text" if text else "chunks" if chunks else None
    return mode, text or written, blocks


def _write(core: Core, message: Message, args: JSON) -> None:
    """Appends; a stream keeps the mode of its first content, and has a cap on all of it."""
    mode, text, blocks = _pieces(args)
    stream = message.stream
    assert stream is not None
    if mode and stream.mode and mode != stream.mode:
        raise Refused("streaming_mode_mismatch")
    whole = "".join(part for _, part in stream.appends) + text
    if len(whole.encode()) > core.settings.stream_bytes:
        raise Refused("msg_too_long")
    stream.mode = stream.mode or mode
    if text:
        stream.appends.append((time.monotonic(), text))
        message.text = as_mrkdwn(whole)
    message.blocks = message.blocks + blocks


def start(core: Core, args: JSON) -> JSON:
    required(args, "channel", "thread_ts")
    channel = writable_channel(core, args["channel"])
    if channel.kind != "im":
        for name in ("recipient_team_id", "recipient_user_id"):
            if not args.get(name):
                raise Refused(f"missing_{name}")
    recipient = args.get("recipient_user_id")
    if recipient and recipient not in core.world.users:
        raise Refused("user_not_found")
    app = core.world.app
    message = Message(
        channel.id,
        core.world.new_ts(),
        app.user_id,
        "",
        str(args["thread_ts"]),
        by_app=app.app_id,
        bot_id=app.bot_id,
        stream=Stream(time.monotonic(), recipient=recipient),
    )
    _write(core, message, args)
    core.world.put(message)
    clear_status(core, message)
    core.shown("posted", message)
    events.posted(core, message)
    return {"channel": channel.id, "ts": message.ts}


def _streaming(core: Core, args: JSON) -> Message:
    required(args, "channel", "ts")
    channel = visible_channel(core, args["channel"])
    message = channel.messages.get(str(args["ts"]))
    if message is None:
        raise Refused("message_not_found")
    if message.by_app != core.world.app.app_id:
        raise Refused("message_not_owned_by_app")
    core.expire_stream(message)
    if message.stream and message.stream.state == "stopped":
        raise Refused("stopped_by_user")
    if message.stream is None or message.stream.state != "in_progress":
        raise Refused("message_not_in_streaming_state")
    return message


def append(core: Core, args: JSON) -> JSON:
    message = _streaming(core, args)
    if not args.get("markdown_text") and not args.get("chunks"):
        raise invalid_arguments("missing required field: markdown_text")
    _write(core, message, args)
    core.shown("changed", message)
    return {"channel": message.channel, "ts": message.ts}


def stop(core: Core, args: JSON) -> JSON:
    message = _streaming(core, args)
    blocks = limits.checked_blocks(args["blocks"]) if args.get("blocks") else []
    metadata = limits.checked_metadata(args.get("metadata"))
    before = message_json(core.world, message, core.origin)
    _write(core, message, args)
    assert message.stream is not None
    message.stream.state = "completed"
    message.blocks = message.blocks + blocks
    message.metadata = metadata or message.metadata
    core.shown("changed", message)
    events.changed(core, message, before)
    body = message_json(core.world, message, core.origin, metadata=True)
    return {"channel": message.channel, "ts": message.ts, "message": body}


def set_status(core: Core, args: JSON) -> JSON:
    required(args, "channel_id", "thread_ts")
    if args.get("status") is None:
        raise invalid_arguments("missing required field: status")
    channel = visible_channel(core, args["channel_id"])
    loading = _list(args.get("loading_messages"))
    if len(loading) > LOADING_MESSAGES:
        raise invalid_arguments(f"no more than {LOADING_MESSAGES} items allowed")
    if args["thread_ts"] not in channel.messages:
        raise Refused("invalid_thread_ts")
    status = Status(channel.id, str(args["thread_ts"]), str(args["status"]), loading)
    core.statuses.append(status)
    core.world.tell("status", status)
    return {}


def set_suggested_prompts(core: Core, args: JSON) -> JSON:
    required(args, "channel_id", "prompts")
    channel = visible_channel(core, args["channel_id"])
    prompts = _list(args["prompts"])
    if not prompts or len(prompts) > PROMPTS:
        raise invalid_arguments(f"prompts: between 1 and {PROMPTS} items needed")
    if not all(p.get("title") and p.get("message") for p in prompts):
        raise invalid_arguments("prompts need a title and a message")
    # An agent's thread_ts makes the call fail without a word.
    if not (core.settings.agent_view and args.get("thread_ts")):
        core.prompts[channel.id] = {"title": args.get("title"), "prompts": prompts}
        core.world.tell("prompts", (channel, prompts))
    return {}


def _list(value: Any) -> list[Any]:
    found = json.loads(value) if isinstance(value, str) and value else value or []
    return found if isinstance(found, list) else [found]
