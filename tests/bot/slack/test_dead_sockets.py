"""A socket that is dead and does not say so is replaced, and the gap read back (promise 33)."""

import random
import time

import pytest
from pytest_django import Settings

from bot.slack import sockets
from tests.bot.slack.asking import OFFICES, ask, one_answer
from tests.bot.slack.running import point_to, running
from tests.simulators.slack.simulator import SlackSimulator

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("closing_clients", "offices"),
]
ANSWER = OFFICES.rstrip(".")


@pytest.fixture(autouse=True)
def pointed(slack: SlackSimulator, settings: Settings) -> None:
    point_to(slack, settings)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "PING_EVERY", 0.5)
    monkeypatch.setattr(sockets, "LOOK_EVERY", 0.1)
    monkeypatch.setattr(sockets, "DEAF", 5.0)


async def replaced(slack: SlackSimulator, limit: float) -> float:
    """Kill the socket silently; the seconds until another stands."""
    [dead] = slack.sockets.live()
    dead.black_hole, since = True, time.monotonic()
    await slack.until(lambda: any(c is not dead for c in slack.sockets.live()), timeout=limit)
    return time.monotonic() - since


async def test_a_black_hole_is_noticed_and_the_gap_read(slack: SlackSimulator, quick: None) -> None:
    async with running(slack):
        await one_answer(slack, ask(slack), ANSWER)
        [dead] = slack.sockets.live()
        dead.black_hole = True
        asked = ask(slack)
        await slack.until(lambda: any(c is not dead for c in slack.sockets.live()), timeout=60)
        await one_answer(slack, asked, ANSWER)


async def test_a_socket_is_replaced_again_and_again(slack: SlackSimulator, quick: None) -> None:
    async with running(slack):
        for _ in range(2):
            await replaced(slack, 60)
            await slack.until(lambda: len(slack.sockets.live()) == 1, timeout=60)
        await one_answer(slack, ask(slack), ANSWER)


@pytest.mark.soak
async def test_dead_sockets_are_replaced_within_a_minute_and_nothing_is_lost(
    slack: SlackSimulator,
) -> None:
    """With the product's own times."""
    took = []
    async with running(slack):
        for _ in range(5):
            await slack.until(lambda: len(slack.sockets.live()) == 1, timeout=60)
            asked = [ask(slack) for _ in range(random.randint(0, 2))]
            took.append(await replaced(slack, 60))
            asked.append(ask(slack))
            for question in asked:
                await one_answer(slack, question, ANSWER)
    print(f"\n5 black holes: noticed and reconnected after {', '.join(f'{t:.0f} s' for t in took)}")
