"""Documents are given to the team, gone back and taken back, with a kill at every turn: indexes
equal the database, nothing is in two places, and what was taken back is nowhere (promises 11, 13).
"""

import random
import time
from collections import Counter

import pytest

from tests.knowledge.killing import Process, Store

SIDE = "channel:slack/T1/C1"
TEAM = "team:home"


class Life:
    """A document that is brought to a channel, and what becomes of it."""

    def __init__(self, store: Store, seed: int) -> None:
        self.store, self.chosen = store, random.Random(seed)
        self.kills: Counter[str] = Counter()
        self.steps: Counter[str] = Counter(give=60, go_back=60, take_back=60)
        self.gone: list[str] = []
        self._made = 0

    def run(self, kills: int) -> None:
        while self.kills.total() < kills:
            self._give()
            self._go_back()
            self._take_back()

    def _text(self) -> str:
        self._made += 1
        return f"The qx{self._made}qx eats fish.\n\n" + "The heron waits for it.\n" * 60

    def _give(self) -> None:
        """From the channel to the team, where a namesake may be."""
        name, text = self.chosen.choice(["a.txt", "b.txt"]), self._text()
        self.store.do("hand_over", space=SIDE, name=name, text=text)
        self.store.do("work")
        before = self._settled()
        self._killed("give", space=SIDE)
        after = self._settled()
        assert before[SIDE][name] == text.strip()
        assert (after[SIDE], after[TEAM].get(name)) in (
            ({name: text.strip()}, before[TEAM].get(name)),
            ({}, text.strip()),
        )
        self.store.do("give", space=SIDE)
        assert self._settled()[TEAM][name] == text.strip()

    def _go_back(self) -> None:
        name = self._some()
        before = self._settled()[TEAM]
        self._killed("go_back", name=name)
        after = self._settled()[TEAM]
        assert before.keys() == after.keys()
        assert [after[other] for other in after if other != name] == [
            before[other] for other in before if other != name
        ]

    def _take_back(self) -> None:
        name = self._some()
        before = self._settled()[TEAM][name]
        self._killed("take_back", name=name)
        if self._settled()[TEAM].get(name) != before:
            self.gone.append(before.split()[1])
        self._settled()

    def _some(self) -> str:
        return self.chosen.choice(sorted(self._settled()[TEAM]))

    def _killed(self, role: str, **order: str) -> None:
        process = self.store.start(role, die_at=self.chosen.randint(1, self.steps[role]), **order)
        self._end(role, process)

    def _end(self, role: str, process: Process) -> None:
        status = process.wait()
        assert status in (0, -9), (self.store.folder / "stderr.txt").read_text()[-3000:]
        if status == 0:
            self.steps[role] = max(10, process.outcome()["steps"])
        else:
            self.kills[role] += 1

    def _settled(self) -> dict[str, dict[str, str]]:
        """What each space holds after a worker has cleaned up: texts by name."""
        state = self.store.do("settle", removed=self.gone)
        assert state["problems"] == []
        held: dict[str, dict[str, str]] = {SIDE: {}, TEAM: {}}
        for name, document in state["documents"].items():
            assert (document["state"], document["current"]) == ("ready", True), document
            space = SIDE if name.startswith(SIDE) else TEAM
            held[space][name.removeprefix(f"{SIDE}/")] = document["text"].strip()
        return held


def test_after_a_kill_while_documents_are_given_or_taken_back_all_agrees(store: Store) -> None:
    life = Life(store, seed=7)
    life.run(kills=6)
    assert len(life.kills) == 3


@pytest.mark.soak
def test_after_three_hundred_kills_of_given_and_taken_documents_all_agrees(store: Store) -> None:
    life = Life(store, seed=int(time.time()))
    life.run(kills=300)
    print(
        f"\n300 kills: {dict(life.kills)}; {len(life.gone)} contents taken back, none found again"
    )
