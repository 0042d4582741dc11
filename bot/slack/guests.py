"""Which channels have guests, found from the guests' side: who is a guest, and where they are."""

import asyncio
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from backend.accounts.audience import KNOWN_FOR
from backend.accounts.models import Installation, Standing
from backend.accounts.people import NEVER, is_fresh, record_outsiders
from bot.slack.api import REST
from bot.slack.calls import Calls, Flights, Unread
from bot.threads import in_people

# How long a question waits for a sweep (seconds), which goes on for the questions after it.
SWEEP_WAIT = 10.0
KINDS = "public_channel,private_channel,mpim"
# What Slack says of people who have left, or who are out of the app's sight.
GONE = ("user_not_found", "user_not_visible")


def standing_of(user: dict[str, Any], team: str) -> Standing:
    """What a user is to the Slack team, from the object that users.info, users.list and events
    give."""
    if user.get("deleted"):
        return Standing.REMOVED
    if user.get("is_bot"):
        return Standing.UNKNOWN
    if user.get("team_id") != team or user.get("is_stranger"):
        return Standing.EXTERNAL
    if user.get("is_restricted") or user.get("is_ultra_restricted"):
        return Standing.GUEST
    return Standing.TEAM


@dataclass(frozen=True)
class Sweep:
    """What one sweep found; it counts as read when it began."""

    began: datetime
    standings: dict[str, Standing]
    channels: frozenset[str]


class Guests:
    """One sweep at a time, shared by all who wait for it, and kept while it is fresh."""

    def __init__(self, calls: Calls, flights: Flights, installation: Installation) -> None:
        self._calls, self._flights, self._installation = calls, flights, installation
        self._last: Sweep | None = None
        self._forgotten = NEVER
        self._not_before = 0.0

    def standing(self, user: str) -> tuple[Standing | None, datetime]:
        """What a fresh sweep says of this person, and when it was read."""
        sweep = self._fresh(NEVER)
        return (sweep.standings.get(user), sweep.began) if sweep else (None, NEVER)

    def forget(self) -> None:
        """Somebody became a guest, or is one no longer: what was swept until now doesn't count."""
        self._forgotten = timezone.now()

    async def swept(self, since: datetime) -> Sweep | None:
        """A fresh sweep that began after `since`; None where there can't be one now."""
        if self._fresh(since) is None and time.monotonic() >= self._not_before:
            try:
                async with asyncio.timeout(SWEEP_WAIT):
                    await self._flights.join("sweep", self._sweep)
            except TimeoutError:
                return None
        return self._fresh(since)

    def _fresh(self, since: datetime) -> Sweep | None:
        sweep = self._last
        if sweep is None or not is_fresh(sweep.began):
            return None
        return sweep if sweep.began >= max(since, self._forgotten) else None

    async def _sweep(self) -> None:
        began = timezone.now()
        until = time.monotonic() + KNOWN_FOR.total_seconds()
        try:
            standings = await self._standings(until)
            channels: set[str] = set()
            for user, standing in standings.items():
                if standing == Standing.GUEST:
                    channels |= await self._channels_of(user, until)
        except Unread:
            self._not_before = time.monotonic() + REST
            return
        await in_people(record_outsiders, self._installation, began, channels)
        self._last = Sweep(began, standings, frozenset(channels))

    async def _standings(self, until: float) -> dict[str, Standing]:
        team = self._installation.external_id
        users = self._calls.pages("users.list", "members", until=until)
        return {str(user.get("id")): standing_of(user, team) async for user in users}

    async def _channels_of(self, guest: str, until: float) -> set[str]:
        try:
            return await channels_of(self._calls, guest, until)
        except Unread as error:
            if error.reason in GONE:
                return set()
            raise


async def channels_of(calls: Calls, user: str, until: float = 0.0) -> set[str]:
    """The channels and group messages that somebody is in, private ones where the app is too."""
    found = calls.pages(
        "users.conversations", "channels", expected=GONE, until=until, user=user, types=KINDS
    )
    return {str(channel.get("id")) async for channel in found}
