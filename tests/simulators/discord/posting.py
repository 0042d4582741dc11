"""Messages coming to be, changing and going, whoever's they are."""

from tests.simulators.discord import events, exposure, validating
from tests.simulators.discord.core import Core
from tests.simulators.discord.state import (
    COMPONENTS_V2,
    JSON,
    LOADING,
    NO_PREVIEWS,
    Attachment,
    Channel,
    Message,
    now_iso,
)


def post(core: Core, message: Message, allowed: JSON | None) -> Message:
    """Puts a message where it belongs and tells of it."""
    channel = core.world.channels[message.channel]
    if message.to:
        channel.ephemeral.append(message)
    else:
        channel.messages[message.id] = message
    pinged = marked(core, message, allowed)
    core.shown("posted", message, pinged)
    events.message(core, "MESSAGE_CREATE", message)
    message.nonce = None  # told once, not kept
    return message


def marked(core: Core, message: Message, allowed: JSON | None) -> list[str]:
    channel = core.world.channels[message.channel]
    parent = channel.messages.get(message.reply_to or "")
    replied = parent.author if parent else None
    may = exposure.may_of(core.world, channel, message.author)
    return exposure.mark(core.world, message, allowed, replied, may)


def change(
    core: Core, message: Message, body: JSON, files: list[Attachment], loading: bool = False
) -> Message:
    """An edit by the API: only what `body` names changes. `loading`: a deferral is filled in."""
    fitting = {"content": message.text, "embeds": message.embeds, "flags": message.flags}
    whole = fitting | {"components": message.components} | body
    validating.message(whole, len(message.attachments) + len(files), edited=not loading)
    if "content" in body:
        message.text = (body["content"] or "").strip()
    message.embeds = body.get("embeds", message.embeds) or []
    if "components" in body:
        message.components = validating.number(body["components"] or [])
    asked = body.get("flags", message.flags) or 0
    message.flags = message.flags & ~(LOADING | NO_PREVIEWS) | asked & (COMPONENTS_V2 | NO_PREVIEWS)
    if "attachments" in body:
        kept = {str(a["id"]) for a in body["attachments"] or []}
        message.attachments = [a for a in message.attachments if a.id in kept]
    message.attachments += files
    message.edited = None if loading else now_iso()
    pinged = marked(core, message, body.get("allowed_mentions"))
    core.shown("posted" if loading else "changed", message, pinged)
    events.message(core, "MESSAGE_UPDATE", message)
    return message


def delete(core: Core, message: Message) -> None:
    channel = core.world.channels[message.channel]
    if message in channel.ephemeral:
        channel.ephemeral.remove(message)
    channel.messages.pop(message.id, None)
    channel.deleted.append(message)
    core.world.tell("deleted", message)
    events.deleted(core, message)


def by_bot(core: Core, channel: Channel, body: JSON, files: list[Attachment]) -> Message:
    """A message of the bot's, made of a checked request."""
    text = (body.get("content") or "").strip()
    message = Message(core.world.new_id(), channel.id, core.world.bot.id, text)
    message.embeds = body.get("embeds") or []
    message.components = validating.number(body.get("components") or [])
    message.flags = (body.get("flags") or 0) & (COMPONENTS_V2 | NO_PREVIEWS | 1 << 12)
    message.attachments = files
    return message
