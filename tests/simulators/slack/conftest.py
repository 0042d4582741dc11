"""The simulator, and the real slack-bolt connected to it."""

import re
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from aiohttp import web
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from tests.simulators.slack.core import Settings
from tests.simulators.slack.simulator import SlackSimulator


@pytest.fixture
def slack() -> Iterator[SlackSimulator]:
    quick = Settings(ack_timeout=0.3, retry_delays=(0.0, 0.1, 0.2), disconnect_grace=0.1)
    with SlackSimulator(settings=quick) as simulator:
        yield simulator


@pytest.fixture
def client(slack: SlackSimulator) -> AsyncWebClient:
    return AsyncWebClient(slack.app.bot_token, base_url=slack.url, retry_handlers=[])


@pytest.fixture
def bolt(slack: SlackSimulator, client: AsyncWebClient) -> AsyncApp:
    return AsyncApp(client=client, signing_secret=slack.app.signing_secret)


@pytest.fixture
def take_all(bolt: AsyncApp) -> None:
    """Bolt leaves an event without a listener unacknowledged, and so Slack sends it again."""

    @bolt.event(re.compile(".*"))
    async def taken() -> None:
        pass


@pytest_asyncio.fixture
async def socket(slack: SlackSimulator, bolt: AsyncApp) -> AsyncIterator[AsyncSocketModeHandler]:
    """Connected; listeners may be added to `bolt` before or after."""
    handler = AsyncSocketModeHandler(bolt, slack.app.app_token, ping_interval=0.2)
    await handler.connect_async()  # type: ignore[no-untyped-call]
    await slack.until(lambda: slack.sockets.live())
    yield handler
    await handler.close_async()  # type: ignore[no-untyped-call]


@pytest_asyncio.fixture
async def http(slack: SlackSimulator, bolt: AsyncApp) -> AsyncIterator[str]:
    """Bolt behind its own aiohttp server; the simulator delivers there."""
    runner = web.AppRunner(bolt.web_app())
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    slack.http.url = f"http://{host}:{port}/slack/events"
    yield slack.http.url
    await runner.cleanup()
