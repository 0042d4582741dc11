"""While the embedding model changes: vectors of two never meet (promise 8), searches go on, and a
crash anywhere is made up for."""

import random
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from django.db import connection
from pytest_django import Settings

from backend.accounts.spaces import space_for
from backend.ingesting import finish, work_on_next
from knowledge.embedding import active_model, embed, embedder
from knowledge.errors import Unreachable
from knowledge.index import loading
from knowledge.index.cache import indexes
from knowledge.ingestion import add_document
from knowledge.missing_vectors import embed_missing, missing
from knowledge.models import Embedding, EmbeddingModel, Space
from knowledge.reembedding import begin, progress, reembed_step, roll_back
from knowledge.retrieval import retrieve
from tests.conftest import AddText
from tests.knowledge.changing import BADGER, HERON, failing, finished, models_of, name_of, scores
from tests.knowledge.fake_embedder import FakeEmbedder, OtherFake
from tests.knowledge.killing import Store
from tests.simulators.faults import Status
from tests.simulators.gemini import GeminiSimulator
from tests.simulators.openai import OpenAISimulator

pytestmark = pytest.mark.django_db(transaction=True)


def test_what_is_published_meanwhile_is_embedded_with_both(
    other: type[OtherFake], team: Space, add_text: AddText
) -> None:
    add_text(HERON, "heron.txt")
    begin("gemini")
    add_text(BADGER, "badger.txt")
    assert models_of(BADGER) == ["fake", "other"]
    other.embedded.clear()
    finished()
    assert len(other.embedded) == 1, "the badger's vector is there"


def test_a_space_that_swaps_while_a_document_is_embedded_does_not_show_it_without_vectors(
    other: type[OtherFake], fake: type[FakeEmbedder], team: Space, add_text: AddText
) -> None:
    add_text(HERON, "heron.txt")
    begin("gemini")
    version = add_document(team, "badger.txt", BADGER.encode()).version

    def swap_meanwhile(texts: Sequence[str]) -> None:
        other.before = fake.before = None
        finished()
        other.before = failing(Unreachable())

    fake.before = swap_meanwhile
    assert "has changed meanwhile" in finish(version).reason
    assert models_of(HERON) == ["fake", "other"] and BADGER not in dict(scores([team], "badger"))
    other.before = None
    version.lease_until = None
    version.save()
    while work_on_next():
        pass
    assert models_of(BADGER) == ["other"] and BADGER in dict(scores([team], "badger"))


def test_every_index_learns_of_vectors_that_were_made_up_for(
    other: type[OtherFake], team: Space, add_text: AddText
) -> None:
    add_text(HERON, "heron.txt")
    add_text(BADGER, "badger.txt")
    model = active_model()
    assert model is not None
    Embedding.objects.filter(chunk__text=BADGER).delete()
    by_words = dict(scores([team], "badger"))[BADGER]
    assert embed_missing(team, model, float("inf"), searched=True) == 1
    assert dict(scores([team], "badger"))[BADGER] > by_words + 0.1
    assert not missing(team, model).exists()


def test_an_index_that_lacks_vectors_is_not_kept_as_a_snapshot(
    other: type[OtherFake],
    team: Space,
    add_text: AddText,
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
) -> None:
    monkeypatch.setattr(loading, "SNAPSHOT_CHUNKS", 1)
    add_text(HERON, "heron.txt")
    model, space = active_model(), Space.objects.get(pk=team.pk)
    assert model is not None
    vector = Embedding.objects.get()
    vector.delete()
    assert indexes.at_revision_of(space, model).lacking
    assert not list(Path(settings.SNAPSHOT_DIR).glob("*.index"))
    Embedding.objects.create(chunk=vector.chunk, model=model, vector=vector.vector)
    indexes.clear()
    assert not indexes.at_revision_of(space, model).lacking


def meanwhile(monkeypatch: pytest.MonkeyPatch, action: Callable[[], object]) -> None:
    """Do this once, between the look at what is missing and the swap of a space."""
    waiting = [action]

    def prepare(space: Space, model: EmbeddingModel) -> None:
        if waiting:
            waiting.pop()()

    monkeypatch.setattr(loading, "prepare", prepare)


