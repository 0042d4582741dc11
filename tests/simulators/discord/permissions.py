"""Who may do what where: roles, then the channel's overwrites, as Discord computes it.

https://discord.com/developers/docs/topics/permissions
"""

from tests.simulators.discord.state import Channel, Guild, User

BITS = {
    "administrator": 1 << 3,
    "manage_channels": 1 << 4,
    "manage_guild": 1 << 5,
    "add_reactions": 1 << 6,
    "view_channel": 1 << 10,
    "send_messages": 1 << 11,
    "manage_messages": 1 << 13,
    "embed_links": 1 << 14,
    "attach_files": 1 << 15,
    "read_message_history": 1 << 16,
    "mention_everyone": 1 << 17,
    "manage_roles": 1 << 28,
    "use_application_commands": 1 << 31,
    "manage_threads": 1 << 34,
    "create_public_threads": 1 << 35,
    "create_private_threads": 1 << 36,
    "send_messages_in_threads": 1 << 38,
}
EVERYTHING = (1 << 53) - 1
NORMAL = (
    "add_reactions view_channel send_messages embed_links attach_files read_message_history "
    "use_application_commands create_public_threads create_private_threads "
    "send_messages_in_threads"
).split()


def bits(*names: str) -> int:
    total = 0
    for name in names:
        total |= BITS[name]
    return total


def in_guild(guild: Guild, user: User) -> int:
    if guild.owner == user.id:
        return EVERYTHING
    total = guild.roles[guild.id].permissions
    for role in guild.members[user.id].roles:
        total |= guild.roles[role].permissions
    return EVERYTHING if total & BITS["administrator"] else total


def in_channel(guild: Guild, channel: Channel, user: User) -> int:
    """`channel` is the parent where a thread is meant. Nothing for who isn't in the guild."""
    if user.id not in guild.members:
        return 0
    total = in_guild(guild, user)
    if total & BITS["administrator"]:
        return EVERYTHING
    total = _overwritten(total, channel, [guild.id])
    total = _overwritten(total, channel, guild.members[user.id].roles)
    total = _overwritten(total, channel, [user.id])
    return total if total & BITS["view_channel"] else 0


def _overwritten(total: int, channel: Channel, targets: list[str]) -> int:
    found = [channel.overwrites[target] for target in targets if target in channel.overwrites]
    for overwrite in found:
        total &= ~overwrite.deny
    for overwrite in found:
        total |= overwrite.allow
    return total
