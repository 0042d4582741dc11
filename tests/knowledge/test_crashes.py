"""Processes are killed at every turn: the index still equals the database (promise 11), and a
document whose reading kills is set aside while the others are served (promise 35)."""

import json
import random
import time
from collections import Counter
from typing import Any

import pytest

from tests.knowledge.killing import Process, Store

NAMES = [f"{number}.txt" for number in range(6)]
# What is killed while another process writes: a worker that publishes, a removal, and a search that
# brings its index and the snapshot up to date.
BESIDE_OTHERS = ("work", "take_away", "look")


class Campaign:
    """Add, replace, remove and search, with a kill in each; what must hold after each, also in
    processes that search all the time."""

    def __init__(self, store: Store, seed: int) -> None:
        self.store, self.chosen = store, random.Random(seed)
        self.texts: dict[str, str] = {}
        self.removed: list[str] = []
        self.kills: Counter[str] = Counter()
        # Steps that each role takes at most, as far as seen.
        self.steps: Counter[str] = Counter(add=20, work=80, take_away=40, look=12)
        self._made = 0
        self.compared = 0
        self.searching = [Searching(store, number) for number in range(2)]

    def run(self, kills: int) -> None:
        """So many kills of what is killed beside others, and some more."""
        while sum(self.kills[role] for role in BESIDE_OTHERS) < kills:
            role = self.chosen.choice(["add", "work", "work", "take_away", "look"])
            getattr(self, f"_{role}")()
            self._settle()
        for process in self.searching:
            process.end()

    def _text(self) -> str:
        self._made += 1
        return f"The qx{self._made}qx eats fish.\n\n" + "The heron waits for it.\n" * 60

    def _add(self) -> None:
        name, text = self.chosen.choice(NAMES), self._text()
        process = self.store.start("add", name=name, text=text, die_at=self._step("add"))
        self._end("add", process)

    def _work(self) -> None:
        """Two workers, of which one is killed."""
        for _ in range(self.chosen.randint(1, 2)):
            name, text = self.chosen.choice(NAMES), self._text()
            self.store.do("add", name=name, text=text)
            self.texts[name] = text
        if self.chosen.random() < 0.3:
            victim = self.store.start("work")
            other = self.store.start("work")
            victim.kill_after(self.chosen.random() * 0.2)
        else:
            victim = self.store.start("work", die_at=self._step("work"))
            other = self.store.start("work")
        self._end("work", victim)
        self._ended(other)

    def _take_away(self) -> None:
        """While a worker publishes another document."""
        if self.texts:
            name = self.chosen.choice(sorted(self.texts))
            other = self._publishing(besides=name)
            victim = self.store.start("take_away", name=name, die_at=self._step("take_away"))
            self._end("take_away", victim)
            self._ended(other)

    def _look(self) -> None:
        """While a worker publishes, and another process does the same."""
        others = [self._publishing(), self.store.start("look", text="heron")]
        self._end("look", self.store.start("look", text="heron", die_at=self._step("look")))
        for other in others:
            self._ended(other)

    def _publishing(self, besides: str = "") -> Process:
        name = self.chosen.choice([name for name in NAMES if name != besides])
        self.texts[name] = self._text()
        self.store.do("add", name=name, text=self.texts[name])
        return self.store.start("work")

    def _ended(self, process: Process) -> None:
        assert process.wait() == 0, (self.store.folder / "stderr.txt").read_text()[-3000:]

    def _step(self, role: str) -> int:
        return self.chosen.randint(1, self.steps[role] + 2)

    def _end(self, role: str, process: Process) -> None:
        status = process.wait()
        assert status in (0, -9), (self.store.folder / "stderr.txt").read_text()[-3000:]
        if status == 0:
            self.steps[role] = max(self.steps[role] // 2, process.outcome()["steps"])
        else:
            self.kills[role] += 1

    def _settle(self) -> None:
        state = self.store.do("settle", removed=self.removed)
        assert state["problems"] == []
        for process in self.searching:
            assert process.holds() == state["views"]
            self.compared += 1
        documents = state["documents"]
        for document in documents.values():
            assert (document["state"], document["current"]) == ("ready", True), document
            assert document["attempts"] <= 2
        for name, text in list(self.texts.items()):
            if name not in documents:  # its removal was what was killed
                self.removed.append(text.split()[1])
                del self.texts[name]
        for name, document in documents.items():
            self.texts[name] = document["text"]
        assert len(documents) == len(self.texts)


class Searching:
    """A process that lives on while others are killed, and searches."""

    def __init__(self, store: Store, number: int) -> None:
        self._store = store
        self._ask, self._told = store.folder / f"ask-{number}", store.folder / f"told-{number}"
        self._process = store.start("follow", ask=str(self._ask), told=str(self._told))

    def holds(self) -> Any:
        """By space the revision, and the ids of what it would find."""
        self._ask.touch()
        end = time.monotonic() + 60
        while not self._told.exists():
            assert time.monotonic() < end, (self._store.folder / "stderr.txt").read_text()[-3000:]
            time.sleep(0.005)
        told = json.loads(self._told.read_text())
        self._told.unlink()
        return told

    def end(self) -> None:
        self._process.kill_after(0)
        self._process.wait()


def test_after_a_kill_at_any_step_the_index_equals_the_database(store: Store) -> None:
    campaign = Campaign(store, seed=11)
    campaign.run(kills=12)

    assert all(campaign.kills[role] for role in BESIDE_OTHERS)


@pytest.mark.soak
def test_after_five_hundred_kills_the_index_equals_the_database(store: Store) -> None:
    campaign = Campaign(store, seed=int(time.time()))
    campaign.run(kills=500)

    killed = {role: campaign.kills[role] for role in BESIDE_OTHERS}
    print(
        f"\n{sum(killed.values())} kills beside another writer: {killed}, and "
        f"{campaign.kills['add']} while adding; ids and revisions compared "
        f"{campaign.compared} times in processes that lived on: all the same as the database's"
    )


def test_what_was_acknowledged_is_read_after_any_kill_of_the_worker(store: Store) -> None:
    """One document, killed once at each of some steps of its way: its text is never lost."""
    store.do("add", name="a.txt", text="The qx eats fish.")
    for die_at in (1, 8, 15, 22, 29, 36):
        store.start("work", die_at=die_at).wait()
        store.do("expire")
        if die_at == 22:  # or it would have had its five attempts
            store.do("settle")
            store.do("add", name="a.txt", text="The qz eats fish.")

    state = store.do("settle")
    assert state["problems"] == []
    assert state["documents"]["a.txt"]["state"] == "ready"
    assert state["documents"]["a.txt"]["text"] == "The qz eats fish."


def test_a_document_that_kills_its_reader_is_set_aside_and_the_others_are_served(
    store: Store,
) -> None:
    store.do("add", name="0.txt", text="This is poison.")
    for number in range(1, 5):
        store.do("add", name=f"{number}.txt", text=f"The heron number {number}.")

    deaths = 0
    for _ in range(8):
        deaths += store.start("work", poison="poison").wait() == -9
        store.do("expire")

    state = store.do("settle")
    poison = state["documents"].pop("0.txt")
    assert deaths == 5
    assert (poison["state"], poison["attempts"]) == ("failed", 5)
    assert poison["reason"] == "Given up after 5 attempts; the last one broke off."
    assert state["problems"] == []
    assert {document["state"] for document in state["documents"].values()} == {"ready"}
    assert len(state["documents"]) == 4
