"""A space's index follows its rows."""

import random
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from uuid import uuid4

import numpy as np
import pytest
from django.db import connection
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pytest_django import Settings

from backend.chat.removal import remove
from backend.ingesting import finish
from knowledge import publishing
from knowledge.embedding import choose_model, embed
from knowledge.index import loading
from knowledge.index.cache import IndexCache, indexes
from knowledge.index.postings import Postings
from knowledge.index.ranking import Hit, rank
from knowledge.index.space_index import MAX_SEGMENTS, Segment, SpaceIndex, joined
from knowledge.index.vectors import FlatVectors
from knowledge.ingestion import add_document, chunk_sizes
from knowledge.models import Document, DocumentVersion, Embedding, Section, Space
from knowledge.retrieval import search
from tests.conftest import AddText
from tests.knowledge.fake_embedder import FakeEmbedder
from tests.knowledge.truth import held, published

WORDS = "heron otter badger lynx marten stoat weasel mink polecat wolverine eagle owl".split()
QUESTIONS = ["heron and otter", "badger", "a lynx, a marten and a stoat", "heronn", "nothing"]


def text_of(seed: int) -> str:
    """One to twelve sentences, under headings."""
    chosen = random.Random(seed)
    sentences = [
        f"{' '.join(chosen.choices(WORDS, k=chosen.randint(3, 9)))} {chosen.randint(0, 5)}.".title()
        for _ in range(chosen.randint(1, 12))
    ]
    return f"Text {seed}.\n\n" + "\n\n# Heading\n\n".join(sentences)


def add(space: Space, name: str, text: str) -> Document:
    version = finish(add_document(space, name, text.encode(), origin=name).version)
    assert version.state == "ready", version.reason
    return version.document


def ranking(index: SpaceIndex, question: str, k: int = 20) -> list[Hit]:
    vector = embed([question], choose_model(), query=True)[0]
    return rank(question, vector, [index], k)


def assert_same(advanced: SpaceIndex, fresh: SpaceIndex) -> None:
    """The same rows, and the same scores to the last bit."""
    assert advanced.revision == fresh.revision
    assert held(advanced) == held(fresh)
    for question in QUESTIONS:
        assert ranking(advanced, question) == ranking(fresh, question)


Queries = Callable[[int], AbstractContextManager[object]]
Steps = st.lists(
    st.tuples(st.sampled_from(["add", "replace", "remove", "look"]), st.integers(0, 10_000)),
    min_size=4,
    max_size=10,
)


@pytest.mark.usefixtures("fake")
@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.generate],  # each step takes long enough
)
@given(steps=Steps)
def test_an_index_that_was_advanced_ranks_as_one_freshly_loaded(
    db: None, steps: list[tuple[str, int]]
) -> None:
    space = Space.objects.create(key=f"team:{uuid4()}")
    model = choose_model()
    index, names = SpaceIndex(0), dict[str, Document]()
    for number, (action, seed) in enumerate([*steps, ("look", 0)]):
        if action == "add" or (action != "look" and not names):
            names[f"{number}.txt"] = add(space, f"{number}.txt", text_of(seed))
        elif action == "replace":
            name = sorted(names)[seed % len(names)]
            add(space, name, f"{text_of(seed)} Number {number}.")
        elif action == "remove":
            remove(names.pop(sorted(names)[seed % len(names)]))
        else:
            space.refresh_from_db()
            index = loading.advance(index, space, model)
            assert held(index) == published(space)
            assert_same(index, loading.advance(SpaceIndex(0), space, model))


