"""Connect to Slack: who we are, listening, reading back, and connecting anew when that dies."""

import asyncio
import logging
import re
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
from django.conf import settings
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from backend.accounts.people import installation_of
from bot.errors import DeliveryError, Resting
from bot.leases import REQUEST_TIMEOUT
from bot.reading_back import keep_reading
from bot.responder import Responder
from bot.slack.api import SlackApi
from bot.slack.events import PLATFORM
from bot.slack.history import History
from bot.slack.listen import make_app
from bot.slack.people import People
from bot.slack.platform import SlackPlatform
from bot.slack.sockets import Socket
from bot.threads import in_inbox

logger = logging.getLogger(__name__)

# Seconds between two questions whether Slack still lets us in. Over HTTP the web process alone
# hears that the app was taken out.
LET_IN_EVERY = 30.0
NO_TOKEN = re.compile(r"[^!-~]")


def configured() -> bool:
    """Whether enough is set to connect."""
    return not missing()


def missing() -> list[str]:
    """The settings that are needed to connect and not there."""
    ways = ("SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET")
    needed = {"SLACK_BOT_TOKEN": ("SLACK_BOT_TOKEN",), " or ".join(ways): ways}
    return [said for said, names in needed.items() if not any(getattr(settings, n) for n in names)]


def make_client(session: aiohttp.ClientSession | None = None) -> AsyncWebClient:
    """Slack's client without retries of its own: a post might come twice."""
    return AsyncWebClient(
        settings.SLACK_BOT_TOKEN,
        base_url=settings.SLACK_API_URL,
        session=session,
        retry_handlers=[],
        timeout=int(REQUEST_TIMEOUT),
    )


async def serve(responder: Responder, stop: asyncio.Event) -> None:
    """Listen and answer until stopped. Raises DeliveryError where Slack can't be used."""
    _check_tokens()
    async with AsyncExitStack() as stack:
        session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=REQUEST_TIMEOUT))
        client = make_client(await stack.enter_async_context(session))
        api = SlackApi(client)
        us = await api.call("auth.test")
        installation = await in_inbox(installation_of, PLATFORM, us["team_id"])
        people = People(api, installation, us["user_id"])
        stack.push_async_callback(people.close)
        ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        def rest(reason: str) -> None:
            if not ended.done():
                ended.set_result(reason)

        async def known_people() -> People:
            return people

        taken = responder.taken
        app = make_app(client, known_people, taken, rest)
        history = History(api, us["team_id"], us["user_id"], taken)
        await history.begin()
        responder.connected(SlackPlatform(api, people, us["team_id"], us["user_id"], rest))
        stack.callback(responder.disconnected, PLATFORM)
        logger.info("Slack: connected as @%s in %s", us.get("user"), us.get("team"))
        await _listen(app, api, history, stop, ended)


def _check_tokens() -> None:
    """What can't stand in a request's header would fail in every call, and not say why."""
    for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"):
        if NO_TOKEN.search(getattr(settings, name)):
            raise Resting(f"{name} holds characters that no token has; copy it anew")


async def _listen(
    app: AsyncApp,
    api: SlackApi,
    history: History,
    stop: asyncio.Event,
    ended: asyncio.Future[str],
) -> None:
    """Hear events until stopped, or until Slack lets us in no more."""
    anew = asyncio.Event()
    work = (stop.wait(), keep_reading("Slack", history.read_back, anew), _keep_asking(api))
    waiting: list[asyncio.Future[Any]] = [ended, *map(asyncio.create_task, work)]
    # Over HTTP the web process hears the events.
    socket = Socket(app, api.client, anew) if settings.SLACK_APP_TOKEN else None
    if socket is not None:
        waiting.append(asyncio.create_task(socket.run()))
    else:
        anew.set()
    try:
        done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            if task is ended:
                raise Resting(ended.result())
            task.result()  # raises where the socket gave up, or Slack refused us
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def _keep_asking(api: SlackApi) -> None:
    """Raises Resting once Slack lets us in no more."""
    while True:
        await asyncio.sleep(LET_IN_EVERY)
        try:
            await api.call("auth.test")
        except Resting:
            raise
        except DeliveryError:
            continue