def test_a_space_does_not_swap_where_something_is_published_meanwhile(
    other: type[OtherFake], team: Space, add_text: AddText, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_text(HERON, "heron.txt")
    begin("gemini")

    def publish() -> None:
        other.before = failing(Unreachable())
        add_text(BADGER, "badger.txt")
        other.before = None

    meanwhile(monkeypatch, publish)
    reembed_step()
    assert name_of([team]) == "fake" and progress() is not None
    finished()
    assert models_of(BADGER) == ["fake", "other"]


def test_a_change_does_not_end_before_a_space_that_is_new_has_swapped(
    other: type[OtherFake], team: Space, add_text: AddText, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_text(HERON, "heron.txt")
    begin("gemini")

    def publish() -> None:
        other.before = failing(Unreachable())
        add_text(BADGER, "badger.txt", space_for("channel:slack/T1/C2"))
        other.before = None

    meanwhile(monkeypatch, publish)
    reembed_step()
    assert name_of([team]) == "other" and progress() is not None
    finished()
    assert models_of(BADGER) == ["fake", "other"]


def test_searches_go_on_while_the_model_changes_and_are_never_mixed(
    other: type[OtherFake], team: Space, add_text: AddText
) -> None:
    for number in range(30):
        add_text(f"The heron number {number} eats fish.", f"{number}.txt")
    expected = [scores([team])]
    begin("gemini")
    over, wrong, seen = threading.Event(), [], 0

    def ask() -> None:
        nonlocal seen
        try:
            while not over.is_set():
                wrong.append(scores([team]))
                seen += 1
        finally:
            connection.close()

    asker = threading.Thread(target=ask)
    asker.start()
    try:
        while seen < 3:
            pass
        finished()
        until = seen + 3
        while seen < until:
            pass
    finally:
        over.set()
        asker.join()
    expected.append(scores([team]))
    assert expected[0] != expected[1]
    assert all(one in expected for one in wrong) and expected[1] in wrong


@pytest.mark.parametrize("moment", ["ingest", "query", "restart"])
@pytest.mark.usefixtures("few_certificates")
def test_a_flip_between_providers_of_the_same_dimensions_never_mixes(
    gemini: GeminiSimulator,
    openai: OpenAISimulator,
    settings: Settings,
    team: Space,
    add_text: AddText,
    moment: str,
) -> None:
    """Promise 8, during a change: each vector is that of the model that its row names."""
    settings.EMBEDDINGS = "gemini"
    add_text(HERON, "heron.txt")
    begin("openai")
    if moment == "ingest":
        openai.faults.next(Status(503), on="embed")
        add_text(BADGER, "badger.txt")
        assert models_of(BADGER) == ["gemini-embedding-001"]
    elif moment == "query":
        reembed_step()
        assert not retrieve("heron", [team], 3).terms_only
        roll_back()
    else:
        embedder.cache_clear()
        indexes.clear()
    finished()
    model = active_model()
    assert model is not None and not missing(team, model).exists()
    for row in Embedding.objects.select_related("model", "chunk__chunking__version__document"):
        document = row.chunk.chunking.version.document
        title = document.name.removesuffix(".txt")
        made = embed([f"{title}\n{row.chunk.text}"], row.model)[0].astype("<f4").tobytes()
        assert bytes(row.vector) == made, row.model


class Kills:
    """A change of the model in processes that are killed, while documents come and are removed."""

    def __init__(self, store: Store, seed: int) -> None:
        self.store, self.chosen, self.kills, self.turn = store, random.Random(seed), 0, 0
        for number in range(4):
            store.do("add", name=f"{number}.txt", text=f"The heron {number} eats fish. " * 30)
        store.do("work")
        store.do("change", to="gemini")

    def run(self, kills: int) -> None:
        while self.kills < kills:
            self._turn()
        self.store.do("work")
        self.store.do("reembed")
        state = self.store.do("vectors", text="heron")
        assert (state["missing"], state["next"], state["swapped"]) == (0, None, 0)
        assert self.store.do("settle")["problems"] == []

    def _turn(self) -> None:
        self.turn += 1
        role = self.chosen.choice(["reembed", "reembed", "work"])
        if role == "work":
            name = f"new{self.turn % 5}.txt"
            self.store.do("add", name=name, text=f"The otter {self.turn} swims. " * 30)
        process = self.store.start(role, die_at=self.chosen.randint(1, 60))
        self.kills += process.wait() == -9
        self.store.do("expire")
        if self.store.do("vectors", text="heron")["next"] is None:
            self.store.do("change", to="back" if self._has_changed() else "gemini")

    def _has_changed(self) -> bool:
        models = self.store.do("vectors", text="heron")["models"]
        return len(models) > 1


def test_a_kill_at_any_step_of_a_change_is_made_up_for(store: Store) -> None:
    Kills(store, seed=8).run(kills=5)


@pytest.mark.soak
def test_after_two_hundred_kills_in_changes_nothing_is_missing(store: Store) -> None:
    campaign = Kills(store, seed=int(time.time()))
    campaign.run(kills=200)

    print(f"\n200 kills in {campaign.turn} turns of a change: no vector is missing")
