"""A simulated Discord, whose server is claimed."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from backend.accounts.claiming import claim
from bot.discord import listen, pacing
from tests.bot.discord.running import point_to
from tests.simulators.discord.core import Settings as Simulated
from tests.simulators.discord.simulator import DiscordSimulator


@pytest.fixture
def discord() -> Iterator[DiscordSimulator]:
    with DiscordSimulator(settings=Simulated()) as simulator:
        yield simulator
        assert simulator.previewed == []


@pytest.fixture
def pointed(discord: DiscordSimulator, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    point_to(discord, settings)
    monkeypatch.setattr(listen, "SERVERS_KNOWN", 0.1)
    monkeypatch.setattr(pacing, "EDIT_EVERY", 0.1)


@pytest.fixture
def home(discord: DiscordSimulator, pointed: None, db: None) -> None:
    """The server is claimed."""
    claim("discord", discord.home.id)
