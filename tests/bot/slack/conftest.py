"""A simulated Slack workspace, and the client that the bot talks to it with."""

from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from slack_sdk.web.async_client import AsyncWebClient

from backend.accounts.people import installation_of
from bot.slack.api import SlackApi
from bot.slack.people import People
from tests.bot.slack.people import World
from tests.simulators.slack.core import Settings
from tests.simulators.slack.simulator import SlackSimulator


@pytest.fixture
def slack() -> Iterator[SlackSimulator]:
    quick = Settings(ack_timeout=0.3, retry_delays=(0.0, 0.1, 0.2), disconnect_grace=0.1)
    with SlackSimulator(settings=quick) as simulator:
        yield simulator
        assert simulator.unflagged() == []  # previews are off wherever they can be


@pytest_asyncio.fixture
async def client(slack: SlackSimulator) -> AsyncIterator[AsyncWebClient]:
    async with aiohttp.ClientSession() as session:
        yield AsyncWebClient(
            slack.app.bot_token, base_url=slack.url, session=session, retry_handlers=[]
        )


@pytest_asyncio.fixture
async def world(slack: SlackSimulator, client: AsyncWebClient) -> AsyncIterator[World]:
    installation = await sync_to_async(installation_of)("slack", slack.world.team_id)
    world = World(slack, client, installation, People(SlackApi(client), installation))
    yield world
    await world.people.close()
