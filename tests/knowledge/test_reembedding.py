"""The embedding model changes in the background: vectors of two never meet (promise 8), searches go
on, and a crash anywhere is made up for."""

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from django.db import connection
from pytest_django import Settings

from backend.accounts.spaces import space_for
from backend.ingesting import finish, work_on_next
from knowledge import reembedding
from knowledge.embedding import EMBEDDERS, active_model, embed, embedder, searched_model
from knowledge.errors import (
    AlreadyActive,
    ChangeUnderWay,
    NotConfigured,
    NothingToRollBack,
    ReembeddingWaits,
    Unreachable,
)
from knowledge.index import loading
from knowledge.index.cache import indexes
from knowledge.ingestion import add_document
from knowledge.missing_vectors import embed_missing, missing
from knowledge.models import Embedding, EmbeddingModel, Space
from knowledge.moving import move_document
from knowledge.rebuilding import rebuild
from knowledge.reembedding import begin, progress, reembed_step, roll_back
from knowledge.retrieval import retrieve, search
from tests.conftest import AddText
from tests.knowledge.fake_embedder import OTHER, FakeEmbedder, OtherFake
from tests.knowledge.killing import Store
from tests.simulators.faults import Status
from tests.simulators.gemini import GeminiSimulator
from tests.simulators.openai import OpenAISimulator

pytestmark = pytest.mark.django_db(transaction=True)

HERON = "The heron eats fish and waits by the river."
BADGER = "The badger digs at night and sleeps by day."
OTTER = "The otter swims in the river and plays with stones."


