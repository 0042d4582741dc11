"""The workspace as a person sees it: text, for asserting and for the terminal."""

from collections.abc import Iterator
from typing import Any

from tests.simulators.slack.core import Core
from tests.simulators.slack.state import JSON, Channel, Message, View

EXPIRED = "(Something went wrong while this message was written.)"


def shown_text(message: Message) -> str:
    """What the message shows: its blocks where it has any, under what was streamed."""
    streamed = message.text if message.stream and not message.edited else ""
    parts = [part for block in message.blocks for part in block_text(block)]
    parts = [streamed, *parts] if streamed else parts or [message.text]
    for file in message.files:
        parts.append("(file deleted)" if file.deleted else f"(file: {file.name})")
    for attachment in message.attachments:
        parts.append(str(attachment.get("text") or attachment.get("fallback") or ""))
        parts += [part for block in attachment.get("blocks", []) for part in block_text(block)]
    if message.stream and message.stream.state == "expired" and not message.edited:
        parts.append(EXPIRED)
    return "\n".join(part for part in parts if part)


def block_text(block: JSON) -> Iterator[str]:
    kind = block.get("type")
    if kind == "divider":
        yield "———"
    elif kind == "rich_text":
        yield "".join(_rich(element) for element in block["elements"])
    elif isinstance(block.get("text"), str):
        yield block["text"]
    else:
        for part in [block.get("text"), *(block.get("fields") or [])]:
            if isinstance(part, dict):
                yield str(part.get("text"))
        elements = [*(block.get("elements") or []), block.get("accessory")]
        line = "  ".join(_element(element) for element in elements if element)
        if line:
            yield line
        if kind == "input":
            yield f"{block['label']['text']}: ____ ({block.get('block_id')})"


def _rich(element: JSON) -> str:
    kind = element.get("type")
    if kind in ("text", "link"):
        return str(element.get("text") or element.get("url"))
    if kind == "user":
        return f"<@{element['user_id']}>"
    if kind == "broadcast":
        return f"<!{element['range']}>"
    return "".join(_rich(inner) for inner in element.get("elements", []))


def _element(element: JSON) -> str:
    kind, label = element.get("type"), element.get("text")
    if kind == "feedback_buttons":
        sides = (element["positive_button"], element["negative_button"])
        return " ".join(f"[{side['text']['text']} = {side['value']}]" for side in sides)
    if isinstance(label, dict):
        return f"[{label.get('text')} = {element.get('action_id')}]"
    return str(label or element.get("alt_text") or "")


def name_of(core: Core, user: str) -> str:
    found = core.world.users.get(user)
    return found.name if found else user


def line(core: Core, message: Message, indent: str = "") -> str:
    """One message, with whatever marks it: edited, only for one person, still streaming."""
    core.expire_stream(message)
    marks = []
    if message.to:
        marks.append(f"only for {name_of(core, message.to)}")
    if message.edited:
        marks.append("edited")
    if message.stream and message.stream.state == "in_progress":
        marks.append("…")
    marks += [f":{name}:" for _, name in message.reactions]
    text = shown_text(message).replace("\n", f"\n{indent}    ")
    return f"{indent}{name_of(core, message.user)}: {text}" + "".join(f" ({m})" for m in marks)


def thread(core: Core, channel: Channel, parent: str) -> list[Message]:
    """The parent and its replies, as they stand."""
    root = channel.messages.get(parent)
    return ([root] if root else []) + list(core.world.replies(channel, parent))


def transcript(core: Core, channel: Channel, viewer: str | None = None) -> str:
    """The whole channel; `viewer` (a user's id) adds what only that person sees."""
    with core.world.lock:
        shown = list(channel.messages.values())
        shown += [m for m in channel.ephemeral if m.to == viewer]
        lines = [channel.label]
        for message in sorted(shown, key=lambda m: m.ts):
            if message.is_reply:
                continue
            lines.append(line(core, message))
            replies = [m for m in shown if m.is_reply and m.thread_ts == message.ts]
            lines += [line(core, m, "  ↳ ") for m in sorted(replies, key=lambda m: m.ts)]
            status = core.status_of(channel.id, message.ts)
            lines += [f"  ↳ {core.world.app.name} {status}"] if status else []
    return "\n".join(lines)


def view_text(view: View) -> str:
    title: Any = view.body.get("title") or {"text": "Home"}
    parts = [part for block in view.body.get("blocks", []) for part in block_text(block)]
    return "\n".join([f"== {title['text']} ==", *parts])
