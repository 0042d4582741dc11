"""REST: threads."""

from tests.simulators.discord import events, posting, shapes
from tests.simulators.discord.core import Core
from tests.simulators.discord.errors import Refused, invalid, too_long
from tests.simulators.discord.rest import Answer, Ask, route
from tests.simulators.discord.rest_messages import message_of, need
from tests.simulators.discord.rest_read import channel_of
from tests.simulators.discord.state import PRIVATE_THREAD, PUBLIC_THREAD, TEXT, Channel, Message

CREATED, STARTER = 18, 21  # system messages: in the parent, in the thread


def start(
    core: Core, parent: Channel, name: str, owner: str, kind: int, on: Message | None
) -> Channel:
    """A thread, on a message (whose id it then has) or on its own."""
    new = on.id if on else core.world.new_id()
    thread = Channel(new, name, kind, parent.guild, parent.id, owner, members=[owner])
    core.world.channels[new] = thread
    core.world.guilds[str(parent.guild)].channels.append(new)
    if on:
        on.thread = new
    events.channel(core, "THREAD_CREATE", thread)
    if on:
        events.message(core, "MESSAGE_UPDATE", on)
        first = Message(core.world.new_id(), thread.id, owner, "", STARTER, reply_to=on.id)
        posting.post(core, first, {"parse": []})
    elif kind == PUBLIC_THREAD:
        said = Message(core.world.new_id(), parent.id, owner, name, CREATED)
        posting.post(core, said, {"parse": []})
    return thread


def _name(ask: Ask) -> str:
    name = str(ask.json.get("name") or "")
    if not 1 <= len(name.strip()) <= 100:
        raise too_long("name", 100)
    if ask.json.get("auto_archive_duration", 1440) not in (60, 1440, 4320, 10080, None):
        raise invalid("auto_archive_duration", "BASE_TYPE_CHOICES", "Not one of the durations.")
    return name


@route("POST", "/channels/{}/messages/{}/threads")
def on_message(ask: Ask) -> Answer:
    core, message = ask.core, message_of(ask)
    parent = core.world.channels[message.channel]
    if parent.type != TEXT:
        raise Refused(50024)
    need(core, parent, "create_public_threads")
    if message.thread:
        raise Refused(160004)
    thread = start(core, parent, _name(ask), core.world.bot.id, PUBLIC_THREAD, message)
    return Answer(201, shapes.channel_json(core, thread))


@route("POST", "/channels/{}/threads")
def alone(ask: Ask) -> Answer:
    core, parent = ask.core, channel_of(ask)
    if parent.type != TEXT:
        raise Refused(50024)
    kind = PUBLIC_THREAD if ask.json.get("type") == PUBLIC_THREAD else PRIVATE_THREAD
    private = kind == PRIVATE_THREAD
    need(core, parent, "create_private_threads" if private else "create_public_threads")
    thread = start(core, parent, _name(ask), core.world.bot.id, kind, None)
    return Answer(201, shapes.channel_json(core, thread))


@route("GET", "/channels/{}/thread-members")
def thread_members(ask: Ask) -> Answer:
    """Whoever joined; listing them needs the members intent."""
    raise Refused(50001)


@route("GET", "/channels/{}/thread-members/{}")
def thread_member(ask: Ask) -> Answer:
    thread = channel_of(ask)
    who = ask.core.world.bot.id if ask.path[1] == "@me" else ask.path[1]
    if who not in thread.members:
        raise Refused(10007)
    return Answer(200, shapes.thread_member_json(thread, who))


@route("PUT", "/channels/{}/thread-members/{}")
def join(ask: Ask) -> Answer:
    thread = channel_of(ask)
    who = ask.core.world.bot.id if ask.path[1] == "@me" else ask.path[1]
    if thread.archived:
        raise Refused(50083)
    if who not in thread.members:
        thread.members.append(who)
    return Answer(204)


@route("PATCH", "/channels/{}")
def modify(ask: Ask) -> Answer:
    core, thread = ask.core, channel_of(ask)
    if not thread.is_thread:
        raise Refused(50013)
    if thread.owner != core.world.bot.id:
        need(core, thread, "manage_threads")
    thread.archived = bool(ask.json.get("archived", thread.archived))
    if "name" in ask.json:
        thread.name = _name(ask)
    events.channel(core, "THREAD_UPDATE", thread)
    return Answer(200, shapes.channel_json(core, thread))
