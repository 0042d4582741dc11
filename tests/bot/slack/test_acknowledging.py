"""Slack hears within three seconds that its events are kept, whatever else is done (promise 14)."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection
from pytest_django import Settings

from bot.models import InboxItem
from tests.bot.slack.asking import ask, until_settled
from tests.bot.slack.running import point_to, running
from tests.conftest import AddText
from tests.simulators.slack.core import Delivery
from tests.simulators.slack.simulator import SlackSimulator

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("closing_clients", "offices"),
]


@pytest.fixture(autouse=True)
def pointed(slack: SlackSimulator, settings: Settings) -> None:
    point_to(slack, settings)
    slack.settings.ack_timeout = 3.0


@contextmanager
def ingesting(add_text: AddText) -> Iterator[list[int]]:
    """A thread that reads documents all the while; what it read so far, in passages."""
    over, read = threading.Event(), [0]

    def work() -> None:
        number = 0
        while not over.is_set():
            text = "\n\n".join(f"Heron {number} eats {line} fish. " * 12 for line in range(20))
            read[0] += add_text(text, f"{number}.txt").document.current is not None
            number += 1
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield read
    finally:
        over.set()
        thread.join()


def events(slack: SlackSimulator) -> list[Delivery]:
    """Of what people said; what the bot writes and changes comes back as events as well."""
    us = slack.app.user_id
    return [d for d in list(slack.deliveries) if d.event.get("user", us) != us]


async def acknowledged(slack: SlackSimulator, questions: int, a_second: float) -> list[float]:
    """Ask so many questions, in threads of thirty; the seconds until their events were kept."""
    begun, heads = time.monotonic(), []
    for number in range(questions):
        await asyncio.sleep(begun + number / a_second - time.monotonic())
        if number % 30 == 0:
            heads.append(ask(slack))
        else:
            slack.say("ben", "general", f"@askwell Which fish is {number}?", thread=heads[-1])
    await slack.until(lambda: all(d.outcome != "pending" for d in events(slack)), timeout=120)
    assert all(d.outcome == "acked" and len(d.attempts) == 1 for d in events(slack))
    took = [d.acked_after for d in events(slack)]
    return sorted(seconds for seconds in took if seconds is not None)


async def test_events_are_acknowledged_at_once_while_documents_are_read(
    slack: SlackSimulator, add_text: AddText
) -> None:
    async with running(slack):
        with ingesting(add_text):
            took = await acknowledged(slack, 20, 20)
    assert len(took) == 40
    assert await InboxItem.objects.acount() == 20


@pytest.mark.soak
async def test_fifty_events_a_second_are_acknowledged_within_a_second(
    slack: SlackSimulator, add_text: AddText
) -> None:
    """A mention is two events."""
    async with running(slack):
        with ingesting(add_text) as read:
            took = await acknowledged(slack, 1_500, 25)
            documents = read[0]
        await until_settled(600)
    p50, p99 = took[len(took) // 2], took[len(took) * 99 // 100]
    print(f"\n{len(took)} events at 50 a second, while {documents} documents were ingested:")
    print(f"acknowledged after {p50 * 1000:.0f} ms (p50), {p99 * 1000:.0f} ms (p99)")
    assert p99 < 1.0
