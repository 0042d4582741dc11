"""What a campaign of kills does to bots, on any platform."""

import random
import re
import signal
import time
from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic

from tests.bot.bots import Bots
from tests.bot.chat import Chat, Message
from tests.simulators.faults import Answer
from tests.simulators.gemini import GeminiSimulator

# Questions that may wait at once.
BACKLOG = 12
QUESTION = "When does the office in Lisbon open?"
MARK = re.compile(r"q[xy]\d+q[xy]")
# Where the process dies by name: the commits of DESIGN.md section 5.
POINTS = [
    f"bot.{name}"
    for name in (
        "inbox.take claims.claim claims.begun claims.decide claims.settle claims.renew "
        "claims.let_go ledger.begin ledger.opening ledger.opened ledger.sent ledger.gone marks.move"
    ).split()
]

# What kills is claimed again as soon as its lease is over.
POISONED = {"poison": "poison", "lease": 2.4}


@contextmanager
def marked_answers() -> Iterator[GeminiSimulator]:
    """Every answer shows which question it belongs to, from its beginning to its end."""

    def reply(prompt: str) -> str:
        mark = MARK.findall(prompt)[-1]
        return f"First {mark} and then {'some more words ' * 5}and last {mark} [1]."

    with GeminiSimulator(key="gemini-key") as simulator:
        simulator.faults.always(Answer(reply, delay=0.005), on="chat")
        yield simulator


@dataclass
class Doomed:
    """A bot that is to die: by itself, or so many seconds after it is connected."""

    pid: int
    how: str
    seconds: float
    ready: Path
    since: float | None = None

    @property
    def is_due(self) -> bool:
        if self.since is None and self.ready.exists():
            self.since = time.monotonic()
        return self.since is not None and time.monotonic() > self.since + self.seconds


@dataclass
class Asked(Generic[Message]):
    """A question by its marks: what it asks about now, and what it asked about before."""

    message: Message
    marks: list[str]
    is_deleted: bool = False


