"""The simulator, and the real discord.py connected to it."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
import yarl

from tests.simulators.discord.core import Settings
from tests.simulators.discord.library import app_commands, discord
from tests.simulators.discord.simulator import DiscordSimulator


@pytest.fixture
def simulator() -> Iterator[DiscordSimulator]:
    with DiscordSimulator(settings=Settings(heartbeat_interval=0.5)) as running:
        yield running


class Bot(discord.Client):
    """Keeps what it hears."""

    def __init__(self, intents: discord.Intents) -> None:
        super().__init__(intents=intents, heartbeat_timeout=1.5, guild_ready_timeout=0.05)
        self.tree = app_commands.CommandTree(self)
        self.heard: list[discord.Message] = []
        self.taken: list[discord.Interaction] = []
        self.events: list[str] = []

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """discord.py waits 5 s here before a second IDENTIFY."""

    async def on_message(self, message: discord.Message) -> None:
        self.heard.append(message)

    async def on_interaction(self, interaction: discord.Interaction) -> None:
        self.taken.append(interaction)

    async def on_socket_event_type(self, name: str) -> None:
        self.events.append(name)


@pytest.fixture
def addresses(simulator: DiscordSimulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discord.http.Route, "BASE", simulator.api_url)
    gateway = yarl.URL(simulator.gateway_url)
    monkeypatch.setattr(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", gateway)


@pytest_asyncio.fixture
async def bot(simulator: DiscordSimulator, addresses: None) -> AsyncIterator[Bot]:
    """Logged in, connected, ready; without any privileged intent."""
    intents = discord.Intents.default()
    async with Bot(intents) as client:
        await client.login(simulator.token)
        running = asyncio.create_task(client.connect())
        await client.wait_until_ready()
        yield client
        await client.close()
        await running
