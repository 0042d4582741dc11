"""Connect to Discord: listening, answering, reading back, and connecting anew when that dies."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import discord
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route
from django.conf import settings

from bot.discord.actions import Actions
from bot.discord.commands import Commands
from bot.discord.events import PLATFORM
from bot.discord.gateway import INTENT_OFF, Watch, may_read_content
from bot.discord.history import History
from bot.discord.interactions import listen
from bot.discord.listen import Client, Listener, make_client
from bot.discord.people import People
from bot.discord.platform import DiscordPlatform
from bot.discord.registering import register
from bot.discord.rest import DiscordApi
from bot.errors import DeliveryError, NotNow, Resting, Unreachable
from bot.reading_back import keep_reading
from bot.responder import Responder

logger = logging.getLogger(__name__)

# Seconds until Discord must have told what servers there are.
CONNECT = 60.0
# Until the list of commands is sent again that could not be sent.
REGISTER_AGAIN = 60.0
_TOKEN_REFUSED = 4004


def configured() -> bool:
    """Whether enough is set to connect."""
    return bool(settings.DISCORD_TOKEN)


def missing() -> list[str]:
    """The settings that are needed beside those that are set."""
    return [] if settings.DISCORD_TOKEN else ["DISCORD_TOKEN"]


async def serve(responder: Responder, stop: asyncio.Event) -> None:
    """Listen and answer until stopped. Raises DeliveryError where Discord can't be used."""
    Route.BASE = settings.DISCORD_API_URL
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(settings.DISCORD_GATEWAY_URL)
    ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def rest(reason: str) -> None:
        if not ended.done():
            ended.set_result(reason)

    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(logged_in())
        if settings.DISCORD_MESSAGE_CONTENT and not may_read_content(client):
            raise Resting(INTENT_OFF)  # before a session is spent on it
        await client.pay()
        api, taken = DiscordApi(client), responder.taken
        people = People(client, api)
        platform = DiscordPlatform(client, api, people, rest)
        listener = Listener(client, taken)
        commands, actions = Commands(people, taken), Actions(people, taken)
        listen(
            client,
            api,
            {
                discord.InteractionType.application_command: commands.answer,
                discord.InteractionType.component: actions.click,
                discord.InteractionType.modal_submit: actions.reason,
            },
        )
        history = History(client, listener)
        await history.begin()
        waiting: list[asyncio.Task[Any]] = [
            asyncio.create_task(work)
            for work in (
                stop.wait(),
                client.connect(),
                Watch(client).run(),
                _resting(ended),
                _answering(_Session(client, api, listener, history), responder, platform),
            )
        ]
        stack.callback(responder.disconnected, PLATFORM)
        await _until_one_ends(waiting)


@dataclass(frozen=True)
class _Session:
    """What belongs to one login."""

    client: discord.Client
    api: DiscordApi
    listener: Listener
    history: History


async def _answering(session: _Session, responder: Responder, platform: DiscordPlatform) -> None:
    """Once Discord told what servers there are."""
    client, anew = session.client, asyncio.Event()

    async def on_resumed() -> None:
        anew.set()

    async def on_ready() -> None:
        anew.set()

    async def on_guild_available(_: discord.Guild) -> None:
        anew.set()

    for heard in (on_resumed, on_ready, on_guild_available):
        client.event(heard)
    try:
        async with asyncio.timeout(CONNECT):
            await client.wait_until_ready()
    except TimeoutError:
        raise Unreachable("Discord's gateway does not answer") from None
    anew.set()
    logger.info("Discord: connected as %s in %d servers", client.user, len(client.guilds))
    responder.connected(platform)
    await asyncio.gather(
        _register(client, session.api),
        session.listener.run(),
        keep_reading("Discord", session.history.read_back, anew),
    )


async def _register(client: discord.Client, api: DiscordApi) -> None:
    while True:
        try:
            await register(api, client.application_id or 0)
            return
        except Resting:
            raise
        except DeliveryError as error:
            logger.warning("Discord's list of commands may be old: %s", error)
            if error.permanent:
                return
            await asyncio.sleep(max(REGISTER_AGAIN, getattr(error, "seconds", 0.0)))


async def _resting(ended: asyncio.Future[str]) -> None:
    raise Resting(await ended)


async def _until_one_ends(waiting: Sequence[asyncio.Task[Any]]) -> None:
    try:
        done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            with _as_our_own():
                task.result()
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


@asynccontextmanager
async def logged_in() -> AsyncIterator[Client]:
    """A client that may call Discord's REST API. Raises DeliveryError."""
    client = make_client()
    async with client:
        with _as_our_own():
            await client.login(settings.DISCORD_TOKEN.strip())
        yield client


@contextmanager
def _as_our_own() -> Iterator[None]:
    """What discord.py raises where it gives up, as the bot's own errors."""
    try:
        yield
    except discord.LoginFailure:
        raise Resting(
            "Discord refuses DISCORD_TOKEN; copy it anew from the developer portal"
        ) from None
    except discord.PrivilegedIntentsRequired:
        raise Resting(INTENT_OFF) from None
    except discord.ConnectionClosed as error:
        if error.code == _TOKEN_REFUSED:
            raise Resting("Discord refuses DISCORD_TOKEN (4004)") from None
        raise Unreachable(f"Discord closed the connection ({error.code})") from None
    except discord.RateLimited as error:
        raise NotNow("Discord asks to wait", error.retry_after) from None
    except (discord.HTTPException, discord.GatewayNotFound, aiohttp.ClientError, OSError) as error:
        raise Unreachable(f"Discord can't be reached ({type(error).__name__})") from None
