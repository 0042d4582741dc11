"""Several add, replace, read and remove the same document at once."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection

from backend import ingesting
from backend.chat.removal import remove
from backend.ingesting import finish, work_on, work_on_next
from knowledge import ingestion, publishing
from knowledge.embedding import choose_model
from knowledge.errors import LeaseLost
from knowledge.ingestion import add_document, chunk_sizes
from knowledge.models import Chunk, Chunking, Document, DocumentVersion, Section, Space
from tests.knowledge.fake_embedder import FakeEmbedder
from tests.knowledge.ingesting import claim, found, let_wait_end, originals
from tests.knowledge.pictures import scan


@pytest.mark.django_db(transaction=True)
def test_one_file_added_by_many_at_once_is_one_document(
    team: Space, fake: type[FakeEmbedder]
) -> None:
    start = threading.Barrier(8)

    def add(number: int) -> str:
        try:
            start.wait()
            added = add_document(team, f"{number}.txt", b"The heron eats fish.")
            assert finish(added.version).state == "ready"
            return added.outcome
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        outcomes = sorted(threads.map(add, range(8)))

    assert outcomes == ["ingested"] + ["unchanged"] * 7
    version = DocumentVersion.objects.get()
    assert (version.attempts, version.chunkings.count()) == (1, 1)
    assert len(originals()) == 1
    assert found("heron", team) == ["The heron eats fish."]


@pytest.mark.django_db(transaction=True)
def test_versions_added_at_once_are_numbered_one_by_one(
    team: Space, fake: type[FakeEmbedder]
) -> None:
    start = threading.Barrier(6)

    def add(number: int) -> None:
        try:
            start.wait()
            add_document(team, "a.txt", f"Text {number}".encode(), origin="a.txt")
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(add, range(6)))

    document = Document.objects.get()
    numbers = document.versions.order_by("number").values_list("number", flat=True)
    assert list(numbers) == [1, 2, 3, 4, 5, 6]


Interrupt = Callable[[Callable[[], None]], None]


@pytest.fixture
def amid_embedding(fake: type[FakeEmbedder]) -> Interrupt:
    """Do something once, while the first text is being embedded."""

    def arrange(action: Callable[[], None]) -> None:
        def before(texts: Sequence[str]) -> None:
            if any("heron" in text for text in texts):
                fake.before = None
                action()

        fake.before = before

    return arrange


def test_the_newer_version_stays_when_the_older_one_is_read_later(
    team: Space, amid_embedding: Interrupt
) -> None:
    older = add_document(team, "a.txt", b"The heron eats fish.").version

    def replace() -> None:
        assert (
            finish(add_document(team, "a.txt", b"The otter eats crabs.").version).state == "ready"
        )

    amid_embedding(replace)
    finish(older)

    assert older.state == "failed" and "changed or removed meanwhile" in older.reason
    assert found("otter heron", team) == ["The otter eats crabs."]
    assert not Chunking.objects.filter(published_revision=None).exists()
    assert older.document.current is not None and older.document.current.number == 2


def test_a_document_removed_while_it_is_read_stays_removed(
    team: Space, amid_embedding: Interrupt
) -> None:
    version = add_document(team, "a.txt", b"The heron eats fish.").version
    amid_embedding(lambda: remove(version.document))

    finish(version)

    assert version.state == "failed" and "changed or removed meanwhile" in version.reason
    assert found("heron", team) == []
    assert not Chunk.objects.exists() and not Section.objects.exists() and originals() == []


def test_a_document_removed_before_it_was_read_is_set_aside_at_once(
    team: Space, fake: type[FakeEmbedder], caplog: pytest.LogCaptureFixture
) -> None:
    version = add_document(team, "a.txt", b"The heron eats fish.").version
    remove(version.document)

    assert work_on_next() and not work_on_next()

    version.refresh_from_db()
    assert (version.state, version.attempts) == ("failed", 1)
    assert "Traceback" not in caplog.text


def test_who_takes_over_is_not_harmed_by_who_lost(team: Space, amid_embedding: Interrupt) -> None:
    """A worker that was believed dead goes on while another has its version half-written."""
    version = add_document(team, "a.txt", b"The heron eats fish.").version
    slow = claim(version)
    taken: list[DocumentVersion] = []

    def take_over() -> None:
        let_wait_end(slow)
        taken.append(claim(version))

    amid_embedding(take_over)
    # The second claimer has begun: its chunking lies there, unpublished, when the first gives up.
    work_on(slow)
    second = taken[0]
    cuts = publishing.cut("a.txt", list(second.sections.all()), *chunk_sizes())
    built = publishing.build(second, cuts, chunk_sizes(), choose_model(), lambda: None)
    with pytest.raises(LeaseLost):
        publishing.build(slow, cuts, chunk_sizes(), choose_model(), lambda: None)
    work_on(slow)
    publishing.publish(built.chunking, second)

    assert found("heron", team) == ["The heron eats fish."]
    assert version.chunkings.count() == 2, "what the first left is dropped by who works next"


def test_a_version_left_half_way_is_done_again(team: Space, amid_embedding: Interrupt) -> None:
    version = add_document(team, "a.txt", b"The heron eats fish.").version
    dead = claim(version)

    class Killed(BaseException):
        pass

    def die() -> None:
        raise Killed

    amid_embedding(die)
    with pytest.raises(Killed):
        work_on(dead)
    assert Chunking.objects.filter(published_revision=None).count() == 1
    let_wait_end(dead)

    assert finish(version).state == "ready"
    assert version.attempts == 2 and version.chunkings.count() == 1


def test_finish_takes_over_from_a_worker_that_died(
    team: Space, fake: type[FakeEmbedder], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in `make run` after the first one was killed: nobody else is there to do it."""
    version = add_document(team, "a.txt", b"The heron eats fish.").version
    with monkeypatch.context() as hurry:
        hurry.setattr(ingesting, "LEASE", timedelta(seconds=0.5))
        claim(version)

    assert finish(version).state == "ready"


def test_finish_gives_up_on_what_has_had_its_attempts(
    team: Space, fake: type[FakeEmbedder], monkeypatch: pytest.MonkeyPatch
) -> None:
    version = add_document(team, "a.txt", b"The heron eats fish.").version
    for _ in range(5):
        let_wait_end(claim(version))

    assert finish(version).state == "failed"
    assert "5 attempts" in version.reason


def test_reading_ends_where_another_process_has_taken_over(team: Space) -> None:
    version = claim(add_document(team, "scan.pdf", scan("One.", "Two.")).version)

    def keep() -> None:
        raise LeaseLost(version.document.name)

    with pytest.raises(LeaseLost):
        ingestion.process(version, keep)
    assert not version.sections.exists()
