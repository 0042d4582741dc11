"""The world's shape: guilds, channels, roles, members, and what the bot may do."""

from collections.abc import Sequence
from typing import Any

from tests.simulators.discord import events
from tests.simulators.discord.core import Core
from tests.simulators.discord.permissions import NORMAL, bits
from tests.simulators.discord.state import (
    TEXT,
    Channel,
    Guild,
    Member,
    Message,
    Overwrite,
    Role,
    User,
    now_iso,
)


class Admin:
    core: Core

    def add_user(self, name: str, *, installed: bool = False) -> User:
        """A person in no guild; `installed` gives them the app to use anywhere."""
        with self.core.world.lock:
            user = User(self.core.world.new_id(), name, installed=installed)
            self.core.world.users[user.id] = user
            return user

    def add_guild(self, name: str, *members: User | str, bot: bool = True) -> Guild:
        """With @everyone's normal permissions; its owner is somebody outside the tests."""
        world = self.core.world
        with world.lock:
            owner = User(world.new_id(), f"{name}-owner")
            world.users[owner.id] = owner
            guild = Guild(world.new_id(), name, owner.id)
            guild.roles[guild.id] = Role(guild.id, "@everyone", bits(*NORMAL))
            world.guilds[guild.id] = guild
            for one in [owner, *members]:
                self.add_member(guild, one)
            if bot:
                self.add_bot(guild)
            return guild

    def add_bot(self, guild: Guild | str) -> None:
        """Somebody installs the app in a guild."""
        world = self.core.world
        with world.lock:
            found = world.guild(guild)
            found.members[world.bot.id] = Member(world.bot.id, joined=now_iso())
            events.guild_created(self.core, found)

    def remove_bot(self, guild: Guild | str) -> None:
        """Somebody throws the bot out."""
        world = self.core.world
        with world.lock:
            found = world.guild(guild)
            found.members.pop(world.bot.id)
            events.guild_deleted(self.core, found)

    def go_away(self, guild: Guild | str) -> None:
        """The guild is out of order."""
        world = self.core.world
        with world.lock:
            found = world.guild(guild)
            found.unavailable = True
            events.guild_deleted(self.core, found)

    def come_back(self, guild: Guild | str) -> None:
        world = self.core.world
        with world.lock:
            found = world.guild(guild)
            found.unavailable = False
            events.guild_created(self.core, found)

    def add_member(self, guild: Guild | str, who: User | str, *roles: Role | str) -> Member:
        world = self.core.world
        with world.lock:
            found, user = world.guild(guild), world.user(who)
            ids = [world.role(found, role).id for role in roles]
            found.members[user.id] = Member(user.id, ids, now_iso())
            return found.members[user.id]

    def remove_member(self, guild: Guild | str, who: User | str) -> None:
        world = self.core.world
        with world.lock:
            world.guild(guild).members.pop(world.user(who).id, None)

    def add_channel(
        self,
        name: str,
        guild: Guild | str = "home",
        *,
        private: bool = False,
        overwrites: Sequence[Overwrite] = (),
    ) -> Channel:
        """A text channel; a `private` one nobody sees but the bot and whom `allow` lets in."""
        world = self.core.world
        with world.lock:
            found = world.guild(guild)
            channel = Channel(world.new_id(), name, TEXT, found.id)
            channel.overwrites = {o.id: o for o in overwrites}
            if private:
                view = bits("view_channel")
                channel.overwrites[found.id] = Overwrite(found.id, True, deny=view)
                channel.overwrites[world.bot.id] = Overwrite(world.bot.id, False, allow=view)
            world.channels[channel.id] = channel
            found.channels.append(channel.id)
            events.channel(self.core, "CHANNEL_CREATE", channel)
            return channel

    def delete_channel(self, where: Channel | str) -> None:
        """With its threads."""
        world = self.core.world
        with world.lock:
            channel = world.channel(where)
            for thread in [c for c in world.channels.values() if c.parent == channel.id]:
                self.delete_channel(thread)
            kind = "THREAD_DELETE" if channel.is_thread else "CHANNEL_DELETE"
            events.channel(self.core, kind, channel)
            del world.channels[channel.id]
            if channel.guild:
                world.guilds[channel.guild].channels.remove(channel.id)

    def add_role(self, name: str, *permissions: str, guild: Guild | str = "home") -> Role:
        world = self.core.world
        with world.lock:
            found = world.guild(guild)
            role = Role(world.new_id(), name, bits(*permissions))
            found.roles[role.id] = role
            events.role(self.core, "GUILD_ROLE_CREATE", found, role)
            return role

    def set_role(self, role: Role | str, *permissions: str, guild: Guild | str = "home") -> None:
        """Exactly these permissions; "@everyone" is a role as well."""
        world = self.core.world
        with world.lock:
            found = world.guild(guild)
            changed = world.role(found, role)
            changed.permissions = bits(*permissions)
            events.role(self.core, "GUILD_ROLE_UPDATE", found, changed)

    def give_role(self, who: User | str, role: Role | str, guild: Guild | str = "home") -> None:
        self._roles(who, guild, list.append, role)

    def take_role(self, who: User | str, role: Role | str, guild: Guild | str = "home") -> None:
        self._roles(who, guild, list.remove, role)

    def _roles(self, who: User | str, guild: Guild | str, act: Any, role: Role | str) -> None:
        world = self.core.world
        with world.lock:
            found, user = world.guild(guild), world.user(who)
            act(found.members[user.id].roles, world.role(found, role).id)
            if user is world.bot:
                events.own_member(self.core, found)

    def deny(self, where: Channel | str, whom: Role | User | str, *permissions: str) -> None:
        """An overwrite; `whom` is a role ("@everyone"), a person, or "askwell" for the bot."""
        self._overwrite(where, whom, deny=bits(*permissions))

    def allow(self, where: Channel | str, whom: Role | User | str, *permissions: str) -> None:
        self._overwrite(where, whom, allow=bits(*permissions))

    def _overwrite(
        self, where: Channel | str, whom: Role | User | str, allow: int = 0, deny: int = 0
    ) -> None:
        world = self.core.world
        with world.lock:
            channel = world.channel(where)
            guild = world.guilds[str(channel.guild)]
            names = {role.name: role for role in guild.roles.values()}
            target = names.get(whom) or world.user(whom) if isinstance(whom, str) else whom
            empty = Overwrite(target.id, isinstance(target, Role))
            changed = channel.overwrites.setdefault(target.id, empty)
            changed.allow = changed.allow & ~deny | allow
            changed.deny = changed.deny & ~allow | deny
            events.channel(self.core, "CHANNEL_UPDATE", channel)

    def set_bot_permissions(self, *permissions: str, guild: Guild | str = "home") -> None:
        """Of the normal ones only these, in every channel that the guild has now."""
        world = self.core.world
        with world.lock:
            gone = [name for name in NORMAL if name not in permissions]
            for channel in [world.channels[one] for one in world.guild(guild).channels]:
                if not channel.is_thread:
                    self.deny(channel, world.bot, *gone)
                    self.allow(channel, world.bot, *permissions)

    def expire_attachments(self) -> None:
        """Every attachment's address so far stops working; a refetched message has new ones."""
        with self.core.world.lock:
            self.core.signature += 1

    def block(self, who: User | str) -> None:
        """The person takes no more direct messages from the bot."""
        self.core.world.user(who).takes_dms = False

    def wipe(self, message: Message) -> None:
        """Deletes without telling anybody, as while the bot was away."""
        with self.core.world.lock:
            self.core.world.channels[message.channel].messages.pop(message.id, None)
