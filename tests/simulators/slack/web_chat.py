"""chat.*: posting, editing and deleting messages."""

from typing import Any

from tests.simulators.slack import events, limits
from tests.simulators.slack.core import Core
from tests.simulators.slack.errors import Refused, invalid_arguments
from tests.simulators.slack.shapes import as_bool, as_mrkdwn, message_json
from tests.simulators.slack.state import JSON, Channel, Message


def required(args: JSON, *names: str) -> list[str]:
    missing = [f"missing required field: {name}" for name in names if args.get(name) in (None, "")]
    if missing:
        raise invalid_arguments(*missing)
    return [str(args[name]) for name in names]


def visible_channel(core: Core, given: Any) -> Channel:
    """The channel, if the app may know of it."""
    channel = core.world.channels.get(str(given))
    app = core.world.app.user_id
    if channel is None or (channel.is_private and app not in channel.members):
        raise Refused("channel_not_found")
    return channel


def writable_channel(core: Core, given: Any) -> Channel:
    """The channel to post to; a user's id stands for the DM with them."""
    user = core.world.users.get(str(given))
    if user is not None:
        return core.world.direct(user.id, core.world.app.user_id)
    channel = visible_channel(core, given)
    if channel.is_archived:
        raise Refused("is_archived")
    joined = core.world.app.user_id in channel.members
    if not joined and "chat:write.public" not in core.world.app.scopes:
        raise Refused("not_in_channel")
    return channel


def own_message(core: Core, channel: Channel, ts: Any, refusal: str) -> Message:
    message = channel.messages.get(str(ts))
    if message is None or message.subtype == "tombstone":
        raise Refused("message_not_found")
    if message.by_app != core.world.app.app_id:
        raise Refused(refusal)
    return message


def content(args: JSON, most: int | None = None) -> JSON:
    """`text`, `blocks` and `attachments` as they were given; None for what was left out."""
    text = args.get("text")
    blocks = None
    if args.get("markdown_text"):
        if text or args.get("blocks"):
            raise Refused("markdown_text_conflict")
        if len(args["markdown_text"]) > limits.MARKDOWN:
            raise Refused("msg_too_long")
        blocks = [{"type": "markdown", "text": args["markdown_text"]}]
        text = as_mrkdwn(args["markdown_text"])
    elif args.get("blocks") is not None and args["blocks"] != "":
        blocks = limits.checked_blocks(args["blocks"])
    if most is not None and len(text or "") > most:
        raise Refused("msg_too_long")
    attachments = args.get("attachments")
    if attachments is not None:
        attachments = limits.decoded(attachments, "attachments")
    cut = None if text is None else str(text)[: limits.TEXT]
    return {"text": cut, "blocks": blocks, "attachments": attachments}


def new_message(core: Core, channel: Channel, args: JSON) -> Message:
    given = content(args)
    if not (given["text"] or "").strip() and not given["blocks"] and not given["attachments"]:
        raise Refused("no_text")
    flags = {name: as_bool(args.get(name)) for name in ("unfurl_links", "unfurl_media")}
    message = Message(
        channel.id,
        core.world.new_ts(),
        core.world.app.user_id,
        given["text"] or "",
        str(args["thread_ts"]) if args.get("thread_ts") else None,
        given["blocks"] or [],
        given["attachments"] or [],
        limits.checked_metadata(args.get("metadata")) or None,
        by_app=core.world.app.app_id,
        bot_id=core.world.app.bot_id,
        unfurl={name: flag for name, flag in flags.items() if flag is not None},
    )
    if as_bool(args.get("link_names")) or args.get("parse") == "full":
        message.parse = "full"
    return message


def clear_status(core: Core, message: Message) -> None:
    """A reply of the app takes the thread's status line away."""
    for status in core.statuses:
        if (status.channel, status.thread_ts) == (message.channel, message.thread_ts):
            status.text = ""


def post_message(core: Core, args: JSON) -> JSON:
    required(args, "channel")
    channel = writable_channel(core, args["channel"])
    message = core.world.put(new_message(core, channel, args))
    clear_status(core, message)
    core.shown("posted", message)
    events.posted(core, message)
    body = message_json(core.world, message, core.origin, metadata=True)
    return {"channel": channel.id, "ts": message.ts, "message": body}


def post_ephemeral(core: Core, args: JSON) -> JSON:
    required(args, "channel", "user")
    channel = writable_channel(core, args["channel"])
    if args["user"] not in channel.members:
        raise Refused("user_not_in_channel")
    message = new_message(core, channel, args)
    message.to = args["user"]
    channel.ephemeral.append(message)
    core.shown("ephemeral", message)
    return {"message_ts": message.ts}


def update(core: Core, args: JSON) -> JSON:
    required(args, "channel", "ts")
    channel = writable_channel(core, args["channel"])
    message = own_message(core, channel, args["ts"], "cant_update_message")
    core.expire_stream(message)
    if message.stream and message.stream.state == "in_progress":
        raise Refused("streaming_state_conflict")
    given = content(args, limits.UPDATE_TEXT)
    if not (given["text"] or "").strip() and not given["blocks"] and not given["attachments"]:
        raise Refused("no_text")
    before = message_json(core.world, message, core.origin, metadata=True)
    message.text = message.text if given["text"] is None else given["text"]
    # What is left out stays as it was; an empty list takes it away.
    message.blocks = message.blocks if given["blocks"] is None else given["blocks"]
    if given["attachments"] is not None:
        message.attachments = given["attachments"]
    if args.get("metadata") is not None:
        message.metadata = limits.checked_metadata(args["metadata"]) or None
    message.edited = core.world.new_ts()
    core.shown("changed", message)
    events.changed(core, message, before)
    body = message_json(core.world, message, core.origin, metadata=True)
    return {"channel": channel.id, "ts": message.ts, "text": message.text, "message": body}


def delete(core: Core, args: JSON) -> JSON:
    required(args, "channel", "ts")
    channel = visible_channel(core, args["channel"])
    message = own_message(core, channel, args["ts"], "cant_delete_message")
    core.expire_stream(message)
    if message.stream and message.stream.state == "in_progress":
        raise Refused("cant_delete_message")
    core.world.drop(message)
    core.world.tell("deleted", message)
    if core.settings.echo:
        events.deleted(core, message)
    return {"channel": channel.id, "ts": message.ts}


def permalink(core: Core, args: JSON) -> JSON:
    required(args, "channel", "message_ts")
    channel = visible_channel(core, args["channel"])
    if args["message_ts"] not in channel.messages:
        raise Refused("message_not_found")
    place = f"{channel.id}/p{args['message_ts'].replace('.', '')}"
    return {
        "channel": channel.id,
        "permalink": f"https://{core.world.domain}.slack.com/archives/{place}",
    }
