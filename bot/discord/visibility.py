"""Who can see a channel of a server, by roles and permission overwrites. Pure.

Administrators see everything and are not counted: they can give themselves any role.
"""

from collections.abc import Iterable

import discord

Kept = discord.abc.GuildChannel | discord.Thread


def guild_channel(channel: Kept) -> discord.abc.GuildChannel | None:
    """The channel itself; of a thread the channel that it is in, whose permissions it has."""
    return channel.parent if isinstance(channel, discord.Thread) else channel


def holders_of(guild: discord.Guild, team_role: str) -> set[int]:
    """The ids of the roles of this name."""
    return {role.id for role in guild.roles if role.name == team_role}


def is_seen_without(channel: discord.abc.GuildChannel, team: set[int]) -> bool:
    """Whether somebody with none of these roles may see the channel, by any other role."""
    guild = channel.guild
    others = [role for role in guild.roles if role.id not in team and not role.is_bot_managed()]
    return any(_sees(channel, role) for role in others if not role.permissions.administrator)


def is_seen_by_all(channel: Kept) -> bool:
    """Whether every member of the server may see the channel or thread."""
    home = guild_channel(channel)
    if home is None or (isinstance(channel, discord.Thread) and channel.is_private()):
        return False
    return _sees(home, home.guild.default_role)


def let_in_by_name(channel: discord.abc.GuildChannel) -> Iterable[int]:
    """The ids of people whom an overwrite of their own lets see the channel."""
    for who, overwrite in channel.overwrites.items():
        # Whoever is not cached comes as an object of that type.
        is_role = isinstance(who, discord.Role) or getattr(who, "type", None) is discord.Role
        if not is_role and overwrite.view_channel:
            yield who.id


def _sees(channel: discord.abc.GuildChannel, role: discord.Role) -> bool:
    """Whether someone with just this role sees the channel."""
    everyone = channel.guild.default_role
    sees = everyone.permissions.view_channel or role.permissions.view_channel
    for which in (everyone, role):
        said = channel.overwrites_for(which).view_channel
        sees = sees if said is None else said
    return sees


def seen_by(member: discord.Member) -> list[str]:
    """The ids of the server's channels that a person can see; threads are not among them."""
    channels = [c for c in member.guild.channels if not isinstance(c, discord.CategoryChannel)]
    return [str(c.id) for c in channels if c.permissions_for(member).view_channel]
