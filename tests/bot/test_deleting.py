"""What people delete is gone from every store, and people who want to be forgotten with all they
asked, though bots die meanwhile (promise 13)."""

import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bot import wording
from tests.bot.bots import Bots
from tests.bot.chat import Chat, Told
from tests.bot.killing import MARK, QUESTION, marked_answers, wait

# Seconds within which nothing is found any more.
GONE_WITHIN = 60
A_ROUND = 4  # questions


class Campaign:
    """Two bots, of which one may be killed at any time: somebody hears every deletion."""

    def __init__(self, chat: Chat[Any], bots: Bots, seed: int) -> None:
        self.chat, self.bots, self.chosen = chat, bots, random.Random(seed)
        self.marks, self.gone, self.counts = list[str](), set[str](), Counter[str]()
        self._living = [self._start(), self._start()]

    def _start(self) -> int:
        pid = self.bots.start("run_bot", attempts=1000)
        wait(self.bots.last_out.exists, self.bots, 60, rest=0.05)
        return pid

    def kill(self) -> None:
        """One of them, somewhere in what it does now; another takes its place."""
        time.sleep(self.chosen.uniform(0, 0.4))
        self.bots.end(self._living.pop(self.chosen.randrange(2)), signal.SIGKILL)
        self.counts["kills"] += 1
        self._living.append(self._start())

    def delete_messages(self) -> None:
        """Half of what is asked, before, while or after it is answered."""
        asked = [self._ask(self.chat.say) for _ in range(A_ROUND)]
        for mark, message in asked[: A_ROUND // 2]:
            time.sleep(self.chosen.uniform(0, 0.5))
            self.chat.delete(message)
            self.gone.add(mark)
            self.counts["messages deleted"] += 1
        self.kill()

    def forget_somebody(self) -> None:
        """Who asks, and then wants to be forgotten: once more, where a bot died of it."""
        name = f"person{self.counts['people forgotten']}"
        self.chat.add_person(name)
        asked = [self._ask(lambda text: self.chat.say_directly(text, name)) for _ in range(2)]
        self.gone |= {mark for mark, _ in asked}
        known = {self.chat.id_of(message) for _, message in asked}
        wait(lambda: known <= self.bots.do("report")["items"].keys(), self.bots, 60)
        told = self.chat.command(name, "forget")
        self.kill()
        end = time.monotonic() + GONE_WITHIN
        while wording.FORGOTTEN not in self._answer(told):
            assert time.monotonic() < end, self.bots.log()
            told = self.chat.command(name, "forget")
        self.counts["people forgotten"] += 1

    def _ask(self, saying: Callable[[str], Any]) -> tuple[str, Any]:
        mark = f"qx{len(self.marks)}qx"
        self.marks.append(mark)
        return mark, saying(f"{QUESTION} {mark}")

    def _answer(self, told: Told) -> str:
        """Nothing, where none comes for seconds."""
        since = time.monotonic()
        while not str(told) and time.monotonic() < since + 5:
            time.sleep(0.05)
        return str(told)

    def finish(self) -> None:
        """Nothing of it is found in any store, and what nobody deleted is."""
        end, words = time.monotonic() + GONE_WITHIN, sorted(self.gone)
        while left := self.bots.do("find", words=words):
            assert time.monotonic() < end, (
                "\n".join(left) + "\n" + str(self.bots.do("report")) + self.bots.log()
            )
        wait(lambda: not self.bots.do("report")["open"], self.bots, 60, rest=0.2)
        assert self.bots.do("find", words=words) == []
        kept = {*self.marks} - self.gone
        found = self.bots.do("find", words=sorted(kept))
        assert kept <= {word for where in found for word in MARK.findall(where)}
        for pid in self._living:
            assert self.bots.end(pid, signal.SIGTERM) == 0, self.bots.log()


@pytest.fixture
def campaign(chat: Chat[Any], tmp_path: Path) -> Iterator[Campaign]:
    with marked_answers() as gemini, closing(chat.bots_in(tmp_path, gemini)) as bots:
        yield Campaign(chat, bots, seed=13)


def test_what_is_deleted_is_gone_though_bots_die_meanwhile(campaign: Campaign) -> None:
    campaign.delete_messages()
    campaign.forget_somebody()
    campaign.finish()


@pytest.mark.soak
def test_of_messages_and_people_nothing_is_found_after_a_minute(campaign: Campaign) -> None:
    for number in range(80):
        campaign.forget_somebody() if number % 4 == 0 else campaign.delete_messages()
        if number % 10 == 9:
            print(dict(campaign.counts), flush=True)
    campaign.finish()
    print(f"{campaign.chat.name}: {dict(campaign.counts)}: 0 hits in any store")
