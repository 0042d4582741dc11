"""What `doctor` says of Discord: whether its token fits, it can be reached, and its servers are
claimed. No line holds the token."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import aiohttp
import discord
import yarl
from discord.http import Route
from django.conf import settings

from backend.accounts.claiming import claimed
from bot.discord.events import PLATFORM
from bot.discord.gateway import INTENT_OFF, may_read_content
from bot.discord.listen import make_client

# "ok", "note" (works, but should be known) or "fail", and a sentence that says what to do.
Line = tuple[str, str]

TIMEOUT = 10
# As Discord calls them, and discord.py; the README's address for inviting asks for these.
NEEDED = {
    "View Channels": "view_channel",
    "Send Messages": "send_messages",
    "Send Messages in Threads": "send_messages_in_threads",
    "Create Public Threads": "create_public_threads",
    "Read Message History": "read_message_history",
}


def findings() -> Iterator[Line]:
    """Every check, in the order in which a failing one would make the next ones fail."""
    if not settings.DISCORD_TOKEN:
        yield "note", "Discord is not set up; see “Discord” in README.md"
        return
    try:
        asked = asyncio.run(_asked())
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
    yield "ok", f"Discord answers as {_printable(asked.name)}"
    if not asked.gateway_answers:
        yield (
            "fail",
            "Discord's gateway can't be reached; check the network, proxies and "
            "DISCORD_GATEWAY_URL",
        )
    if settings.DISCORD_MESSAGE_CONTENT and not asked.may_read:
        yield "fail", INTENT_OFF
    yield from _servers(asked.servers)


@dataclass(frozen=True)
class _Server:
    number: int
    name: str
    roles: frozenset[str]
    # The permissions that the bot needs and its roles do not give it.
    lacks: Sequence[str]


@dataclass(frozen=True)
class _Asked:
    name: str
    # Messages that don't mention the bot.
    may_read: bool
    gateway_answers: bool
    servers: Sequence[_Server]


async def _asked() -> _Asked:
    Route.BASE = settings.DISCORD_API_URL
    async with make_client() as client:
        async with asyncio.timeout(TIMEOUT):
            await client.login(settings.DISCORD_TOKEN)
            known = [guild.id async for guild in client.fetch_guilds()]
        servers = [await _read(client, number) for number in known]
        name, may_read = str(client.user), may_read_content(client)
        return _Asked(name, may_read, await _gateway_answers(), servers)


async def _read(client: discord.Client, number: int) -> _Server:
    guild = await client.fetch_guild(number, with_counts=False)
    assert client.user is not None
    may = (await guild.fetch_member(client.user.id)).guild_permissions
    lacks = [name for name, one in NEEDED.items() if not getattr(may, one)]
    return _Server(guild.id, guild.name, frozenset(role.name for role in guild.roles), lacks)


async def _gateway_answers() -> bool:
    """Whether it says hello; no session is begun."""
    address = yarl.URL(settings.DISCORD_GATEWAY_URL) % {"v": "10", "encoding": "json"}
    try:
        async with (
            asyncio.timeout(TIMEOUT),
            aiohttp.ClientSession() as session,
            session.ws_connect(address) as socket,
        ):
            return "heartbeat_interval" in await socket.receive_str()
    except (aiohttp.ClientError, OSError, TypeError):
        return False


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
        if guild.lacks:
            yield (
                "note",
                f"in the Discord server “{name}” the bot may use these only where a channel lets "
                f"it: {', '.join(guild.lacks)}; invite it again (see “Discord” in README.md)",
            )
        if installation.team_role and installation.team_role not in guild.roles:
            yield (
                "fail",
                f"no role in the Discord server “{name}” is called “{installation.team_role}”, so "
                f"everybody there is a guest: {claim} --team-role NAME, spelt as in Discord",
            )


def _printable(value: str) -> str:
    """What Discord says, without what could steer a terminal."""
    return "".join(c for c in value if c.isprintable())