@pytest.fixture
def other(
    fake: type[FakeEmbedder], monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> Iterator[type[OtherFake]]:
    """Another fake in Gemini's place, and the store begins with the local one."""
    monkeypatch.setitem(EMBEDDERS, "gemini", OTHER)
    settings.EMBEDDINGS, settings.GEMINI_BASE_URL = "local", "http://127.0.0.1:9"
    yield OtherFake


@pytest.fixture
def wide(team: Space) -> Space:
    return space_for("channel:slack/T1/C1")


def name_of(spaces: Sequence[Space]) -> str:
    model = searched_model(spaces)
    assert model is not None
    return model.name


def scores(spaces: Sequence[Space], query: str = "heron river") -> list[tuple[str, float]]:
    return [(p.text, round(p.score, 5)) for p in search(query, spaces, 5)]


def models_of(text: str) -> list[str]:
    rows = Embedding.objects.filter(chunk__text=text).order_by("model__name")
    return list(rows.values_list("model__name", flat=True))


def finished() -> None:
    for _ in range(5):
        reembed_step()
        if progress() is None:
            return
    raise AssertionError("the change does not end")


def failing(error: Exception) -> Callable[[Sequence[str]], None]:
    def fail(texts: Sequence[str]) -> None:
        raise error

    return fail


def test_a_change_embeds_everything_and_then_counts(
    other: type[OtherFake], team: Space, add_text: AddText
) -> None:
    for number, text in enumerate((HERON, BADGER, OTTER)):
        add_text(text, f"{number}.txt")
    begin("gemini")
    assert name_of([team]) == "fake" and models_of(HERON) == ["fake"]
    told = reembed_step()

    assert "gemini/other now; 3 passages" in told
    assert progress() is None and name_of([team]) == "other"
    indexes.clear()
    fresh = scores([team])
    assert fresh[0][0] == HERON
    finish(add_document(team, "lynx.txt", b"The lynx hides.").version)
    assert models_of("The lynx hides.") == ["other"]


def test_a_search_uses_the_next_model_once_all_its_spaces_have_swapped(
    other: type[OtherFake],
    team: Space,
    wide: Space,
    add_text: AddText,
) -> None:
    add_text(HERON, "heron.txt")
    add_text(BADGER, "badger.txt", wide)
    old = {1: scores([team]), 2: scores([team, wide])}
    begin("gemini")

    def not_the_badger(texts: Sequence[str]) -> None:
        if any("badger" in text for text in texts):
            raise Unreachable()

    other.before = not_the_badger
    with pytest.raises(ReembeddingWaits, match="can't be reached"):
        reembed_step()
    assert name_of([team]) == "other" and name_of([wide]) == name_of([team, wide]) == "fake"
    assert scores([team]) != old[1] and scores([team, wide]) == old[2]
    assert not retrieve("heron", [team, wide], 3).terms_only
    now = progress()
    assert now is not None and (now.done, now.total) == (1, 2)
    assert {space.key: space.swapped for space in now.spaces} == {team.key: True, wide.key: False}

    other.before = None
    finished()
    assert name_of([team, wide]) == "other"
    indexes.clear()
    assert len(scores([team, wide])) == 2


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


def test_a_next_model_that_is_away_holds_nothing_up(
    other: type[OtherFake], team: Space, add_text: AddText
) -> None:
    add_text(HERON, "heron.txt")
    begin("gemini")
    other.before = failing(Unreachable())
    add_text(BADGER, "badger.txt")
    assert models_of(BADGER) == ["fake"] and BADGER in dict(scores([team], "badger digs"))
    with pytest.raises(ReembeddingWaits):
        reembed_step()
    assert not retrieve("badger", [team], 3).terms_only
    other.before = None
    finished()
    assert models_of(BADGER) == ["fake", "other"]


def test_after_a_swap_the_next_model_is_needed_and_the_old_one_is_not(
    other: type[OtherFake],
    fake: type[FakeEmbedder],
    team: Space,
    wide: Space,
    add_text: AddText,
) -> None:
    add_text(HERON, "heron.txt")
    add_text(BADGER, "badger.txt", wide)
    begin("gemini")
    other.before = lambda texts: failing(Unreachable())(texts) if "badger" in texts[0] else None
    with pytest.raises(ReembeddingWaits):
        reembed_step()
    fake.before = failing(Unreachable())
    add_text(OTTER, "otter.txt")
    assert models_of(OTTER) == ["other"]
    # Searched together with a space that has not swapped it is found by its words.
    assert OTTER in dict(scores([team, wide], "otter stones"))
    other.before = failing(Unreachable())
    version = finish(add_document(team, "lynx.txt", b"The lynx hides.").version)
    assert version.state == "received" and "can't be reached" in version.reason


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


def test_a_rollback_during_a_change_leaves_the_old_model(
    other: type[OtherFake],
    fake: type[FakeEmbedder],
    team: Space,
    wide: Space,
    add_text: AddText,
) -> None:
    add_text(HERON, "heron.txt")
    add_text(BADGER, "badger.txt", wide)
    before = scores([team])
    begin("gemini")
    other.before = lambda texts: failing(Unreachable())(texts) if "badger" in texts[0] else None
    with pytest.raises(ReembeddingWaits):
        reembed_step()
    fake.before = failing(Unreachable())
    add_text(OTTER, "otter.txt")  # without a vector of the old model
    assert name_of([team]) == "other" and scores([team, wide])

    assert roll_back().name == "fake"
    assert name_of([team]) == name_of([team, wide]) == "fake"
    fake.before = None
    finished()
    assert models_of(OTTER) == ["fake"], "and the vectors that are of no use are deleted"
    assert scores([team], "heron river")[0][0] == before[0][0]
    by_meaning = retrieve("stones otter", [team], 1)
    held = indexes.at_revision_of(Space.objects.get(pk=team.pk), active_model() or pytest.fail())
    assert by_meaning.passages[0].text == OTTER and not held.lacking
    with pytest.raises(NothingToRollBack):
        roll_back()


def test_a_rollback_afterwards_brings_the_old_model_back_with_what_came_since(
    other: type[OtherFake], fake: type[FakeEmbedder], team: Space, add_text: AddText
) -> None:
    add_text(HERON, "heron.txt")
    old = scores([team])
    begin("gemini")
    finished()
    add_text(OTTER, "otter.txt")
    fake.embedded.clear()

    assert roll_back().name == "fake"
    assert name_of([team]) == "other", "until it is whole"
    finished()
    assert name_of([team]) == "fake" and len(fake.embedded) == 1
    assert models_of(OTTER) == ["fake", "other"]
    assert dict(scores([team]))[HERON] != 0 and old[0][0] == HERON
    roll_back()
    finished()
    assert name_of([team]) == "other"


def test_vectors_that_there_is_no_way_back_to_are_deleted(
    other: type[OtherFake], team: Space, add_text: AddText, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_text(HERON, "heron.txt")
    begin("gemini")
    finished()
    monkeypatch.setattr(OtherFake, "name", "third")
    embedder.cache_clear()
    begin("gemini")
    finished()
    assert models_of(HERON) == ["other", "third"]
    assert roll_back().name == "other"


def test_what_moves_into_a_swapped_space_is_embedded_and_found(
    other: type[OtherFake], team: Space, wide: Space, add_text: AddText
) -> None:
    add_text(HERON, "heron.txt")
    version = add_text(BADGER, "badger.txt", wide)
    begin("gemini")
    other.before = lambda texts: failing(Unreachable())(texts) if "badger" in texts[0] else None
    with pytest.raises(ReembeddingWaits):
        reembed_step()
    scores([team])
    move_document(version.document, team)
    assert BADGER in dict(scores([team], "badger digs")), "by its words"
    model = EmbeddingModel.objects.get(name="other")
    space = Space.objects.get(pk=team.pk)
    assert indexes.at_revision_of(space, model).lacking
    other.before = None
    finished()
    assert not indexes.at_revision_of(Space.objects.get(pk=team.pk), model).lacking


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


def test_the_same_text_is_embedded_once(
    other: type[OtherFake], team: Space, add_text: AddText
) -> None:
    add_text("\n\n".join(["The heron eats fish." * 20] * 6), "heron.md")
    add_text(OTTER, "otter.txt")
    begin("gemini")
    finished()
    assert len(other.embedded) == len(set(other.embedded))


def test_a_change_goes_on_where_its_time_ran_out(
    other: type[OtherFake], team: Space, add_text: AddText, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_text(HERON, "heron.txt")
    monkeypatch.setattr(reembedding, "SPAN", -1.0)
    begin("gemini")
    assert "0 passages were embedded now, 0 of 1" in reembed_step()
    monkeypatch.undo()


def test_a_rebuild_during_a_change_embeds_with_both(
    other: type[OtherFake], team: Space, add_text: AddText
) -> None:
    add_text(HERON + " " + OTTER, "heron.txt")
    begin("gemini")
    stats = rebuild(60, 0, list)
    assert stats.found == stats.searched == 2
    assert models_of(OTTER) == ["fake", "other"]
    finished()
    assert rebuild(None, None, list).embedded == 1


def test_what_can_t_be_changed_is_said(
    other: type[OtherFake], team: Space, add_text: AddText, settings: Settings
) -> None:
    with pytest.raises(NothingToRollBack):
        roll_back()
    add_text(HERON, "heron.txt")
    with pytest.raises(AlreadyActive, match="local/fake"):
        begin("local")
    with pytest.raises(NotConfigured, match="openai"):
        begin("openai")
    other.before = failing(Unreachable())
    with pytest.raises(Unreachable):
        begin("gemini")
    assert progress() is None and reembed_step() == "The embedding model is not being changed."
    other.before = None
    begin("gemini")
    assert begin("gemini").name == "other", "it goes on"
    with pytest.raises(ChangeUnderWay, match="gemini/other"):
        begin("local")


def test_an_empty_store_changes_at_once(other: type[OtherFake], team: Space) -> None:
    begin("gemini")
    assert progress() is None and active_model() == EmbeddingModel.objects.get()


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


def test_a_provider_that_refuses_is_waited_for(
    gemini: GeminiSimulator,
    settings: Settings,
    team: Space,
    add_text: AddText,
    few_certificates: None,
) -> None:
    settings.EMBEDDINGS = "local"
    add_text(HERON, "heron.txt")
    begin("gemini")
    settings.GOOGLE_API_KEY = "another"
    embedder.cache_clear()
    with pytest.raises(ReembeddingWaits):
        reembed_step()
    assert not retrieve("heron", [team], 3).terms_only
    settings.GOOGLE_API_KEY = "gemini-key"
    embedder.cache_clear()
    finished()
    assert name_of([team]).startswith("gemini")


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
