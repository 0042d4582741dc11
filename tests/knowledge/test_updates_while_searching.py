"""Searching goes on, and stays right, while documents come and go (promise 27)."""

import random
import threading
import time
from collections import Counter

import pytest
from django.db import connection
from pytest_django import Settings

from backend.chat.removal import remove
from backend.ingesting import finish
from knowledge.ingestion import add_document
from knowledge.models import Document, Space
from knowledge.retrieval import search
from tests.knowledge.fake_embedder import FakeEmbedder
from tests.knowledge.truth import published

WRITERS, SEARCHERS = 2, 3


class Traffic:
    """Threads that write to two spaces and search in one of them at a time."""

    def __init__(self, spaces: list[Space], seconds: float) -> None:
        self.spaces = spaces
        self.until = time.monotonic() + seconds
        # By document id: the space that it stands in, until its removal is done.
        self.standing: dict[str, Document] = {}
        self.removed: set[str] = set()
        self.done: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.guard = threading.Lock()

    def run(self) -> None:
        jobs = [self._write] * WRITERS + [self._search] * SEARCHERS
        threads = [
            threading.Thread(target=self._until_the_end, args=(job, number))
            for number, job in enumerate(jobs)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _until_the_end(self, job: object, number: int) -> None:
        chosen = random.Random(number)
        try:
            while time.monotonic() < self.until and not self.wrong:
                job(chosen)  # type: ignore[operator]
        except Exception as error:
            self.wrong.append(f"{type(error).__name__}: {error}")
            raise
        finally:
            connection.close()

    def _write(self, chosen: random.Random) -> None:
        with self.guard:
            victims = list(self.standing)
        if len(victims) > 12 or (victims and chosen.random() < 0.4):
            self._remove(chosen.choice(victims))
        else:
            self._add(chosen)

    def _add(self, chosen: random.Random) -> None:
        space, word = chosen.choice(self.spaces), f"animal{chosen.randrange(10**9)}"
        text = f"The {word} eats fish in {space.key}.\n\n" + "The heron waits. " * 60
        version = finish(add_document(space, f"{word}.txt", text.encode()).version)
        self._check(version.state == "ready", version.reason)
        hits = {passage.document_id for passage in search(word, [space], 5)}
        self._check(str(version.document_id) in hits, f"{word} is ready and not found")
        with self.guard:
            self.standing[str(version.document_id)] = version.document
        self.done["added"] += 1

    def _remove(self, pk: str) -> None:
        with self.guard:
            document = self.standing.pop(pk, None)
        if document is None:
            return
        remove(document)
        with self.guard:
            self.removed.add(pk)
        self.done["removed"] += 1

    def _search(self, chosen: random.Random) -> None:
        space = chosen.choice(self.spaces)
        with self.guard:
            gone = set(self.removed)
            standing = [d for d in self.standing.values() if d.space_id == space.pk]
        wanted = chosen.choice(standing) if standing else None
        words = "heron fish" if wanted is None else wanted.name.removesuffix(".txt")
        hits = search(words, [space], 20)
        self._check(not gone & {hit.document_id for hit in hits}, "a removed document was found")
        self._check({hit.space_id for hit in hits} <= {space.pk}, "a foreign document was found")
        if wanted is not None and hits[:1] and str(wanted.pk) not in {h.document_id for h in hits}:
            with self.guard:
                stands = str(wanted.pk) in self.standing
            self._check(not stands, "a standing document was not found")
        self.done["searches"] += 1

    def _check(self, right: bool, what: str) -> None:
        if not right:
            self.wrong.append(what)


def traffic(seconds: float) -> Counter[str]:
    spaces = [Space.objects.create(key=f"team:{name}") for name in ("here", "there")]
    running = Traffic(spaces, seconds)
    running.run()
    assert running.wrong == []
    for space in spaces:
        hits = {passage.chunk_id for passage in search("heron fish", [space], 500)}
        assert hits == published(space)
    return running.done


@pytest.mark.django_db(transaction=True)
def test_search_stays_right_while_documents_come_and_go(
    fake: type[FakeEmbedder], settings: Settings
) -> None:
    settings.INDEX_MEMORY_BYTES = 20_000  # so that indexes are given up and loaded, too
    done = traffic(3)

    assert done["added"] > 3 and done["removed"] > 0 and done["searches"] > 30


@pytest.mark.soak
@pytest.mark.django_db(transaction=True)
def test_ten_minutes_of_adding_removing_and_searching(fake: type[FakeEmbedder]) -> None:
    done = traffic(600)
    print(f"\n10 minutes: {dict(done)}; 0 crashes, 0 foreign or removed hits")
