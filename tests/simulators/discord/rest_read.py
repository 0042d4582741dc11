"""REST: who the bot is, the gateway, guilds, members, roles, channels."""

from tests.simulators.discord import events, shapes
from tests.simulators.discord.errors import Refused
from tests.simulators.discord.rest import Answer, Ask, route
from tests.simulators.discord.state import JSON, Channel, Guild


def guild_of(ask: Ask) -> Guild:
    """The guild in the path, where the bot is in it."""
    guild = ask.core.world.guilds.get(ask.path[0])
    if guild is None or ask.core.world.bot.id not in guild.members:
        raise Refused(10004 if guild is None else 50001)
    return guild


def channel_of(ask: Ask) -> Channel:
    """The channel in the path, where the bot can see it."""
    channel = ask.core.world.channels.get(ask.path[0])
    if channel is None:
        raise Refused(10003)
    if not shapes.bot_sees(ask.core, channel):
        raise Refused(50001)
    return channel


@route("GET", "/users/@me")
def me(ask: Ask) -> Answer:
    return Answer(200, shapes.user_json(ask.core.world.bot) | {"verified": True, "email": None})


@route("GET", "/users/@me/guilds")
def my_guilds(ask: Ask) -> Answer:
    world = ask.core.world
    mine = [g for g in world.guilds.values() if world.bot.id in g.members]
    return Answer(200, [{"id": g.id, "name": g.name, "icon": None, "owner": False} for g in mine])


@route("DELETE", "/users/@me/guilds/{}")
def leave(ask: Ask) -> Answer:
    guild = guild_of(ask)
    del guild.members[ask.core.world.bot.id]
    events.guild_deleted(ask.core, guild)
    return Answer(204)


@route("POST", "/users/@me/channels")
def open_dm(ask: Ask) -> Answer:
    world = ask.core.world
    other = world.users.get(str(ask.json.get("recipient_id")))
    if other is None or other.bot:
        raise Refused(50007 if other else 10013)
    return Answer(200, shapes.channel_json(ask.core, world.direct(other.id, world.bot.id)))


@route("GET", "/users/{}")
def user(ask: Ask) -> Answer:
    found = ask.core.world.users.get(ask.path[0])
    if found is None:
        raise Refused(10013)
    return Answer(200, shapes.user_json(found))


def application(ask: Ask) -> Answer:
    bot = ask.core.world.bot
    owner = next(u for u in ask.core.world.users.values() if not u.bot)
    told: JSON = {
        "id": bot.id,
        "name": bot.name,
        "icon": None,
        "description": "",
        "rpc_origins": [],
        "bot_public": True,
        "bot_require_code_grant": False,
        "terms_of_service_url": None,
        "privacy_policy_url": None,
        "verify_key": "0" * 64,
        "summary": "",
        "flags": ask.core.flags,
        "team": None,
        "owner": shapes.user_json(owner),
        "bot": shapes.user_json(bot),
        "integration_types_config": {"0": {}, "1": {}},
    }
    return Answer(200, told)


route("GET", "/oauth2/applications/@me")(application)
route("GET", "/applications/@me")(application)


@route("GET", "/guilds/{}")
def guild(ask: Ask) -> Answer:
    found = guild_of(ask)
    counts = {"approximate_member_count": len(found.members)} if "with_counts" in ask.query else {}
    return Answer(200, shapes.guild_json(found) | counts)


@route("GET", "/guilds/{}/channels")
def channels(ask: Ask) -> Answer:
    world = ask.core.world
    found = [world.channels[one] for one in guild_of(ask).channels]
    return Answer(200, [shapes.channel_json(ask.core, c) for c in found if not c.is_thread])


@route("GET", "/guilds/{}/roles")
def roles(ask: Ask) -> Answer:
    found = guild_of(ask).roles.values()
    return Answer(200, [shapes.role_json(role, place) for place, role in enumerate(found)])


@route("GET", "/guilds/{}/threads/active")
def active_threads(ask: Ask) -> Answer:
    world = ask.core.world
    found = [world.channels[one] for one in guild_of(ask).channels]
    threads = [t for t in found if t.is_thread and not t.archived]
    return Answer(200, _threads(ask, [t for t in threads if shapes.bot_sees(ask.core, t)]))


def _threads(ask: Ask, threads: list[Channel]) -> JSON:
    bot = ask.core.world.bot.id
    mine = [shapes.thread_member_json(t, bot) for t in threads if bot in t.members]
    told = [shapes.channel_json(ask.core, t) for t in threads]
    return {"threads": told, "members": mine, "has_more": False}


@route("GET", "/channels/{}/threads/archived/public")
def archived_threads(ask: Ask) -> Answer:
    parent, world = channel_of(ask), ask.core.world
    found = [t for t in world.channels.values() if t.parent == parent.id and t.type == 11]
    return Answer(200, _threads(ask, [t for t in found if t.archived]))


@route("GET", "/guilds/{}/members")
def members(ask: Ask) -> Answer:
    raise Refused(50001)  # needs the members intent, which is never allowed here


@route("GET", "/guilds/{}/members/{}")
def member(ask: Ask) -> Answer:
    found, world = guild_of(ask), ask.core.world
    if ask.path[1] not in found.members:
        raise Refused(10007 if ask.path[1] in world.users else 10013)
    return Answer(200, shapes.member_json(found.members[ask.path[1]], world.users[ask.path[1]]))


@route("GET", "/channels/{}")
def channel(ask: Ask) -> Answer:
    found = channel_of(ask)
    return Answer(200, shapes.channel_json(ask.core, found))
