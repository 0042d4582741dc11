"""Socket Mode: keep one socket alive, and notice when it only seems so."""

import asyncio
import logging

import aiohttp
from django.conf import settings
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import Resting, Unreachable
from bot.slack.api import NOT_LET_IN

logger = logging.getLogger(__name__)

# Seconds. The SDK gives a socket up after four pings without an answer.
PING_EVERY = 5
CONNECT = 20.0
# A socket that is not connected for so long is thrown away with its client.
DEAF = 40.0
LOOK_EVERY = 1.0


class Socket:
    """Sets `anew` whenever a new connection stands, for what was said meanwhile."""

    def __init__(self, app: AsyncApp, client: AsyncWebClient, anew: asyncio.Event) -> None:
        self._app, self._client, self._anew = app, client, anew

    async def run(self) -> None:
        """Listen until cancelled. Raises Resting where Slack refuses the app-level token, and
        Unreachable where no connection can be made."""
        await self._check_token()
        while True:
            handler = AsyncSocketModeHandler(
                self._app,
                settings.SLACK_APP_TOKEN,
                web_client=self._client,
                ping_interval=PING_EVERY,
            )
            try:
                await self._connect(handler)
                await self._watch(handler)
            finally:
                await handler.close_async()  # type: ignore[no-untyped-call]

    async def _check_token(self) -> None:
        """The SDK would ask for ever with a token that is refused."""
        try:
            await self._client.apps_connections_open(app_token=settings.SLACK_APP_TOKEN)
        except SlackApiError as error:
            code = str(error.response.get("error"))
            if code in NOT_LET_IN or code == "missing_scope":
                raise Resting(f"Slack refuses SLACK_APP_TOKEN ({code})") from None
            raise Unreachable(f"Slack opens no connection ({code})") from None
        except (OSError, TimeoutError, ValueError, aiohttp.ClientError, SlackClientError) as error:
            raise Unreachable(f"Slack can't be reached ({type(error).__name__})") from None

    async def _connect(self, handler: AsyncSocketModeHandler) -> None:
        try:
            async with asyncio.timeout(CONNECT):
                await handler.connect_async()  # type: ignore[no-untyped-call]
        except TimeoutError:
            raise Unreachable("Slack accepts no connection") from None

    async def _watch(self, handler: AsyncSocketModeHandler) -> None:
        """Return when this client hears nothing any more."""
        client, known, deaf = handler.client, None, 0.0
        while deaf < DEAF:
            connected = await client.is_connected()
            if connected and client.current_session is not known:
                known, deaf = client.current_session, 0.0
                self._anew.set()
            deaf = 0.0 if connected else deaf + LOOK_EVERY
            await asyncio.sleep(LOOK_EVERY)
        logger.warning("Slack: the connection is dead; making a new one")
