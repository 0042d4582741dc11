"""The text of a version is written in small transactions, and counts once all of it is there."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection

from backend import db, ingesting
from backend.ingesting import finish
from knowledge import reading
from knowledge.errors import LeaseLost
from knowledge.extraction import sandbox
from knowledge.ingestion import add_document
from knowledge.models import DocumentVersion, Section, Space
from knowledge.restoring import restore
from knowledge.retrieval import search
from tests.knowledge.fake_embedder import FakeEmbedder

pytestmark = [pytest.mark.usefixtures("fake"), pytest.mark.django_db(transaction=True)]

PARTS = 10
TEXT = "\n\n".join(f"# Part {n}\n\nThe heron number {n} eats fish." for n in range(PARTS))


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "ROWS", 3)
    monkeypatch.setattr(reading, "CHARACTERS", 200)


@contextmanager
def written() -> Iterator[list[int]]:
    """How many characters of sections each transaction writes meanwhile."""
    transactions = [0]

    def trace(statement: str) -> None:
        if statement.startswith("BEGIN"):
            transactions.append(0)
        elif statement.startswith('INSERT INTO "knowledge_section"'):
            transactions[-1] += len(statement)

    connection.ensure_connection()
    connection.connection.set_trace_callback(trace)
    yield transactions
    connection.connection.set_trace_callback(None)


def claim(version: DocumentVersion) -> DocumentVersion:
    claimed = db.claim_row(DocumentVersion.objects.filter(pk=version.pk), ingesting.LEASE)
    assert claimed is not None
    return claimed


def break_off(version: DocumentVersion, batches: int) -> DocumentVersion:
    """Read it until so many batches are written; then it is somebody else's."""
    left = batches

    def keep() -> None:
        nonlocal left
        if left == 0:
            raise LeaseLost(version.document.name)
        left -= 1

    claimed = claim(version)
    with pytest.raises(LeaseLost):
        reading.sections_of(claimed, keep)
    db.let_go(claimed)
    return version


def texts(version: DocumentVersion) -> list[str]:
    return list(version.sections.values_list("text", flat=True))


def refuse_to_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def fault(*_: object) -> None:
        raise AssertionError("it was read again")

    monkeypatch.setattr(sandbox, "extract", fault)


def test_no_transaction_writes_more_than_a_batch(team: Space) -> None:
    """SQL around each row included."""
    version = add_document(team, "herons.md", TEXT.encode()).version
    with written() as transactions:
        assert finish(version).state == "ready"
    assert sum(map(bool, transactions)) == 4
    assert max(transactions) < 600
    again = add_document(team, "herons.md", b"Otters.").version
    assert finish(again).state == "ready"
    back = restore(version, lambda _: None)
    with written() as transactions:
        assert finish(back).state == "ready"
    assert sum(map(bool, transactions)) == 4
    assert max(transactions) < 600
    assert len(texts(back)) == PARTS and texts(back) == texts(version)


def test_a_long_stretch_is_cut_at_line_breaks(team: Space) -> None:
    lines = [f"The heron number {number} eats fish." for number in range(30)] + ["x" * 500]
    version = finish(add_document(team, "herons.txt", "\n".join(lines).encode()).version)
    assert "".join(texts(version)) == "\n".join(lines)
    assert max(map(len, texts(version))) <= 200
    assert all(text.endswith("\n") for text in texts(version)[:5])


@pytest.mark.parametrize("batches", range(4))
def test_what_is_half_written_is_seen_by_nobody_and_written_anew(team: Space, batches: int) -> None:
    version = add_document(team, "herons.md", TEXT.encode()).version
    break_off(version, batches)
    assert Section.objects.count() == 3 * batches
    assert search("heron", [team], 20) == []
    assert finish(version).state == "ready"
    assert [text.split()[-3] for text in texts(version)] == [str(n) for n in range(PARTS)]
    assert len(search("heron", [team], 20)) == PARTS


def test_half_written_text_is_not_taken_for_that_of_the_same_bytes(team: Space) -> None:
    first = break_off(add_document(team, "herons.md", TEXT.encode()).version, 2)
    add_document(team, "herons.md", b"Otters.")
    again = finish(add_document(team, "herons.md", TEXT.encode()).version)
    assert (again.number, len(texts(again)), len(texts(first))) == (3, PARTS, 6)


def test_a_copy_that_broke_off_is_made_anew(team: Space, monkeypatch: pytest.MonkeyPatch) -> None:
    old = finish(add_document(team, "herons.md", TEXT.encode()).version)
    finish(add_document(team, "herons.md", b"Otters.").version)
    refuse_to_read(monkeypatch)
    back = break_off(restore(old, lambda _: None), 2)
    assert [passage.text for passage in search("heron", [team], 20)] == ["Otters."]
    assert finish(back).state == "ready"
    assert texts(back) == texts(old)


def test_bytes_that_the_document_had_before_are_not_read_again(
    team: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish(add_document(team, "herons.md", TEXT.encode()).version)
    finish(add_document(team, "herons.md", b"Otters.").version)
    refuse_to_read(monkeypatch)
    assert finish(add_document(team, "herons.md", TEXT.encode()).version).state == "ready"
    assert len(search("heron", [team], 20)) == PARTS


def test_unless_something_was_left_out(team: Space, fake: type[FakeEmbedder]) -> None:
    """What was missing then may be there now."""
    old = finish(add_document(team, "herons.md", TEXT.encode()).version)
    DocumentVersion.objects.filter(pk=old.pk).update(notice="A picture was left out.")
    finish(add_document(team, "herons.md", b"Otters.").version)
    again = finish(add_document(team, "herons.md", TEXT.encode()).version)
    assert (again.state, again.notice) == ("ready", "")
    old.refresh_from_db()
    back = finish(restore(old, lambda _: None))
    assert (back.state, back.notice) == ("ready", old.notice)