@pytest.mark.usefixtures("fake")
def test_chunks_written_by_two_workers_at_once_keep_their_neighbours(team: Space) -> None:
    """Their batches lie between each other's; a passage's neighbours are those of its document."""
    model = choose_model()
    parts: list[tuple[DocumentVersion, list[publishing.Cut]]] = []
    for name in ("a.txt", "b.txt"):
        version = add_document(team, name, name.encode()).version
        Section.objects.create(version=version, position=0, text=text_of(len(parts) + 1) * 9)
        parts.append((version, publishing.cut(name, list(version.sections.all()), *chunk_sizes())))
    (a, cuts_a), (b, cuts_b) = parts
    others: list[publishing.Built] = []

    def meanwhile() -> None:
        if not others:
            others.append(publishing.build(b, cuts_b, chunk_sizes(), model, lambda: None))

    publishing.BATCH, whole = 1, publishing.BATCH
    try:
        first = publishing.build(a, cuts_a, chunk_sizes(), model, _on_second_call(meanwhile))
    finally:
        publishing.BATCH = whole
    publishing.publish(first.chunking, a)
    team.refresh_from_db()
    advanced = loading.advance(SpaceIndex(0), team, model)
    publishing.publish(others[0].chunking, b)
    team.refresh_from_db()

    assert_same(loading.advance(advanced, team, model), loading.advance(SpaceIndex(0), team, model))


def _on_second_call(action: Callable[[], None]) -> Callable[[], None]:
    calls: list[None] = []

    def keep() -> None:
        calls.append(None)
        if len(calls) == 2:
            action()

    return keep


def segment_of(texts: Sequence[Sequence[str]], first_id: int) -> Segment:
    count = len(texts)
    vectors = np.random.default_rng(first_id).standard_normal((count, 8)).astype(np.float32)
    return Segment(
        np.arange(first_id, first_id + count),
        np.repeat(first_id, count),
        FlatVectors(vectors),
        Postings.of(texts),
        np.ones(count, dtype=bool),
    )


def test_joined_segments_hold_what_stood_in_them() -> None:
    first = segment_of([["heron", "fish"], ["otter"], ["heron", "heron"]], 1)
    first = Segment(
        first.chunk_ids,
        first.chunking_ids,
        first.vectors,
        first.postings,
        np.array([True, False, True]),
    )
    second = segment_of([["badger", "heron"]], 10)

    whole = joined([first, second])

    assert whole.chunk_ids.tolist() == [1, 3, 10]
    assert whole.chunking_ids.tolist() == [1, 1, 10]
    assert np.array_equal(whole.vectors.matrix[1], first.vectors.matrix[2])
    assert np.array_equal(whole.vectors.matrix[2], second.vectors.matrix[0])
    rows, counts = whole.postings.of_term("heron")
    assert (rows.tolist(), counts.tolist()) == ([0, 1, 2], [1, 2, 1])
    assert whole.postings.of_term("otter")[0].size == 0
    assert whole.postings.lengths.tolist() == [2, 2, 2]


def test_many_segments_become_one() -> None:
    index = SpaceIndex(0)
    for revision in range(1, 30):
        index = index.advanced(revision, segment_of([[f"word{revision}"]], revision), [])
        assert len(index.segments) <= MAX_SEGMENTS
    assert held(index) == set(range(1, 30))


def test_withdrawn_rows_are_let_go_of() -> None:
    index = SpaceIndex(0)
    for number in range(1, 101):
        index = index.advanced(number, segment_of([["word"]] * 10, number * 100), [])
    for number in range(1, 100):
        index = index.advanced(100 + number, None, [number * 100])
        rows = sum(len(segment.chunk_ids) for segment in index.segments)
        assert rows <= index.count / 0.75
    assert held(index) == set(range(10_000, 10_010))
    assert index.advanced(300, None, [10_000]).segments == ()


def test_an_index_in_use_is_not_changed_by_advancing() -> None:
    before = SpaceIndex(1, (segment_of([["heron"], ["otter"]], 1),))
    after = before.advanced(2, segment_of([["badger"]], 9), [1])

    assert held(before) == {1, 2} and held(after) == {9}


