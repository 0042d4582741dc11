"""What was said while no bot listened is found, though bots die before they have read it (promise
10): ten seconds, ten minutes and two hours of it, in a channel, in a thread and directly."""

import signal
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.bot.bots import Bots
from tests.bot.chat import Chat
from tests.bot.killing import MARK, QUESTION, marked_answers, wait

# Seconds before now from which, and until which, no bot listened.
TWO_HOURS, TEN_MINUTES, TEN_SECONDS = (9_000, 1_800), (1_200, 600), (60, 50)
CAP = 1_000
# Seconds, for a machine that has other things to do.
PATIENCE = 300


@dataclass
class Away:
    """People who talk on while no bot listens."""

    chat: Chat[Any]
    bots: Bots
    asked: int = 0
    lease: float = 15.0

    def mark(self) -> str:
        self.asked += 1
        return f"qx{self.asked}qx"

    def go(self, gap: tuple[int, int], questions: int, chatter: int) -> list[str]:
        """The marks of what is asked meanwhile. Before it, a bot comes into a thread and into
        somebody's direct messages, which Discord names to nobody."""
        begun, ended = gap
        self.chat.turn_back(begun)
        bot = self.listening()
        root = self.chat.say(f"{QUESTION} {self.mark()}")
        direct = self.chat.say_directly(f"{QUESTION} {self.mark()}")
        self.until_settled(self.chat.id_of(root), self.chat.id_of(direct))
        assert self.bots.end(bot, signal.SIGTERM) == 0, self.bots.log()
        self.bots.do("age", seconds=begun)
        marks = [self.mark() for _ in range(questions)]
        for number, mark in enumerate(marks):
            self.chat.turn_back(begun - (begun - ended) * (number + 1) / questions)
            self.say(number, f"{QUESTION} {mark}", root)
            for _ in range(chatter * number // questions, chatter * (number + 1) // questions):
                self.chat.mutter("I was in Lisbon yesterday.")
        return marks

    def listening(self) -> int:
        """A bot that hears. What is said now seems to be older than the marks, so whoever comes
        to listen later never learns of it; and the marks move once it listens."""
        before = self.bots.do("report")["marks"]
        bot = self.start()

        def moved() -> bool:
            marks = self.bots.do("report")["marks"]
            return len(marks) >= 2 and marks != before

        wait(moved, self.bots, PATIENCE, rest=0.2)
        return bot

    def start(self, **order: Any) -> int:
        """On a slow machine a lease may run out while a bot lives, again and again."""
        return self.bots.start("run_bot", lease=self.lease, attempts=1000, **order)

    def say(self, number: int, text: str, root: Any) -> Any:
        if number % 3 == 1:
            return self.chat.say(text, root)
        return self.chat.say_directly(text) if number % 6 == 5 else self.chat.say(text)

    def die(self, where: str, call: int) -> None:
        """A bot that is killed while it reads back."""
        bot = self.start(die_in=where, call=call, before=True)
        wait(lambda: self.bots.status(bot) is not None, self.bots, PATIENCE, rest=0.2)

    def come_back(self, marks: list[str], timeout: float) -> None:
        bot = self.start()
        wait(lambda: not set(marks) - self.answered(), self.bots, timeout, rest=0.2)
        wait(lambda: not self.bots.do("report")["open"], self.bots, timeout, rest=0.2)
        assert self.bots.end(bot, signal.SIGTERM) == 0, self.bots.log()

    def until_settled(self, *messages: str) -> None:
        def settled() -> bool:
            report = self.bots.do("report")
            return set(messages) <= report["items"].keys() and not report["open"]

        wait(settled, self.bots, PATIENCE, rest=0.2)

    def answered(self) -> set[str]:
        return {mark for text in self.chat.replied() for mark in MARK.findall(text)}

    def check(self, marks: list[str]) -> None:
        """Each has one answer."""
        shown = [set(MARK.findall(text)) for text in self.chat.replied()]
        assert [shown.count({mark}) for mark in marks] == [1] * len(marks)


@pytest.fixture
def away(chat: Chat[Any], tmp_path: Path) -> Iterator[Away]:
    with marked_answers() as gemini, closing(chat.bots_in(tmp_path, gemini)) as bots:
        yield Away(chat, bots)


def test_what_was_said_in_two_hours_is_found_though_a_bot_dies_while_it_reads(away: Away) -> None:
    away.lease = 2.4
    marks = away.go(TWO_HOURS, questions=6, chatter=6)
    away.die("bot.marks.move", 1)
    away.come_back(marks, 60)
    away.check(marks)


@pytest.mark.soak
def test_all_of_ten_seconds_ten_minutes_and_two_hours_is_found(away: Away) -> None:
    every = []
    for gap in (TWO_HOURS, TEN_MINUTES, TEN_SECONDS):
        marks = away.go(gap, questions=240, chatter=700)
        for where, call in (("bot.inbox.take", 40), ("bot.inbox.take", 200), ("bot.marks.move", 1)):
            away.die(where, call)
        since = time.monotonic()
        away.come_back(marks, 600)
        every += marks
        took = time.monotonic() - since
        print(
            f"{away.chat.name}: {gap[0] - gap[1]} s, 3 kills: 240 found in {took:.0f} s", flush=True
        )
    away.check(every)
    print(f"{len(every)} asked and 2,100 more said in 3 gaps: 0 lost, 0 answered twice")


@pytest.mark.soak
def test_what_is_beyond_the_cap_is_reported(away: Away) -> None:
    marks = away.go(TEN_MINUTES, questions=60, chatter=CAP + 200)
    away.come_back(marks[-20:], 300)
    found = away.answered()
    lost = [mark for mark in marks if mark not in found]
    away.check([mark for mark in marks if mark in found])
    told = [line for line in away.bots.log().splitlines() if f"more than {CAP:,}" in line]
    told += [line for line in away.bots.log().splitlines() if f"more than {CAP} " in line]
    print(f"{away.chat.name}: 1,260 said, {len(lost)} of 60 not answered: {told}")
    assert told
