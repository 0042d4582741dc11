"""Bots are killed while they take files: none is lost, none is added or told twice, and what a
deleted message brought goes with it."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.bot.bots import Bots
from tests.bot.slack.killing import bots_of
from tests.simulators.gemini import GeminiSimulator
from tests.simulators.slack.core import Settings
from tests.simulators.slack.simulator import SlackSimulator
from tests.simulators.slack.state import Message
from tests.simulators.slack.transcript import shown_text

# Before or after the first call of this function.
POINTS = [
    (f"bot.{name}", before)
    for name in "ledger.begin ledger.opened kept_files.bring cards.tell ledger.sent".split()
    for before in (True, False)
]


@pytest.fixture
def slack() -> Iterator[SlackSimulator]:
    quick = Settings(ack_timeout=2.0, retry_delays=(0.0, 0.5, 2.0))
    with SlackSimulator(settings=quick) as simulator:
        yield simulator


@pytest.fixture
def bots(tmp_path: Path, slack: SlackSimulator) -> Iterator[Bots]:
    with GeminiSimulator(key="key") as gemini, closing(bots_of(tmp_path, slack, gemini)) as found:
        yield found


def wait(bots: Bots, condition: Callable[[], object], timeout: float = 60) -> None:
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, bots.log()
        time.sleep(0.05)


def connected(bots: Bots, **order: object) -> int:
    pid = bots.start("run_bot", attempts=1000, **order)
    wait(bots, bots.last_out.exists)
    return pid


def share(slack: SlackSimulator, number: int) -> Message:
    text = f"This is text number {number}.".encode()
    return slack.upload("ana", "general", f"{number}.txt", text, "@askwell")


def cards(slack: SlackSimulator, said: Message) -> list[str]:
    return [shown_text(message).partition("\n")[0] for message in slack.answers(said)]


def killed(bots: Bots, point: str, before: bool, doing: Callable[[], Message]) -> Message:
    """What is said to a bot that dies of it."""
    pid = connected(bots, die_in=point, call=1, before=before)
    said = doing()
    wait(bots, lambda: bots.status(pid) is not None)
    return said


def finish(bots: Bots) -> None:
    """A bot that lives, and a worker, do what is left."""
    pid = connected(bots)
    for _ in range(2):
        wait(bots, lambda: not bots.do("report")["open"])
        bots.do("read")
        time.sleep(1.0)
    wait(bots, lambda: not bots.do("report")["open"])
    assert bots.end(pid, signal.SIGTERM) == 0, bots.log()


def test_a_file_is_added_once_and_told_once_wherever_bots_die(
    bots: Bots, slack: SlackSimulator
) -> None:
    assert bots.end(connected(bots), signal.SIGTERM) == 0
    shared = [
        killed(bots, point, before, lambda n=number: share(slack, n))  # type: ignore[misc]
        for number, (point, before) in enumerate(POINTS)
    ]
    finish(bots)
    expected = [f"{n}.txt: 1 passage, searchable by: this channel" for n in range(len(POINTS))]
    assert [cards(slack, said) for said in shared] == [[card] for card in expected], bots.log()
    names = sorted(f"{n}.txt" for n in range(len(POINTS)))
    assert bots.do("report")["documents"] == sorted([*names, "offices.txt"])


@pytest.mark.parametrize("point", ["kept_files.bring", "kept_files.take_away"])
def test_what_a_deleted_message_brought_goes_wherever_bots_die(
    bots: Bots, slack: SlackSimulator, point: str
) -> None:
    assert bots.end(connected(bots), signal.SIGTERM) == 0
    if point == "kept_files.bring":  # brought, and nobody knows of it yet
        said = killed(bots, f"bot.{point}", False, lambda: share(slack, 0))
        slack.delete(said)
    else:
        pid = connected(bots)
        said = share(slack, 0)
        wait(bots, lambda: len(bots.do("report")["documents"]) == 2)
        assert bots.end(pid, signal.SIGTERM) == 0
        pid = connected(bots, die_in=f"bot.{point}", call=1, before=True)
        slack.delete(said)
        wait(bots, lambda: bots.status(pid) is not None)
    finish(bots)
    assert bots.do("report")["documents"] == ["offices.txt"], bots.log()
    assert bots.do("find", words=["text number 0"]) == []
    assert cards(slack, said) == []