class Campaign(Chat[Message]):
    """People ask, edit and delete while bots are killed and started again."""

    def __init__(self, bots: Bots, seed: int = 0, at_once: int = 3) -> None:
        self.bots, self.chosen = bots, random.Random(seed)
        self.asked: list[Asked[Message]] = []
        self.kills: Counter[str] = Counter()
        self._slots: list[Doomed | None] = [None] * at_once
        self._roots: list[Message] = []
        self._open, self._counted = 0, 0.0

    # The platform

    @abstractmethod
    def disturb(self) -> None:
        """Let what the bots heard be heard again."""

    @abstractmethod
    def heard_deletion(self, message: Message, state: str) -> bool:
        """Whether a bot that lived on was told of it; `state` is that of the message's item."""

    def tend(self) -> None:
        """Called now and then."""

    # The campaign

    def run(self, kills: int, questions_a_kill: int, timeout: float) -> None:
        """A first bot sets the marks from which is read back, and comes into some threads."""
        bot = self.bots.start("run_bot")
        wait(lambda: len(self.bots.do("report")["marks"]) >= 2, self.bots, 60)
        self._roots = [self._ask() for _ in range(8)]
        self._keep(self.say_directly, f"{QUESTION} {self._mark()}")
        wait(lambda: not self._left(), self.bots, 60)
        assert self.bots.end(bot, signal.SIGTERM) == 0, self.bots.log()
        end = time.monotonic() + timeout
        while (done := self.kills.total()) < kills or len(self.asked) < kills * questions_a_kill:
            assert time.monotonic() < end, f"{self.kills}, {len(self.asked)} {self.bots.log()}"
            self._keep_bots()
            self.tend()
            if len(self.asked) < (done + 1) * questions_a_kill and self._keeps_up():
                self._do_something()
            else:
                time.sleep(0.01)
        for slot in self._slots:
            if slot is not None:
                self.bots.end(slot.pid, signal.SIGKILL)

    def finish(self, timeout: float) -> None:
        """What a bot that lives makes of what is left."""
        bot = self.bots.start("run_bot", attempts=1000)
        wait(lambda: not self._left(), self.bots, timeout, rest=0.2)
        assert self.bots.end(bot, signal.SIGTERM) == 0, self.bots.log()

    def check(self) -> Counter[str]:
        """Every question has one whole answer, every deleted one none; nothing else was said."""
        texts, items = self.replied(), self.bots.do("report")["items"]
        counts, wrong = Counter[str](), []
        for asked in self.asked:
            found = [t for t in texts if any(mark in t for mark in asked.marks)]
            texts = [t for t in texts if t not in found]
            item = items.get(self.id_of(asked.message), [""])
            gone = asked.is_deleted and self.heard_deletion(asked.message, item[0])
            maybe = asked.is_deleted and not gone  # nobody heard of it
            counts["deleted" if gone else "unsure" if maybe else "answered"] += 1
            right = len(found) == (0 if gone else 1) or (maybe and not found)
            if not right or not all(map(_is_whole, found)):
                wrong.append((asked, item, found))
        assert (wrong, texts) == ([], []), f"{wrong} {texts} {self.bots.log()}"
        return counts

    def poison(self) -> list[str]:
        """Whoever would answer a certain question dies; others, who ask at the same moment and
        meanwhile, are answered. The answers to it."""
        others, bot = list[Message](), self.bots.start("run_bot", **POISONED)
        wait(lambda: len(self.bots.do("report")["marks"]) >= 2, self.bots, 60)
        poison = self.say("poison qx0qx")
        beside = self.say(f"{QUESTION} qx9qx", who="ben")
        end = time.monotonic() + 120
        while not self.answers(poison):
            assert time.monotonic() < end, self.bots.log()
            if self.bots.status(bot) is not None:
                others.append(self.say(f"{QUESTION} qx{len(others) + 1}qx", who="ben"))
                bot = self.bots.start("run_bot", **POISONED)
            time.sleep(0.05)
        wait(lambda: all(map(self.answers, others)), self.bots, 60)
        wait(lambda: not self.bots.do("report")["open"], self.bots, 60)
        assert self.bots.end(bot, signal.SIGTERM) == 0
        items = self.bots.do("report")["items"]
        state, _, reason = items[self.id_of(poison)]
        assert items[self.id_of(beside)][0] == "answered"
        assert (len(others), state) == (5, "failed") and reason
        return self.answers(poison)

    def _keeps_up(self) -> bool:
        """Whether not too much waits for an answer; counted now and then, and what is done in
        between counts as waiting."""
        if time.monotonic() > self._counted + 0.5:
            self._open = len(self.bots.do("report")["open"])
            self._counted = time.monotonic()
        return self._open < BACKLOG

    def _left(self) -> list[str]:
        """What is not settled, and what was not even heard."""
        report = self.bots.do("report")
        known = report["items"].keys()
        heard = {self.id_of(asked.message) for asked in self.asked if not asked.is_deleted}
        return [*report["open"], *sorted(heard - known)]

    # Bots

    def _keep_bots(self) -> None:
        for number, slot in enumerate(self._slots):
            if slot is not None:
                status = self.bots.status(slot.pid)
                if status is None and slot.is_due:
                    slot.how, status = "at random", self.bots.end(slot.pid, signal.SIGKILL)
                if status is None:
                    continue
                assert status == -signal.SIGKILL, self.bots.log()
                self.kills[slot.how] += 1
            self._slots[number] = self._start()

    def _start(self) -> Doomed:
        """Where too much waits, more of the bots live long enough to get something done."""
        chosen, how, behind = self.chosen, "at random", not self._keeps_up()
        seconds, more = chosen.uniform(0.2, 2.5), dict[str, Any]()
        dice = chosen.uniform(0, 2 if behind else 1)
        if dice < 0.45:
            how, more = "at a step", {"die_at": int(2 ** chosen.uniform(0, 8))}
        elif dice < 0.85:
            how = chosen.choice(POINTS)
            more = {"die_in": how, "call": chosen.randint(1, 3), "before": chosen.random() < 0.5}
        elif behind:
            seconds *= 10
        pid = self.bots.start("run_bot", attempts=1000, **more)
        return Doomed(pid, how, seconds + bool(more), self.bots.last_out)

    # People

    def _do_something(self) -> None:
        self._open += 1
        dice = self.chosen.random()
        if self.asked and dice < 0.12:
            self._edit()
        elif self.asked and dice < 0.26:
            self._delete()
        elif self.asked and dice < 0.36:
            self.disturb()
        else:
            self._ask()

    def _ask(self) -> Message:
        text, dice = f"{QUESTION} {self._mark()}", self.chosen.random()
        if dice < 0.05 or not self._roots:
            return self._keep(self.say, text)
        if dice < 0.1:
            return self._keep(self.say_directly, text)
        root = self.chosen.choice(self._roots)
        return self._keep(lambda words: self.say(words, root), text)

    def _mark(self) -> str:
        return f"qx{len(self.asked)}qx"

    def _keep(self, saying: Callable[[str], Message], text: str) -> Message:
        said = saying(text)
        self.asked.append(Asked(said, MARK.findall(text)))
        return said

    def _edit(self) -> None:
        asked = self.chosen.choice(self.asked[-10:])
        if not asked.is_deleted and len(asked.marks) == 1:
            asked.marks.append(asked.marks[0].replace("qx", "qy"))
            self.edit(asked.message, f"{QUESTION} {asked.marks[1]}")

    def _delete(self) -> None:
        asked = self.chosen.choice(self.asked[-10:])
        if not asked.is_deleted and asked.message not in self._roots:
            asked.is_deleted = True
            self.delete(asked.message)


def _is_whole(text: str) -> bool:
    marks = set(MARK.findall(text))
    whole = len(marks) == 1 and f"and last {min(marks)}" in text
    return whole and text.count("[1] offices.txt") == 1


def wait(condition: Callable[[], object], bots: Bots, timeout: float, rest: float = 0.01) -> None:
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, bots.log()
        time.sleep(rest)
