"""Bots in processes of their own, and what a campaign of kills does to them."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from tests.simulators.gemini import GeminiSimulator
from tests.simulators.slack import events
from tests.simulators.slack.core import Delivery
from tests.simulators.slack.simulator import SlackSimulator
from tests.simulators.slack.state import Message
from tests.simulators.slack.transcript import shown_text

OFFICES = "The office in Lisbon opens at nine o'clock."
# Questions that may wait at once.
BACKLOG = 12
QUESTION = "When does the office in Lisbon open?"
# Where the process dies by name: the commits of DESIGN.md section 5.
POINTS = [
    f"bot.{name}"
    for name in (
        "inbox.take inbox.claim inbox.begun inbox.decide inbox.settle inbox.renew inbox.let_go "
        "ledger.begin ledger.opening ledger.opened ledger.sent ledger.gone marks.move"
    ).split()
]


class Bots:
    """A store of its own, and the processes that work on it."""

    def __init__(self, folder: Path, slack: SlackSimulator, gemini: GeminiSimulator) -> None:
        self.folder, self._orders = folder, 0
        self._log = (folder / "stderr.txt").open("w")
        self._forks = subprocess.Popen(
            [sys.executable, "-m", "tests.bot.slack.crashing"],
            cwd=settings.BASE_DIR,
            env={
                **os.environ,
                "DATA_DIR": str(folder),
                "DJANGO_SETTINGS_MODULE": "backend.settings",
                "GOOGLE_API_KEY": gemini.key or "",
                "GEMINI_BASE_URL": gemini.url,
                "EMBEDDINGS": "local",
                "SLACK_API_URL": slack.url,
                "SLACK_BOT_TOKEN": slack.app.bot_token,
                "SLACK_APP_TOKEN": slack.app.app_token,
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        self.do("migrate", text=OFFICES)

    def close(self) -> None:
        assert self._forks.stdin is not None and self._forks.stdout is not None
        self._forks.stdin.close()
        assert self._forks.wait(10) == 0
        self._forks.stdout.close()
        self._log.close()

    def start(self, role: str, **order: Any) -> int:
        self._orders += 1
        return int(self._ask(do=role, out=str(self.last_out), **order))

    def do(self, role: str, **order: Any) -> Any:
        """Let a process do this to its end."""
        pid = self.start(role, **order)
        assert self._ask(wait=pid) == 0, self.log()
        return json.loads(self.last_out.read_text())["result"]

    def status(self, pid: int) -> int | None:
        """None while it runs."""
        found: int | None = self._ask(poll=pid)
        return found

    def end(self, pid: int, number: signal.Signals) -> int:
        os.kill(pid, number)
        return int(self._ask(wait=pid))

    def log(self) -> str:
        return (self.folder / "stderr.txt").read_text()[-6000:]

    @property
    def last_out(self) -> Path:
        """The file of the process that was started last."""
        return self._out(self._orders)

    def _out(self, number: int) -> Path:
        return self.folder / f"out-{number}.json"

    def _ask(self, **order: Any) -> Any:
        assert self._forks.stdin is not None and self._forks.stdout is not None
        self._forks.stdin.write(json.dumps(order) + "\n")
        self._forks.stdin.flush()
        return json.loads(self._forks.stdout.readline())


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
class Asked:
    """A question by its marks: what it asks about now, and what it asked about before."""

    message: Message
    marks: list[str]
    deletion: Delivery | None = None


class Campaign:
    """People ask, edit and delete while bots are killed and started again."""

    def __init__(self, bots: Bots, slack: SlackSimulator, seed: int, at_once: int = 3) -> None:
        self.bots, self.slack, self.chosen = bots, slack, random.Random(seed)
        self.asked: list[Asked] = []
        self.kills: Counter[str] = Counter()
        self._slots: list[Doomed | None] = [None] * at_once
        self._roots: list[Message] = []
        self._open, self._counted = 0, 0.0

    def run(self, kills: int, questions_a_kill: int, timeout: float) -> None:
        """A first bot sets the marks from which is read back, and comes into some threads."""
        bot = self.bots.start("run_bot")
        self.slack.wait(lambda: self.bots.do("report")["marks"] >= 2, timeout=60)
        self._roots = [self._ask() for _ in range(8)]
        self.slack.wait(lambda: not self._left(), timeout=60)
        assert self.bots.end(bot, signal.SIGTERM) == 0, self.bots.log()
        end = time.monotonic() + timeout
        while (done := self.kills.total()) < kills or len(self.asked) < kills * questions_a_kill:
            assert time.monotonic() < end, f"{self.kills}, {len(self.asked)} {self.bots.log()}"
            self._keep_bots()
            if len(self.asked) < (done + 1) * questions_a_kill and self._keeps_up():
                self._do_something()
            else:
                time.sleep(0.01)
        for slot in self._slots:
            if slot is not None:
                self.bots.end(slot.pid, signal.SIGKILL)

    def finish(self, timeout: float) -> dict[str, Any]:
        """What a bot that lives makes of what is left."""
        bot = self.bots.start("run_bot", attempts=1000)
        end = time.monotonic() + timeout
        while left := self._left():
            assert time.monotonic() < end, f"{left}\n{self.bots.log()}"
            time.sleep(0.2)
        assert self.bots.end(bot, signal.SIGTERM) == 0, self.bots.log()
        found: dict[str, Any] = self.bots.do("report")
        return found

    def _keeps_up(self) -> bool:
        """Whether not too much waits for an answer; counted now and then."""
        if time.monotonic() > self._counted + 0.5:
            self._open = len(self.bots.do("report")["open"])
            self._counted = time.monotonic()
        return self._open < BACKLOG

    def _left(self) -> list[str]:
        """What is not settled, and what was not even heard."""
        report = self.bots.do("report")
        known = report["items"].keys()
        heard = {asked.message.ts for asked in self.asked if asked.deletion is None}
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
        chosen, how = self.chosen, "at random"
        seconds, more = chosen.uniform(0.2, 2.5), dict[str, Any]()
        dice = chosen.random()
        if dice < 0.45:
            how, more = "at a step", {"die_at": chosen.randint(1, 80)}
        elif dice < 0.85:
            how = chosen.choice(POINTS)
            more = {"die_in": how, "call": chosen.randint(1, 4), "before": chosen.random() < 0.5}
        pid = self.bots.start("run_bot", attempts=1000, **more)
        return Doomed(pid, how, seconds + bool(more), self.bots.last_out)

    # People

    def _do_something(self) -> None:
        dice = self.chosen.random()
        if self.asked and dice < 0.08:
            self._edit()
        elif self.asked and dice < 0.14:
            self._delete()
        elif self.asked and dice < 0.24:
            self._deliver_again()
        else:
            self._ask()

    def _ask(self) -> Message:
        mark = f"qx{len(self.asked)}qx"
        text = f"@askwell {QUESTION} {mark}"
        dice = self.chosen.random()
        if dice < 0.05 or not self._roots:
            said = self.slack.say("ben", "general", text)
        elif dice < 0.1:
            said = self.slack.dm("ana", text.removeprefix("@askwell "))
        else:
            said = self.slack.say("ana", "general", text, thread=self.chosen.choice(self._roots))
        self.asked.append(Asked(said, [mark]))
        return said

    def _edit(self) -> None:
        asked = self.chosen.choice(self.asked[-10:])
        if asked.deletion is None and len(asked.marks) == 1:
            asked.marks.append(asked.marks[0].replace("qx", "qy"))
            self.slack.edit(asked.message, f"@askwell {QUESTION} {asked.marks[1]}")

    def _delete(self) -> None:
        asked = self.chosen.choice(self.asked[-10:])
        if asked.deletion is None and asked.message not in self._roots:
            self.slack.delete(asked.message)
            found = [d for d in self.slack.deliveries if d.event.get("deleted_ts") is not None]
            asked.deletion = found[-1]

    def _deliver_again(self) -> None:
        delivery = self.chosen.choice(self.slack.deliveries[-30:])
        if delivery.event.get("user") != self.slack.app.user_id:
            events.dispatch(self.slack.core, delivery.kind, delivery.payload)


def replied(slack: SlackSimulator) -> list[str]:
    """What stands of the app's messages anywhere."""
    with slack.world.lock:
        channels = slack.world.channels.values()
        own = [m for c in channels for m in c.messages.values() if m.by_app == slack.app.app_id]
        return [shown_text(message) for message in own]
