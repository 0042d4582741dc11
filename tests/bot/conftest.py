"""Each platform in turn, for what holds on all of them; and a document of the team's."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from importlib import import_module
from typing import Any

import pytest
from pytest_django import Settings

from backend.accounts.claiming import claim
from tests.bot.bots import OFFICES
from tests.bot.chat import Chat
from tests.bot.discord.chat import discord_chat
from tests.bot.hurrying import hurried
from tests.bot.slack.chat import slack_chat
from tests.conftest import AddText

CHATS: dict[str, Callable[[], AbstractContextManager[Chat[Any]]]] = {
    "slack": slack_chat,
    "discord": discord_chat,
}


@pytest.fixture
def offices(add_text: AddText) -> None:
    """A document of the team's."""
    add_text(OFFICES, "offices.txt")


@pytest.fixture(params=CHATS)
def chat(request: pytest.FixtureRequest) -> Iterator[Chat[Any]]:
    with CHATS[request.param]() as found:
        yield found


@pytest.fixture
def served(
    chat: Chat[Any], settings: Settings, db: None, monkeypatch: pytest.MonkeyPatch
) -> Chat[Any]:
    """The same for a bot in the test's own process, which waits less."""
    chat.point(settings)
    claim(chat.name, chat.community)
    for module, name, value in [
        *hurried(lease=15.0),
        *import_module(chat.crashing).hurried(request=1.0),
    ]:
        monkeypatch.setattr(module, name, value)
    return chat
