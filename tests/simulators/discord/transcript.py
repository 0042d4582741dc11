"""Discord as a person sees it: text, for asserting and for the terminal."""

from collections.abc import Iterator

from tests.simulators.discord.core import Core
from tests.simulators.discord.state import JSON, Channel, Message


def parts(components: list[JSON]) -> Iterator[str]:
    for part in components:
        kind = part.get("type")
        if kind == 1:
            yield "  ".join(parts(part["components"]))
        elif kind == 2:
            label = part.get("label") or _emoji(part)
            yield f"[{label} = {part.get('custom_id') or part.get('url')}]"
        elif kind == 10:
            yield str(part.get("content"))
        elif kind == 14:
            yield "———"
        elif "components" in part:
            yield from parts(part["components"])
        elif part.get("custom_id"):
            yield f"({part.get('placeholder') or 'choose'} = {part['custom_id']})"


def _emoji(part: JSON) -> str:
    return str((part.get("emoji") or {}).get("name", ""))


def shown_text(message: Message) -> str:
    lines = [message.text]
    for embed in message.embeds:
        lines += [str(embed[k]) for k in ("title", "description") if embed.get(k)]
    lines += [f"(file: {a.filename})" for a in message.attachments]
    lines += list(parts(message.components))
    return "\n".join(line for line in lines if line)


def line(core: Core, message: Message, indent: str = "") -> str:
    """One message, with whatever marks it."""
    users = core.world.users
    marks = ["edited"] if message.edited else []
    if message.to:
        marks.append(f"only for {users[message.to].name}")
    text = "…" if message.is_loading else shown_text(message).replace("\n", f"\n{indent}    ")
    parent = core.world.channels[message.channel].messages.get(message.reply_to or "")
    arrow = f" (to {users[parent.author].name})" if parent else ""
    name = users[message.author].name
    return f"{indent}{name}{arrow}: {text}" + "".join(f" ({mark})" for mark in marks)


def transcript(core: Core, channel: Channel, viewer: str | None = None) -> str:
    """The whole channel; `viewer` (a user's id) adds what only that person sees."""
    with core.world.lock:
        shown = [*channel.messages.values(), *(m for m in channel.ephemeral if m.to == viewer)]
        lines = [channel.label]
        for message in sorted(shown, key=lambda m: int(m.id)):
            lines.append(line(core, message))
            thread = core.world.channels.get(message.thread or "")
            lines += [line(core, m, "  ↳ ") for m in thread.messages.values()] if thread else []
    return "\n".join(lines)


def modal_text(modal: JSON) -> str:
    lines = [f"== {modal['title']} =="]
    for part in modal["components"]:
        inner: JSON = part.get("component") or next(iter(part.get("components") or []), {})
        label = part.get("label") or inner.get("label") or part.get("content") or ""
        lines.append(f"{label}: ____ ({inner['custom_id']})" if inner else label)
    return "\n".join(lines)