@pytest.mark.usefixtures("fake")
def test_a_published_document_is_found_at_once_and_a_removed_one_never(
    team: Space, add_text: AddText
) -> None:
    for number in range(8):
        version = add_text(f"The heron number{number} eats fish.", name=f"{number}.txt")
        assert search(f"number{number}", [team], 1)[0].document == f"{number}.txt"
        if number % 2:
            remove(version.document)
            assert f"{number}.txt" not in {p.document for p in search("heron", [team], 50)}
    assert len(search("heron", [team], 50)) == 4


@pytest.mark.usefixtures("fake")
def test_two_caches_hold_the_same_at_the_same_revision(team: Space, add_text: AddText) -> None:
    model, old, versions = choose_model(), IndexCache(), []
    for number in range(12):
        versions.append(add_text(text_of(number), name=f"{number}.txt"))
        if number % 3 == 2:
            remove(versions[number - 1].document)
        team.refresh_from_db()
        ours, theirs = old.at_revision_of(team, model), IndexCache().at_revision_of(team, model)
        assert_same(ours, theirs)
        assert held(ours) == published(team)


@pytest.mark.usefixtures("fake")
def test_an_index_that_is_up_to_date_reads_no_rows(
    team: Space, add_text: AddText, django_assert_num_queries: Queries
) -> None:
    add_text("The heron eats fish.")
    team.refresh_from_db()
    index = indexes.at_revision_of(team, choose_model())
    model = choose_model()

    with django_assert_num_queries(0):
        assert indexes.at_revision_of(team, model) is index


@pytest.mark.usefixtures("fake")
def test_the_least_recently_used_index_is_given_up_when_bytes_run_short(
    db: None, settings: Settings
) -> None:
    model, cache = choose_model(), IndexCache()
    spaces = [Space.objects.create(key=f"team:{number}") for number in range(3)]
    for space in spaces:
        add(space, "a.txt", text_of(1))
        space.refresh_from_db()
    first = cache.at_revision_of(spaces[0], model)
    settings.INDEX_MEMORY_BYTES = int(first.nbytes * 2.5)
    second = cache.at_revision_of(spaces[1], model)
    assert cache.at_revision_of(spaces[0], model) is first, "used again"

    cache.at_revision_of(spaces[2], model)

    assert cache.at_revision_of(spaces[0], model) is first
    assert cache.at_revision_of(spaces[1], model) is not second


@pytest.mark.usefixtures("fake")
def test_an_index_larger_than_the_memory_for_all_is_served(
    team: Space, add_text: AddText, settings: Settings
) -> None:
    settings.INDEX_MEMORY_BYTES = 1
    add_text("The heron eats fish.")

    assert len(search("heron", [team], 5)) == 1


@pytest.mark.django_db(transaction=True)
def test_many_threads_that_ask_at_once_load_an_index_once(
    team: Space, fake: type[FakeEmbedder], add_text: AddText
) -> None:
    for number in range(5):
        add_text(text_of(number), name=f"{number}.txt")
    team.refresh_from_db()
    model, cache, start = choose_model(), IndexCache(), threading.Barrier(8)
    seen: list[SpaceIndex] = []

    def ask() -> None:
        try:
            start.wait()
            seen.append(cache.at_revision_of(team, model))
        finally:
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(seen) == 8 and len({id(index) for index in seen}) == 1


@pytest.mark.usefixtures("fake")
def test_a_chunk_without_a_vector_is_found_by_its_words(team: Space, add_text: AddText) -> None:
    add_text("The heron eats fish.")
    Embedding.objects.all().delete()

    assert [passage.text for passage in search("heron", [team], 5)] == ["The heron eats fish."]


@pytest.mark.usefixtures("fake")
def test_a_space_of_many_documents_is_loaded_in_one_go(
    team: Space, django_assert_max_num_queries: Queries
) -> None:
    for number in range(12):
        add(team, f"{number}.txt", f"The heron number {number}.")
    team.refresh_from_db()
    model = choose_model()

    with django_assert_max_num_queries(3):
        assert loading.advance(SpaceIndex(0), team, model).count == 12
