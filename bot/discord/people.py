"""Who asks in Discord and who reads along.

A server's channels, roles and overwrites are known from the gateway as they are now. People are
read one by one, for the intent that lists them is privileged; a reading is good for minutes.
"""

import logging

import discord
from django.utils import timezone

from backend.accounts.audience import Place
from backend.accounts.claiming import claimed
from backend.accounts.models import Channel, Identity, Installation, Standing
from backend.accounts.people import (
    NEVER,
    is_fresh,
    joined_read_at,
    known_person,
    record_channel,
    record_joined,
    record_person,
)
from bot import talks, wording
from bot.discord import visibility
from bot.discord.events import PLATFORM
from bot.discord.interactions import Asked
from bot.discord.naming import names_of
from bot.discord.rest import MISSING_ACCESS, UNKNOWN_MEMBER, UNKNOWN_USER, DiscordApi
from bot.errors import DeliveryError, NotNow, Nowhere, Refused, Resting
from bot.threads import in_inbox, in_people

logger = logging.getLogger(__name__)

# Seconds until it is looked again for a server that Discord does not tell of.
AWAY = 5.0

Member = discord.Member | Standing


class People:
    def __init__(self, client: discord.Client, api: DiscordApi) -> None:
        self._client, self._api = client, api

    async def place(self, guild: int, channel: int | None, person: int, *, private: bool) -> Place:
        """The place of a question asked in a server; `channel` may be a thread's id.

        Raises Nowhere where nobody claimed the server, and DeliveryError where Discord does not
        say enough to answer for all to see.
        """
        installation = await in_people(claimed, PLATFORM, str(guild))
        if installation is None:
            raise Nowhere(wording.CLAIM_ME.format(id=guild))
        identity = await self.person(installation, person)
        seen = await self._find(guild, channel) if channel else None
        if channel and seen is None:
            if not private:
                raise Refused("the bot does not see the channel", MISSING_ACCESS)
            return Place(installation.workspace, identity=identity, bot_is_member=False)
        if private or seen is None:
            return Place(installation.workspace, identity=identity)
        row = await self._read_channel(installation, seen)
        return Place(installation.workspace, identity=identity, channel=row)

    async def alone(self, person: int) -> Place:
        """The place of what one person asks the bot alone: in the server that they share with it,
        or in the one of several that they named.

        Raises Nowhere where there is none, or nobody knows which.
        """
        servers = await self._servers(person)
        if not servers:
            raise Nowhere(wording.NO_SERVER)
        chosen = await in_inbox(talks.server_named_by, PLATFORM, str(person))
        known = [number for number in servers if str(number) == chosen] or servers
        if len(known) > 1:
            every = names_of(self._client.guilds)
            names = ", ".join(f"“{every[number]}”" for number in known if number in every)
            raise Nowhere(wording.WHICH_SERVER.format(names=names))
        return await self.place(known[0], None, person, private=True)

    async def by_themselves(self, person: int) -> Place:
        """The same where the bot is no member: only what is the person's own may be used."""
        place = await self.alone(person)
        return Place(place.workspace, identity=place.identity, bot_is_member=False)

    async def of_click(self, asked: Asked) -> Place:
        """The place of what only whoever gave a command or clicked will see. Raises Nowhere."""
        if asked.guild is not None and self._client.get_guild(asked.guild):
            return await self.place(asked.guild, asked.channel, asked.person, private=True)
        if asked.is_direct:
            return await self.alone(asked.person)
        return await self.by_themselves(asked.person)

    def is_member(self, asked: Asked) -> bool:
        """Whether the bot is where a command was given."""
        if asked.guild is None:
            return asked.is_direct
        return self._seen(asked.guild, asked.channel) is not None

    def open_name(self, asked: Asked) -> str:
        """The name of the channel where somebody clicked, if everybody in the server sees it."""
        found = self._seen(asked.guild, asked.channel) if asked.guild is not None else None
        home = visibility.guild_channel(found) if found is not None else None
        if found is None or home is None or not visibility.is_seen_by_all(found):
            return ""
        return home.name

    async def _find(self, guild: int, channel: int) -> visibility.Kept | None:
        """The channel, if the bot sees it; an archived thread is asked for."""
        _need(self._client.get_guild(guild))
        found = self._seen(guild, channel)
        if found is not None:
            return found
        try:
            fetched = await self._api.run("a channel", self._client.fetch_channel(channel))
        except (Refused, discord.InvalidData):
            return None
        return fetched if isinstance(fetched, discord.Thread) and self._may_see(fetched) else None

    def _seen(self, guild: int, channel: int) -> visibility.Kept | None:
        """The channel, if it is known and the bot sees it."""
        server = self._client.get_guild(guild)
        found = server.get_channel_or_thread(channel) if server else None
        return found if found is not None and self._may_see(found) else None

    def _may_see(self, channel: visibility.Kept) -> bool:
        home = visibility.guild_channel(channel)
        return home is not None and home.permissions_for(home.guild.me).view_channel

    async def _servers(self, person: int) -> list[int]:
        """The ids of the claimed servers that this person shares with the bot."""
        found, away = [], None
        for guild in self._client.guilds:
            installation = await in_people(claimed, PLATFORM, str(guild.id))
            if installation is None:
                continue
            if guild.unavailable and not await in_people(known_person, installation, str(person)):
                away = guild
                continue
            identity = await self.person(installation, person)
            if identity.standing in (Standing.TEAM, Standing.GUEST):
                found.append(guild.id)
        if not found:
            _need(away)
        return found

    async def person(self, installation: Installation, person: int) -> Identity:
        """Who this is to the server, with the channels that they can see."""
        known = await in_people(known_person, installation, str(person))
        if known and is_fresh(known.read_at):
            seen_at = await in_people(joined_read_at, known)
            if known.standing == Standing.REMOVED or (seen_at and is_fresh(seen_at)):
                return known
        guild = self._client.get_guild(int(installation.external_id))
        at = timezone.now()
        try:
            _need(guild)
            member = await member_of(self._api, guild, person) if guild else None
        except Resting:
            raise
        except DeliveryError:
            if known is None:
                raise
            return known  # for as long as what is known is young enough
        standing = standing_of(member, installation.team_role)
        identity = await in_people(
            record_person,
            installation,
            str(person),
            standing,
            NEVER if standing == Standing.UNKNOWN else at,
        )
        if isinstance(member, discord.Member):
            channels = visibility.seen_by(member) + await self._private_threads(member)
            await in_people(record_joined, identity, channels, at)
        return identity

    async def _private_threads(self, member: discord.Member) -> list[str]:
        """The private threads that the bot knows and this person is in."""
        found = []
        for thread in member.guild.threads:
            home = thread.parent
            sees = home is not None and home.permissions_for(member).view_channel
            if not thread.is_private() or home is None or not sees:
                continue
            if home.permissions_for(member).manage_threads:
                found.append(str(thread.id))
                continue
            try:
                await self._api.run("a thread's member", thread.fetch_member(member.id))
                found.append(str(thread.id))
            except DeliveryError:
                continue
        return found

    async def _read_channel(self, installation: Installation, channel: visibility.Kept) -> Channel:
        """The row of the channel whose documents count: a private thread has its own."""
        home = visibility.guild_channel(channel)
        assert home is not None
        own = isinstance(channel, discord.Thread) and channel.is_private()
        outsiders = await self._has_outsiders(installation, home)
        return await in_people(
            record_channel,
            installation,
            str(channel.id if own else home.id),
            outsiders,
            timezone.now(),
        )

    async def _has_outsiders(
        self, installation: Installation, channel: discord.abc.GuildChannel
    ) -> bool:
        if not installation.team_role:  # every member of the server is of the team
            return False
        if visibility.is_seen_without(
            channel, visibility.holders_of(channel.guild, installation.team_role)
        ):
            return True
        for person in visibility.let_in_by_name(channel):
            if person == channel.guild.me.id:
                continue
            if (await self.person(installation, person)).standing != Standing.TEAM:
                return True
        return False


def _need(guild: discord.Guild | None) -> None:
    """Raises NotNow where Discord has not told of a server that the bot is in: it came late, or is
    out of order, and has neither roles nor channels."""
    if guild is not None and guild.unavailable:
        raise NotNow("Discord does not tell of the server now", AWAY)


async def member_of(api: DiscordApi, guild: discord.Guild, person: int) -> Member:
    """The member, or what is known without one. Raises DeliveryError."""
    try:
        return await api.run("a member", guild.fetch_member(person))
    except Refused as error:
        if error.code in (UNKNOWN_MEMBER, UNKNOWN_USER):
            return Standing.REMOVED
        logger.warning("Discord does not say who %s is: %s", person, error)
        return Standing.UNKNOWN


def standing_of(member: Member | None, team_role: str) -> Standing:
    """What a member is to a server whose team has this role, or none."""
    if member is None:
        return Standing.UNKNOWN
    if isinstance(member, Standing):
        return member
    if not team_role or any(role.name == team_role for role in member.roles):
        return Standing.TEAM
    return Standing.GUEST
