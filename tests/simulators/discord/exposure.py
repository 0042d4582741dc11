"""Whom a message would ping: its mentions, and what its allowed_mentions let through."""

import re
from dataclasses import dataclass

from tests.simulators.discord.permissions import BITS, in_channel
from tests.simulators.discord.state import JSON, Channel, Message, World

USER = re.compile(r"<@!?(\d+)>")
ROLE = re.compile(r"<@&(\d+)>")
EVERYONE = re.compile(r"@(everyone|here)\b")


@dataclass(frozen=True)
class Ping:
    """`who` is "everyone", "here", or the name of a user or role."""

    channel: str
    message: str
    who: str
    by_bot: bool


def mark(
    world: World, message: Message, allowed: JSON | None, replied: str | None, may: int
) -> list[str]:
    """Sets the message's mentions and returns who is pinged; `allowed` None parses everything.

    `replied` is the author whom a reply is to; `may` are the author's permissions.
    """
    channel = world.channels[message.channel]
    if allowed is None:
        allowed = {"parse": ["users", "roles", "everyone"], "replied_user": True}
    allowed = {"parse": [], "replied_user": False, **allowed}
    text = message.text
    users = _chosen(USER.findall(text), allowed, "users")
    roles = _chosen(ROLE.findall(text), allowed, "roles")
    if replied and allowed["replied_user"]:
        users.append(replied)
    users = [u for u in dict.fromkeys(users) if u in world.users]
    roles = [r for r in dict.fromkeys(roles) if _pingable(world, channel, r, may)]
    every = EVERYONE.search(text)
    may_all = channel.guild is None or bool(may & BITS["mention_everyone"])
    loud = bool(every and "everyone" in allowed["parse"] and may_all and channel.guild)
    message.mentions = users  # only whom it pings: what was suppressed is plain text
    message.mention_roles, message.mention_everyone = roles, loud
    names = [world.users[u].name for u in users if u != message.author]
    if channel.guild:
        names += [world.guilds[channel.guild].roles[r].name for r in roles]
    return names + ([every[1]] if loud and every else [])


def _chosen(found: list[str], allowed: JSON, kind: str) -> list[str]:
    if kind in allowed["parse"]:
        return found
    return [one for one in found if one in [str(given) for given in allowed.get(kind) or []]]


def _pingable(world: World, channel: Channel, role: str, may: int) -> bool:
    if channel.guild is None or role not in world.guilds[channel.guild].roles:
        return False
    mentionable = world.guilds[channel.guild].roles[role].mentionable
    return mentionable or bool(may & BITS["mention_everyone"])


def may_of(world: World, channel: Channel, user: str) -> int:
    if channel.guild is None:
        return 0
    return in_channel(world.guilds[channel.guild], world.parent(channel), world.users[user])
