"""The waits that Discord asks for. While one lasts, no call goes out that it is about.

discord.py would sleep through them within the call, and hold back every other call meanwhile; a
call that is given up then would hold them back for ever. So it hears of no 429: the call ends with
`discord.RateLimited`, and whoever made it waits.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

import aiohttp
import discord
from discord.http import Route

Result = TypeVar("Result")

# Seconds where a 429 does not say how long.
UNTOLD = 60.0
# What a wait may be about, beside one bucket; the second leaves interactions alone.
_ADDRESS, _GLOBAL = "address", "global"
_INTERACTIONS = ("webhooks", "interactions")


class Waits:
    """Of one client, whose every call passes here."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def before(self, call: aiohttp.TraceRequestStartParams) -> None:
        """Raises RateLimited where the call must not go out yet."""
        about, now = _about(call.method, str(call.url)), time.monotonic()
        rest = max((self._until.get(one, now) - now for one in about), default=0.0)
        if rest > 0:
            raise discord.RateLimited(rest)

    def after(self, call: aiohttp.TraceRequestEndParams) -> None:
        """Note the wait that a 429 asks for, by the head of the answer, and raise RateLimited."""
        about, told = _about(call.method, str(call.url)), call.response.headers
        if not about or call.response.status != 429:
            return
        seconds, now = _retry_after(told), time.monotonic()
        self._until = {one: until for one, until in self._until.items() if until > now}
        one = _told_of(told, about)
        self._until[one] = max(self._until.get(one, now), now + seconds)
        raise discord.RateLimited(seconds)


def _about(method: str, url: str) -> list[str]:
    """What a wait for this call may be about, its bucket last; nothing of what is no call of the
    REST API."""
    if not url.startswith(f"{Route.BASE}/"):
        return []
    parts = url.removeprefix(f"{Route.BASE}/").partition("?")[0].split("/")
    interaction = parts[0] in _INTERACTIONS
    major = 3 if interaction else 2
    minor = ["" if part.isdecimal() else part for part in parts[major:]]
    bucket = " ".join([method, *parts[:major], *minor])
    return [_ADDRESS, bucket] if interaction else [_ADDRESS, _GLOBAL, bucket]


def _told_of(told: Mapping[str, str], about: list[str]) -> str:
    """What a 429 is about; without `Via` it is not Discord's own, but of what stands before it and
    bars our address."""
    if "Via" not in told:
        return _ADDRESS
    return _GLOBAL if "X-RateLimit-Global" in told else about[-1]


def _retry_after(told: Mapping[str, str]) -> float:
    try:
        return max(0.0, float(told["Retry-After"]))
    except (KeyError, ValueError):
        return UNTOLD


async def patiently(call: Callable[[], Awaitable[Result]]) -> Result:
    """The result, after as long as Discord asks to wait."""
    while True:
        try:
            return await call()
        except discord.RateLimited as asked:
            await asyncio.sleep(asked.retry_after)
