"""What `doctor` says of Discord: whether its token fits, it can be reached, and its servers are
claimed. No line holds the token."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import aiohttp
import discord
from discord.http import Route
from django.conf import settings

from backend.accounts.claiming import claimed
from bot.discord.events import PLATFORM
from bot.discord.gateway import INTENT_OFF, may_read_content
from bot.discord.listen import make_client

# "ok", "note" (works, but should be known) or "fail", and a sentence that says what to do.
Line = tuple[str, str]

TIMEOUT = 10


def findings() -> Iterator[Line]:
    """Every check, in the order in which a failing one would make the next ones fail."""
    if not settings.DISCORD_TOKEN:
        yield "note", "Discord is not set up; see “Discord” in README.md"
        return
    try:
        name, may_read, guilds = asyncio.run(_asked())
    except discord.LoginFailure:
        yield (
            "fail",
            "Discord refuses DISCORD_TOKEN; reset the token under Bot in the developer portal, and "
            "copy it",
        )
        return
    except discord.RateLimited as error:
        yield "fail", f"Discord asks this machine to wait {error.retry_after:.0f} seconds"
        return
    except (discord.HTTPException, aiohttp.ClientError, OSError, ValueError):
        yield (
            "fail",
            "Discord can't be reached; check the network, proxies and DISCORD_API_URL",
        )
        return
    yield "ok", f"Discord answers as {_printable(name)}"
    if settings.DISCORD_MESSAGE_CONTENT and not may_read:
        yield "fail", INTENT_OFF
    yield from _servers(guilds)


@dataclass(frozen=True)
class _Server:
    number: int
    name: str
    roles: frozenset[str]


async def _asked() -> tuple[str, bool, list[_Server]]:
    """The bot's name, whether it may read messages that don't mention it, and its servers."""
    Route.BASE = settings.DISCORD_API_URL
    async with asyncio.timeout(TIMEOUT), make_client() as client:
        await client.login(settings.DISCORD_TOKEN)
        guilds = [await _read(guild) async for guild in client.fetch_guilds()]
        return str(client.user), may_read_content(client), guilds


async def _read(guild: discord.Guild) -> _Server:
    roles = await guild.fetch_roles()
    return _Server(guild.id, guild.name, frozenset(role.name for role in roles))


def _servers(guilds: Sequence[_Server]) -> Iterator[Line]:
    if not guilds:
        yield "note", "the bot is in no Discord server yet; invite it (see “Discord” in README.md)"
    for guild in guilds:
        name, claim = _printable(guild.name), f"manage.py claim discord {guild.number}"
        installation = claimed(PLATFORM, str(guild.number))
        if installation is None:
            yield "note", f"nobody claimed the Discord server “{name}”: {claim}"
            continue
        yield "ok", f"the Discord server “{name}” belongs to home"
        if installation.team_role and installation.team_role not in guild.roles:
            yield (
                "fail",
                f"no role in the Discord server “{name}” is called “{installation.team_role}”, so "
                f"everybody there is a guest: {claim} --team-role NAME, spelt as in Discord",
            )


def _printable(value: str) -> str:
    """What Discord says, without what could steer a terminal."""
    return "".join(c for c in value if c.isprintable())
