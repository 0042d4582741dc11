"""Who asks in Slack and who reads along, kept in the database with the time of reading.

Rows that are fresh are trusted, whichever process read them. What Slack does not say stays
unknown, and counts as the smaller set.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from backend.accounts.audience import Place
from backend.accounts.models import Channel, Identity, Installation, Standing
from backend.accounts.people import (
    NEVER,
    channel_of,
    forget_outsiders,
    is_fresh,
    joined_read_at,
    known_person,
    record_came,
    record_channel,
    record_joined,
    record_left,
    record_person,
)
from bot.slack.api import SlackApi
from bot.slack.calls import Calls, Flights, Unread
from bot.slack.guests import GONE, Guests, channels_of, standing_of
from bot.threads import in_people

# Any of these, and the members are, or soon will be, people of other organisations as well.
SHARED = ("is_ext_shared", "is_pending_ext_shared", "is_org_shared")
# After these it is read anew who is in the channel, and whether the bot is.
CHANNEL_EVENTS = {
    f"{kind}_{what}"
    for kind in ("channel", "group")
    for what in ("shared", "unshared", "archive", "unarchive", "deleted", "left")
}


@dataclass(frozen=True)
class Look:
    """What a conversation is, as Slack says."""

    at: datetime
    is_direct: bool = False
    is_shared: bool = False
    bot_is_member: bool = False
    # Where everybody of the team may know it.
    open_name: str = ""


class People:
    def __init__(self, api: SlackApi, installation: Installation, bot: str = "") -> None:
        self._installation = installation
        self._calls, self._flights = Calls(api), Flights()
        self._guests = Guests(self._calls, self._flights, installation)
        self._looks: dict[str, Look] = {}
        self._bots = {bot}

    @property
    def team(self) -> str:
        """The team that installed the app."""
        return self._installation.external_id

    async def close(self) -> None:
        await self._flights.close()

    async def place(
        self, *, user: str, team: str | None, channel: str | None, private: bool
    ) -> Place:
        """The place of a question, with its readers as Slack knows them now.

        `team` is the asker's own team where the event names it. A direct message needs no
        channel. Where the bot is not a member of the channel (`bot_is_member`), only a private
        reply may be given; `private` or not, the place then has no channel. Raises Resting where
        Slack does not let the bot in.
        """
        identity, look = await asyncio.gather(
            self._person(user, team), self._look(channel, private)
        )
        workspace = identity.installation.workspace
        if not look.bot_is_member:
            return Place(workspace, identity=identity, bot_is_member=False)
        if channel is None or private or look.is_direct:
            joined = ("joined", identity.pk)
            await self._flights.join(joined, lambda: self._read_joined(identity))
            return Place(workspace, identity=identity)
        row = await self._flights.join(
            ("outsiders", channel), lambda: self._read_outsiders(channel, look)
        )
        return Place(workspace, identity=identity, channel=row)

    # The asker

    async def _person(self, user: str, team: str | None) -> Identity:
        outside = bool(team) and team != self._installation.external_id
        key = ("person", user, outside)
        return await self._flights.join(key, lambda: self._read_person(user, outside))

    async def _read_person(self, user: str, outside: bool) -> Identity:
        known = await in_people(known_person, self._installation, user)
        if known and is_fresh(known.read_at) and not (outside and known.standing == Standing.TEAM):
            return known
        if outside:
            return await self._record(user, Standing.EXTERNAL, timezone.now())
        listed, read_at = self._guests.standing(user)
        if listed in (Standing.TEAM, Standing.GUEST):
            return await self._record(user, listed, read_at)
        return await self._record(user, *await self._standing(user))

    async def _standing(self, user: str) -> tuple[Standing, datetime]:
        read_at = timezone.now()
        try:
            said = (await self._calls.ask("users.info", GONE, user=user)).get("user") or {}
        except Unread as error:
            # Unknown either way: Slack's word ends what was known, its silence lets that grow old.
            return Standing.UNKNOWN, read_at if error.reason in GONE else NEVER
        if said.get("is_bot"):
            self._bots.add(user)
        return standing_of(said, self._installation.external_id), read_at

    async def _record(self, user: str, standing: Standing, read_at: datetime) -> Identity:
        return await in_people(record_person, self._installation, user, standing, read_at)

    async def _read_joined(self, identity: Identity) -> None:
        at = await in_people(joined_read_at, identity)
        if identity.standing == Standing.REMOVED or (at and is_fresh(at)):
            return
        at = timezone.now()
        try:
            channels = await channels_of(self._calls, identity.external_id)
        except Unread:
            return
        await in_people(record_joined, identity, channels, at)

    # The channel

    async def open_name(self, channel: str) -> str:
        """The channel's name, where everybody of the team may know it; else nothing."""
        return (await self._look(channel, private=True)).open_name

    async def _look(self, channel: str | None, private: bool) -> Look:
        if channel is None:
            return Look(timezone.now(), is_direct=True, bot_is_member=True)
        known = self._looks.get(channel)
        # The bot may have come in since; its reply would be for all to see.
        if known and is_fresh(known.at) and (known.bot_is_member or private):
            return known
        found = await self._flights.join(("look", channel), lambda: self._read_look(channel))
        if found is not None:
            return found
        # Unknown. What is private must be left to the asker's own space, what is public can only
        # be answered where the bot is a member.
        private = private or channel.startswith("D")
        return Look(NEVER, bot_is_member=not private)

    async def _read_look(self, channel: str) -> Look | None:
        at = timezone.now()
        expected = ("channel_not_found",)
        try:
            body = await self._calls.ask("conversations.info", expected, channel=channel)
        except Unread as error:
            if error.reason not in expected:
                return None
            body = {}
        said = body.get("channel") or {}
        is_open = said.get("is_channel") and not said.get("is_private")
        look = Look(
            at,
            open_name=str(said.get("name") or "") if is_open else "",
            is_direct=bool(said.get("is_im")),
            is_shared=any(said.get(flag) for flag in SHARED),
            # Nobody sees a direct or group message that they are not in.
            bot_is_member=any(said.get(flag) for flag in ("is_member", "is_im", "is_mpim")),
        )
        self._looks[channel] = look
        return look

    async def _read_outsiders(self, channel: str, look: Look) -> Channel:
        row = await in_people(channel_of, self._installation, channel)
        since = row.outsiders_read_at or NEVER
        if row.has_outsiders is not None and is_fresh(since):
            return row
        if NEVER < look.at < since:  # as an event told some process, the channel changed meanwhile
            look = await self._read_look(channel) or look
        if look.is_shared:
            return await self._record_channel(channel, True, look.at)
        sweep = await self._guests.swept(since) if look.at > NEVER else None
        if sweep is None:
            return row
        found = channel in sweep.channels
        return await self._record_channel(channel, found, min(look.at, sweep.began))

    async def _record_channel(self, channel: str, outsiders: bool | None, at: datetime) -> Channel:
        return await in_people(record_channel, self._installation, channel, outsiders, at)

    # Events

    async def told(self, event: dict[str, Any]) -> None:
        """What an event says of people and channels counts at once; other events don't matter."""
        kind, about = str(event.get("type")), event.get("channel")
        if kind in ("team_join", "user_change"):
            await self._person_changed(event.get("user") or {}, is_new=kind == "team_join")
        elif isinstance(about, str) and kind == "member_joined_channel":
            await self._came(str(event.get("user")), event.get("team"), about)
        elif isinstance(about, str) and kind == "member_left_channel":
            await self._left(str(event.get("user")), about)
        elif isinstance(about, str) and kind in CHANNEL_EVENTS:
            self._looks.pop(about, None)
            shared = True if kind == "channel_shared" else None
            await self._record_channel(about, shared, timezone.now())

    async def _person_changed(self, said: dict[str, Any], *, is_new: bool) -> None:
        user, standing = str(said.get("id")), standing_of(said, self._installation.external_id)
        known = await in_people(known_person, self._installation, user)
        before = known.standing if known else None
        if known or is_new or standing in (Standing.GUEST, Standing.REMOVED):
            await self._record(user, standing, timezone.now())
        # Channels that they are in have a guest now, or maybe none any more.
        if standing != before and Standing.GUEST in (standing, before):
            self._guests.forget()
            await in_people(forget_outsiders, self._installation)

    async def _came(self, user: str, team: str | None, channel: str) -> None:
        self._looks.pop(channel, None)  # it may be the bot itself
        if user in self._bots:
            return
        now = timezone.now()
        await in_people(record_came, self._installation, user, channel, now)
        if await self._is_known_as_team(user):
            return
        await self._record_channel(channel, True, now)
        person = await self._person(user, team)
        if person.standing == Standing.TEAM or user in self._bots:
            await self._record_channel(channel, None, timezone.now())

    async def _left(self, user: str, channel: str) -> None:
        self._looks.pop(channel, None)
        await in_people(record_left, self._installation, user, channel)
        if not await self._is_known_as_team(user):
            await self._record_channel(channel, None, timezone.now())

    async def _is_known_as_team(self, user: str) -> bool:
        known = await in_people(known_person, self._installation, user)
        return bool(known and known.standing == Standing.TEAM and is_fresh(known.read_at))
