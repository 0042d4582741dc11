"""What a question costs the database; docs/decisions say what it costs the processor."""

import asyncio
import re
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from django.db import connection
from pytest_django import Settings

from backend.chat.asking import in_chat
from bot import responder
from bot.threads import in_inbox
from knowledge.threads import in_pool
from tests.bot.slack.asking import ask
from tests.bot.slack.running import answered, point_to, running
from tests.simulators.gemini import GeminiSimulator
from tests.simulators.slack.simulator import SlackSimulator

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("offices", "closing_clients"),
]

# Looking for something to do, which the bot does all the time.
LOOKING = re.compile(r'SELECT .* FROM "bot_inboxitem" .* LIMIT 1')
AT_ONCE = 30


async def tell_threads(callback: Callable[[str], None] | None) -> None:
    """Have every database thread of a question tell of its statements."""
    together = threading.Barrier(4)

    def tell() -> None:
        connection.ensure_connection()
        connection.connection.set_trace_callback(callback)

    def tell_in_each() -> None:
        tell()
        together.wait(5)

    await in_inbox(tell)
    await in_chat(tell)
    await asyncio.gather(*(in_pool(tell_in_each) for _ in range(4)))


@asynccontextmanager
async def statements() -> AsyncIterator[list[str]]:
    seen: list[str] = []
    await tell_threads(seen.append)
    try:
        yield seen
    finally:
        await tell_threads(None)


def commits(seen: list[str]) -> int:
    """How often something was written for good."""
    wrote, count = False, 0
    for statement in seen:
        wrote |= statement.startswith(("INSERT", "UPDATE", "DELETE"))
        if statement == "COMMIT":
            count += wrote
            wrote = False
    return count


async def test_a_question_takes_few_statements(
    slack: SlackSimulator,
    settings: Settings,
    gemini: GeminiSimulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(responder, "BEAT", 60.0)
    point_to(slack, settings)
    async with running(slack):
        await answered(slack, ask(slack))  # who reads along is known from here on
        async with statements() as seen:
            await answered(slack, ask(slack))
    own = [s for s in seen if s.startswith(("SELECT", "INSERT", "UPDATE", "DELETE"))]
    own = [s for s in own if not LOOKING.match(s)]
    assert len(own) <= 42, "\n".join(own)


async def test_questions_at_once_share_commits(
    slack: SlackSimulator, settings: Settings, gemini: GeminiSimulator
) -> None:
    point_to(slack, settings)
    async with running(slack):
        await answered(slack, ask(slack))
        async with statements() as seen:
            asked = [ask(slack) for _ in range(AT_ONCE)]
            for question in asked:
                await answered(slack, question)
    assert commits(seen) < 7 * AT_ONCE  # one alone takes ten
