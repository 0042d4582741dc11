"""What can't be answered as it was asked ends in a word to whoever asked, or in a log line."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from pytest_django import Settings

from bot import running as process
from bot import wording
from bot.models import InboxItem
from bot.responder import Responder
from bot.slack import service
from tests.bot.slack.asking import QUESTION, ask, until_settled
from tests.bot.slack.running import answered, point_to, running, shown
from tests.simulators.slack.simulator import SlackSimulator
from tests.simulators.slack.state import Message

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("closing_clients", "offices"),
]
ANSWER = "opens at nine"


@pytest.fixture(autouse=True)
def pointed(slack: SlackSimulator, settings: Settings) -> None:
    point_to(slack, settings)


@asynccontextmanager
async def serving(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """As the process serves, which goes on where a platform rests."""
    monkeypatch.setattr(process, "REST", 0.2)
    stop, responder = asyncio.Event(), Responder()
    tasks = [
        asyncio.create_task(responder.run(stop)),
        asyncio.create_task(process._serve("slack", service, responder, stop)),
    ]
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(asyncio.gather(*tasks), 20)


def told(slack: SlackSimulator, who: str) -> list[Message]:
    """What the bot wrote to somebody directly."""
    return [message for message in slack.dm_of(who).messages.values() if message.by_app]


async def until_asked() -> None:
    async with asyncio.timeout(10):
        while not await InboxItem.objects.aexists():
            await asyncio.sleep(0.02)
    await until_settled()


async def test_an_app_that_is_uninstalled_says_so_and_connects_when_its_token_works(
    slack: SlackSimulator, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        async with serving(monkeypatch):
            await slack.until(slack.sockets.live, timeout=10)
            slack.uninstall()
            await slack.until(lambda: "account_inactive" in caplog.text, timeout=10)
            slack.app.refused = None
            await slack.until(slack.sockets.live, timeout=10)
            assert ANSWER in shown(await answered(slack, ask(slack)))
    lines = [record.getMessage() for record in caplog.records if "rests" in record.getMessage()]
    assert "install the app again" in lines[0] or "account_inactive" in lines[0]
    assert all(line.startswith("slack rests: ") for line in lines)
    assert slack.app.bot_token not in caplog.text


async def test_without_the_scope_to_read_users_the_answer_is_from_the_smaller_set(
    slack: SlackSimulator, caplog: pytest.LogCaptureFixture
) -> None:
    slack.app.scopes.remove("users:read")
    async with running(slack):
        for asked in (ask(slack), slack.dm("ana", QUESTION)):
            assert ANSWER not in shown(await answered(slack, asked))
        assert "users:read" in caplog.text
        slack.command("ana", "general", "/ask", QUESTION)
        await slack.until(lambda: len(slack.general.ephemeral) == 2, timeout=10)
    assert ANSWER not in shown(slack.general.ephemeral[-1])


async def test_whoever_asked_in_a_channel_that_was_archived_is_told_why(
    slack: SlackSimulator,
) -> None:
    async with running(slack):
        with slack.world.lock:
            ask(slack)
            slack.archive("general")
        await until_asked()
        await slack.until(lambda: told(slack, "ana"), timeout=10)
        assert ANSWER in shown(await answered(slack, slack.dm("ben", QUESTION)))
    [why] = told(slack, "ana")
    reason = wording.NOT_SHOWN_WHY["is_archived"]
    assert shown(why) == wording.NOT_SHOWN.format(reason=reason)


@pytest.mark.parametrize("text", ["   ", "​", "<@U404>", "\0", "?", "/ask", "@here", "x" * 39_000])
async def test_odd_words_end_in_a_visible_state(slack: SlackSimulator, text: str) -> None:
    async with running(slack):
        assert shown(await answered(slack, slack.dm("ana", text))).strip()
        assert shown(await answered(slack, slack.say("ben", "general", f"@askwell {text}")))
    assert not [ping for ping in slack.pings if ping.by_app]
