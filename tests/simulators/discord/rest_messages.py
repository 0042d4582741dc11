"""REST: reading, sending, editing and deleting messages."""

import time

from tests.simulators.discord import events, posting, shapes, validating
from tests.simulators.discord.core import Core
from tests.simulators.discord.errors import Refused, invalid
from tests.simulators.discord.exposure import may_of
from tests.simulators.discord.permissions import BITS
from tests.simulators.discord.rest import Answer, Ask, route
from tests.simulators.discord.rest_read import channel_of
from tests.simulators.discord.state import DM, JSON, Attachment, Channel, Message


def need(core: Core, channel: Channel, *names: str) -> None:
    """Raises where the bot lacks a permission; a DM has none."""
    may = may_of(core.world, channel, core.world.bot.id)
    if channel.type != DM and any(not may & BITS[name] for name in names):
        raise Refused(50013)


def may_write(core: Core, channel: Channel) -> None:
    need(core, channel, "send_messages_in_threads" if channel.is_thread else "send_messages")


def message_of(ask: Ask) -> Message:
    channel = channel_of(ask)
    need(ask.core, channel, "read_message_history")
    if ask.path[1] not in channel.messages:
        raise Refused(10008)
    return channel.messages[ask.path[1]]


def told(core: Core, message: Message) -> JSON:
    """REST goes by the portal's switch, whatever the gateway session asked for."""
    return shapes.message_json(core, message, core.message_content_allowed)


@route("POST", "/channels/{}/typing")
def typing(ask: Ask) -> Answer:
    channel = channel_of(ask)
    may_write(ask.core, channel)
    ask.core.typed(channel)
    return Answer(204)


@route("GET", "/channels/{}/messages")
def history(ask: Ask) -> Answer:
    """The newest first, whichever way one asks."""
    channel = channel_of(ask)
    numbers = {name: value for name, value in ask.query.items() if value.isdecimal()}
    limit = int(numbers.get("limit", 50))
    if len(numbers) < len(ask.query) or not 1 <= limit <= 100:
        raise invalid("limit", "NUMBER_TYPE_MAX", "int value should be between 1 and 100.")
    may = may_of(ask.core.world, channel, ask.core.world.bot.id)
    if channel.type != DM and not may & BITS["read_message_history"]:
        return Answer(200, [])  # no history is an empty one
    chosen = _page(sorted(channel.messages.values(), key=lambda m: int(m.id)), ask.query, limit)
    return Answer(200, [told(ask.core, message) for message in reversed(chosen)])


def _page(rising: list[Message], query: dict[str, str], limit: int) -> list[Message]:
    if "after" in query:
        return [m for m in rising if int(m.id) > int(query["after"])][:limit]
    if "before" in query:
        return [m for m in rising if int(m.id) < int(query["before"])][-limit:]
    if "around" in query:
        middle = int(query["around"])
        older = [m for m in rising if int(m.id) < middle][-(limit // 2) :]
        return older + [m for m in rising if int(m.id) >= middle][: limit - limit // 2]
    return rising[-limit:]


@route("GET", "/channels/{}/messages/{}")
def one(ask: Ask) -> Answer:
    return Answer(200, told(ask.core, message_of(ask)))


@route("POST", "/channels/{}/messages")
def create(ask: Ask) -> Answer:
    core, channel, body = ask.core, channel_of(ask), ask.json
    _may_send(core, channel, ask.files)
    validating.message(body, len(ask.files))
    nonce = str(body.get("nonce") or "")
    if len(nonce) > 25:
        raise invalid("nonce", "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.")
    if nonce and body.get("enforce_nonce") and (first := _repeated(core, channel, nonce)):
        if first not in channel.messages:
            raise Refused(10008)
        return Answer(200, told(core, channel.messages[first]))
    message = posting.by_bot(core, channel, body, ask.files)
    message.nonce = nonce or None
    _reply_to(core, channel, message, body.get("message_reference"))
    if channel.archived:
        channel.archived = False
        events.channel(core, "THREAD_UPDATE", channel)
    if channel.is_thread and core.world.bot.id not in channel.members:
        channel.members.append(core.world.bot.id)
    if nonce and body.get("enforce_nonce"):
        core.nonces[channel.id, nonce] = (time.monotonic(), message.id)
    posting.post(core, message, body.get("allowed_mentions"))
    return Answer(200, told(core, message) | ({"nonce": nonce} if nonce else {}))


def _may_send(core: Core, channel: Channel, files: list[Attachment]) -> None:
    may_write(core, channel)
    if files:
        need(core, channel, "attach_files")
    if channel.type == DM:
        other = next(m for m in channel.members if m != core.world.bot.id)
        if not core.world.users[other].takes_dms or not core.world.reachable(other):
            raise Refused(50007)


def _repeated(core: Core, channel: Channel, nonce: str) -> str | None:
    """The id of the first message with this nonce, if it was sent within minutes."""
    at, first = core.nonces.get((channel.id, nonce), (0.0, ""))
    return first if first and time.monotonic() < at + core.settings.nonce_life else None


def _reply_to(core: Core, channel: Channel, message: Message, reference: JSON | None) -> None:
    if not reference:
        return
    parent = str(reference.get("message_id"))
    if parent in channel.messages:
        need(core, channel, "read_message_history")
        message.reply_to, message.type = parent, 19
    elif reference.get("fail_if_not_exists", True):
        raise invalid("message_reference", "MESSAGE_REFERENCE_UNKNOWN_MESSAGE", "Unknown message")


@route("PATCH", "/channels/{}/messages/{}")
def edit(ask: Ask) -> Answer:
    core, message = ask.core, message_of(ask)
    if message.author != core.world.bot.id:
        raise Refused(50005)
    if core.world.channels[message.channel].archived:
        raise Refused(50083)
    posting.change(core, message, ask.json, ask.files)
    return Answer(200, told(core, message))


@route("DELETE", "/channels/{}/messages/{}")
def delete(ask: Ask) -> Answer:
    core, channel = ask.core, channel_of(ask)
    if ask.path[1] not in channel.messages:
        raise Refused(10008)
    message = channel.messages[ask.path[1]]
    if message.author != core.world.bot.id:
        need(core, channel, "manage_messages")
        if channel.type == DM:
            raise Refused(50003, status=403)
    posting.delete(core, message)
    return Answer(204)
