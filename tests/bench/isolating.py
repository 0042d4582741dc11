"""What others wait while something kills whoever takes it up (promise 35).

Two bots run, as where one may die: what starts processes starts the dead one anew at once. A
message that kills its bot does so five times, each time once the lease of the dead is over; what a
dying bot has in hand waits for that lease as well, and everything else goes to the other. A file
hurts only its reader, which is a process of its own.
"""

import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from tests.bench.table import Row, show
from tests.bot.bots import Bots
from tests.bot.killing import QUESTION, marked_answers
from tests.bot.slack.chat import SlackChat, slack_chat
from tests.knowledge.bombs.pictures import BOMBS
from tests.simulators.slack.state import Message

# Seconds: as deployed; between two questions; and how long is asked where nothing else happens.
LEASE, EVERY, CALM = 15.0, 0.25, 40.0
BOMB = "JPEG of 40 megapixels, gone through 3,000 times"
POISONED: dict[str, Any] = {"poison": "poison", "lease": LEASE}


def measure() -> list[Row]:
    return show("Others beside what kills", _rows())


def _rows() -> Iterator[Row]:
    with _two_bots() as others:
        others.ask_until(lambda: False, CALM)
        calm, others.seconds = others.seconds, []
        others.deaths = 0
        poison = others.chat.say("poison qx0qx")
        others.ask_until(lambda: bool(others.chat.answers(poison)), 200)
        assert others.deaths == 5
        yield from _compared("message", calm, others.seconds, f"{others.deaths} deaths; ")
        others.seconds = []
        name, make = BOMBS[BOMB]
        worker = others.bots.start("run_worker")
        told = others.chat.slack.upload("ana", "general", name, make(), "@askwell")
        others.ask_until(lambda: _refused(others.chat.answers(told)), 120)
        yield from _compared("file", calm, others.seconds, "its reader takes all its 30 s; ")
        assert others.bots.end(worker, signal.SIGTERM) == 0


def _refused(cards: Sequence[str]) -> bool:
    return any("takes too long" in card for card in cards)


def _compared(
    what: str, calm: Sequence[float], beside: Sequence[float], detail: str
) -> Iterator[Row]:
    for name, measured in (("median", median), ("p99", _p99)):
        before, now = measured(calm), measured(beside)
        yield Row(
            f"time of others' questions beside a poison {what}, {name}",
            now / before,
            at_most=2,
            detail=f"{detail}{before:.2f} s alone, {now:.2f} s beside it, {len(beside)} questions",
        )


def _p99(seconds: Sequence[float]) -> float:
    return quantiles(seconds, n=100)[98]


@dataclass
class Others:
    """People who ask, and the bots that they ask."""

    chat: SlackChat
    bots: Bots
    running: list[int]
    seconds: list[float] = field(default_factory=list)
    deaths: int = 0
    _asked: int = 0

    def ask_until(self, over: Callable[[], bool], timeout: float) -> None:
        """How long each question takes, of as many as are asked meanwhile."""
        open_, begun, next_at = list[tuple[Message, float]](), time.monotonic(), 0.0
        while (now := time.monotonic() - begun) < timeout and not over():
            if now >= next_at:
                self._asked, next_at = self._asked + 1, now + EVERY
                said = self.chat.say(f"{QUESTION} qx{self._asked}qx", who="ben")
                open_.append((said, time.monotonic()))
            self._keep_bots()
            open_ = self._left(open_)
            time.sleep(0.005)
        while open_:
            open_ = self._left(open_)
            self._keep_bots()
            time.sleep(0.005)

    def _left(self, open_: list[tuple[Message, float]]) -> list[tuple[Message, float]]:
        done = [(said, since) for said, since in open_ if _whole(self.chat.answers(said))]
        self.seconds += [time.monotonic() - since for _, since in done]
        return [one for one in open_ if one not in done]

    def _keep_bots(self) -> None:
        for number, bot in enumerate(self.running):
            if self.bots.status(bot) is not None:
                self.deaths += 1
                self.running[number] = self.bots.start("run_bot", **POISONED)


def _whole(answers: Sequence[str]) -> bool:
    return any("[1] offices.txt" in answer for answer in answers)


@contextmanager
def _two_bots() -> Iterator[Others]:
    with (
        tempfile.TemporaryDirectory() as folder,
        slack_chat() as chat,
        marked_answers() as gemini,
        closing(chat.bots_in(Path(folder), gemini)) as bots,
    ):
        assert isinstance(chat, SlackChat)
        running = [bots.start("run_bot", **POISONED) for _ in range(2)]
        chat.slack.wait(lambda: len(chat.slack.sockets.live()) == 2, timeout=120)
        yield Others(chat, bots, running)
        for bot in running:
            bots.end(bot, signal.SIGTERM)
