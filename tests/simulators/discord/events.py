"""The gateway's events, each told only where the bot may see what it is about."""

from tests.simulators.discord import shapes
from tests.simulators.discord.core import DIRECT_MESSAGES, GUILD_MESSAGES, GUILDS, Core
from tests.simulators.discord.state import EPHEMERAL, JSON, Channel, Guild, Message, Role


def message(core: Core, kind: str, message: Message) -> None:
    """MESSAGE_CREATE or MESSAGE_UPDATE."""
    channel = core.world.channels[message.channel]
    quiet = bool(message.flags & EPHEMERAL)
    if not _heard(core, channel, quiet):
        return

    def build(content: bool) -> JSON:
        told = shapes.message_json(core, message, content)
        if quiet or channel.guild is None:  # an ephemeral message names no guild
            return told
        guild = core.world.guilds[channel.guild]
        told["guild_id"] = guild.id
        if message.author in guild.members:
            told["member"] = shapes.member_json(guild.members[message.author])
        for mention in told["mentions"]:
            if mention["id"] in guild.members:
                mention["member"] = shapes.member_json(guild.members[mention["id"]])
        return told

    private = quiet or channel.guild is None
    core.emit(kind, build, DIRECT_MESSAGES if private else GUILD_MESSAGES)


def _heard(core: Core, channel: Channel, quiet: bool) -> bool:
    """Whether the bot is told: an ephemeral message of its own also where it can't look."""
    if quiet and channel.guild:
        return core.world.bot.id in core.world.guilds[channel.guild].members
    return shapes.bot_sees(core, channel)


def deleted(core: Core, message: Message) -> None:
    channel = core.world.channels[message.channel]
    told: JSON = {"id": message.id, "channel_id": channel.id}
    if channel.guild and not message.flags & EPHEMERAL:
        told["guild_id"] = channel.guild
    if _heard(core, channel, "guild_id" not in told):
        intent = GUILD_MESSAGES if "guild_id" in told else DIRECT_MESSAGES
        core.emit("MESSAGE_DELETE", lambda content: told, intent)


def channel(core: Core, kind: str, channel: Channel) -> None:
    """CHANNEL_CREATE, CHANNEL_UPDATE, CHANNEL_DELETE or a thread's."""
    in_it = channel.guild and core.world.bot.id in core.world.guilds[channel.guild].members
    if not in_it or (channel.is_thread and not shapes.bot_sees(core, channel)):
        return
    told = shapes.channel_json(core, channel)
    if kind == "THREAD_DELETE":
        told = {name: told[name] for name in ("id", "guild_id", "parent_id", "type")}
    if kind == "THREAD_CREATE":
        told["newly_created"] = True
    core.emit(kind, lambda content: told, GUILDS)


def guild_created(core: Core, guild: Guild) -> None:
    told = shapes.guild_create_json(core, guild)
    core.emit("GUILD_CREATE", lambda content: told, GUILDS)


def guild_deleted(core: Core, guild: Guild) -> None:
    gone = {"unavailable": True} if guild.unavailable else {}
    core.emit("GUILD_DELETE", lambda content: {"id": guild.id} | gone, GUILDS)


def role(core: Core, kind: str, guild: Guild, role: Role) -> None:
    """GUILD_ROLE_CREATE, GUILD_ROLE_UPDATE or GUILD_ROLE_DELETE."""
    if core.world.bot.id not in guild.members:
        return
    told: JSON = {"guild_id": guild.id}
    told |= {"role_id": role.id} if "DELETE" in kind else {"role": shapes.role_json(role)}
    core.emit(kind, lambda content: told, GUILDS)


def own_member(core: Core, guild: Guild) -> None:
    """The bot's own roles changed, which comes without the members intent too."""
    bot = core.world.bot
    told = shapes.member_json(guild.members[bot.id], bot) | {"guild_id": guild.id}
    core.emit("GUILD_MEMBER_UPDATE", lambda content: told, GUILDS)
