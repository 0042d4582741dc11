"""Adding, replacing and reading documents."""

import errno
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as configured
from django.db import connection
from django.db.models.functions import Now
from pytest_django import Settings

from backend import db, ingesting
from backend.chat.removal import remove
from backend.ingesting import finish, work_on, work_on_next
from knowledge import ingestion, publishing, reading
from knowledge.embedding import choose_model
from knowledge.errors import EmptyFile, FileRefused, KnowledgeError, LeaseLost, UnsupportedType
from knowledge.extraction import ocr
from knowledge.ingestion import add_document, chunk_sizes
from knowledge.models import Chunk, Chunking, Document, DocumentVersion, Section, Space
from knowledge.names import file_name
from knowledge.retrieval import search
from management.ingest_files import Listed, ingest
from management.reindexing import look_again
from tests.conftest import AddText
from tests.knowledge.fake_embedder import FakeEmbedder
from tests.knowledge.pictures import page, scan

needs_tesseract = pytest.mark.skipif(
    not ocr.installed(), reason="Tesseract is missing (apt-get install tesseract-ocr)"
)
PARAGRAPHS = [
    f"Paragraph {number} tells of the {word}."
    for number, word in enumerate("heron otter badger lynx marten stoat".split())
]
TEXT = "\n\n".join(f"# Part {number}\n\n{words}" for number, words in enumerate(PARAGRAPHS))


def originals() -> list[Path]:
    return [path for path in Path(configured.MEDIA_ROOT).rglob("*") if path.is_file()]


def claim(version: DocumentVersion) -> DocumentVersion:
    claimed = db.claim_row(DocumentVersion.objects.filter(pk=version.pk), ingesting.LEASE)
    assert claimed is not None
    return claimed


def let_wait_end(version: DocumentVersion) -> None:
    DocumentVersion.objects.filter(pk=version.pk).update(lease_until=Now() - timedelta(seconds=1))


def found(words: str, *spaces: Space) -> list[str]:
    return [passage.text for passage in search(words, spaces, 5)]


def test_a_document_is_kept_at_once_and_read_later(team: Space, fake: type[FakeEmbedder]) -> None:
    added = add_document(team, "animals.md", TEXT.encode())

    assert (added.outcome, added.version.state) == ("ingested", "received")
    assert added.version.original.read() == TEXT.encode()
    added.version.original.close()
    assert found("heron", team) == []
    assert work_on_next() and not work_on_next()
    assert "heron" in found("heron", team)[0]


def test_the_same_bytes_in_a_space_are_one_document(
    team: Space, personal: Space, fake: type[FakeEmbedder]
) -> None:
    first = add_document(team, "a.txt", b"The heron eats fish.")
    again = add_document(team, "b.txt", b"The heron eats fish.", origin="elsewhere/b.txt")
    elsewhere = add_document(personal, "a.txt", b"The heron eats fish.")

    assert (again.outcome, again.version) == ("unchanged", first.version)
    assert elsewhere.version.document != first.version.document
    assert team.documents.count() == 1
    assert len(originals()) == 2


def test_bytes_that_an_older_version_had_are_one_document_too(team: Space) -> None:
    """Whichever of the documents that ever had them the database names first."""
    for number in range(8):
        add_document(team, "old.txt", b"shared", origin=f"{number}")
        add_document(team, "old.txt", f"own {number}".encode(), origin=f"{number}")
    stands = add_document(team, "new.txt", b"shared", origin="new")

    assert stands.outcome == "ingested"
    assert add_document(team, "again.txt", b"shared", origin="again").version == stands.version


def test_a_changed_file_becomes_a_new_version(team: Space, fake: type[FakeEmbedder]) -> None:
    first = finish(add_document(team, "a.txt", b"The heron eats fish.", origin="a.txt").version)
    added = add_document(team, "a.txt", b"The otter eats crabs.", origin="a.txt")
    second = finish(added.version)

    assert (added.outcome, second.number) == ("replaced", 2)
    assert second.document == first.document
    assert found("heron", team) == found("otter", team) == ["The otter eats crabs."]


def test_a_handed_over_file_replaces_its_only_namesake(team: Space) -> None:
    add_document(team, "a.txt", b"one")
    assert add_document(team, "a.txt", b"two").outcome == "replaced"
    add_document(team, "a.txt", b"three", origin="folder/a.txt")
    assert add_document(team, "a.txt", b"four").outcome == "ingested", "two have that name"


def test_the_old_version_is_found_until_the_new_one_is_ready(
    team: Space, fake: type[FakeEmbedder]
) -> None:
    finish(add_document(team, "a.txt", b"The heron eats fish.").version)
    newer = add_document(team, "a.txt", b"The otter eats crabs.").version

    assert found("heron", team) == ["The heron eats fish."]
    finish(newer)
    assert found("heron", team) == ["The otter eats crabs."]


def test_unchanged_chunks_are_not_embedded_again(team: Space, fake: type[FakeEmbedder]) -> None:
    finish(add_document(team, "animals.md", TEXT.encode()).version)
    assert len([text for text in fake.embedded if "Paragraph" in text]) == len(PARAGRAPHS)
    fake.embedded.clear()

    changed = TEXT.replace("lynx", "wolverine")
    finish(add_document(team, "animals.md", changed.encode()).version)

    assert len(fake.embedded) == 1 and "wolverine" in fake.embedded[0]
    assert Chunk.objects.filter(text__contains="heron").count() == 2


def test_unchanged_chunks_find_the_same_as_before(team: Space, fake: type[FakeEmbedder]) -> None:
    finish(add_document(team, "animals.md", TEXT.encode()).version)
    before = search("badger", [team], 1)[0]
    finish(add_document(team, "animals.md", TEXT.replace("stoat", "weasel").encode()).version)
    after = search("badger", [team], 1)[0]

    assert (after.text, after.heading, after.score) == (before.text, before.heading, before.score)
    assert after.chunk_id != before.chunk_id


@pytest.mark.parametrize(
    ("name", "data", "error"),
    [
        ("a.txt", b"", EmptyFile),
        ("a.xyz", b"data", UnsupportedType),
        ("a.docx", b"PK\x03\x04", None),
    ],
)
def test_a_refused_file_keeps_nothing(
    team: Space, name: str, data: bytes, error: type[Exception] | None
) -> None:
    with pytest.raises(error or FileRefused):
        add_document(team, name, data)

    assert not Document.objects.exists() and originals() == []


def test_a_file_that_can_not_be_read_fails_with_its_reason_and_leaves_nothing(
    team: Space, fake: type[FakeEmbedder]
) -> None:
    version = finish(add_document(team, "broken.pdf", b"%PDF-1.7 garbage").version)

    assert version.state == "failed" and "damaged" in version.reason
    assert not Section.objects.exists() and not Chunking.objects.exists()
    team.refresh_from_db()
    assert team.revision == 0


def test_a_failed_new_version_leaves_the_old_one(team: Space, fake: type[FakeEmbedder]) -> None:
    finish(add_document(team, "a.txt", b"The heron eats fish.", origin="a").version)
    assert finish(add_document(team, "a.pdf", b"%PDF- no", origin="a").version).state == "failed"

    assert found("heron", team) == ["The heron eats fish."]


def test_the_same_bytes_are_tried_again_after_they_failed(
    team: Space, fake: type[FakeEmbedder]
) -> None:
    fake.before = _refuse
    version = add_document(team, "a.txt", b"The heron eats fish.").version
    for _ in range(5):
        let_wait_end(finish(version))
    version.refresh_from_db()
    assert version.state == "failed" and "gone for lunch" in version.reason
    assert not Chunking.objects.exists()

    fake.before = None
    again = add_document(team, "a.txt", b"The heron eats fish.")
    assert again.outcome == "ingested" and again.version.pk == version.pk
    assert finish(again.version).state == "ready"


def _refuse(texts: Sequence[str]) -> None:
    if any("heron" in text for text in texts):
        raise KnowledgeError("gone for lunch")


@needs_tesseract
def test_what_could_be_read_in_part_only_is_read_again_once_more_can_be(
    team: Space, fake: type[FakeEmbedder], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = scan("The heron eats fish.", page("The otter swims in the river."))
    with monkeypatch.context() as without:
        without.setenv("PATH", "/nowhere")
        first = finish(add_document(team, "animals.pdf", data).version)
        assert first.state == "ready" and "Tesseract is not installed" in first.notice
        assert add_document(team, "animals.pdf", data).outcome == "unchanged"

    again = add_document(team, "other.pdf", data, origin="elsewhere/other.pdf")

    assert (again.outcome, again.version.number) == ("replaced", 2)
    assert "heron" in found("heron", team)[0]
    second = finish(again.version)
    assert (second.state, second.notice, second.document) == ("ready", "", first.document)
    assert second.document.origin == "elsewhere/other.pdf"
    assert "otter" in found("otter", team)[0]
    assert add_document(team, "animals.pdf", data).outcome == "unchanged"


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (RuntimeError("the secret word is xyzzy"), "unexpected RuntimeError"),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "No space left on device"),
        (OSError("the secret word is xyzzy"), "unexpected OSError"),
    ],
)
def test_an_unforeseen_fault_is_tried_again_and_named(
    team: Space,
    fake: type[FakeEmbedder],
    caplog: pytest.LogCaptureFixture,
    fault: Exception,
    told: str,
) -> None:
    def broken(texts: Sequence[str]) -> None:
        raise fault

    fake.before = broken
    version = add_document(team, "a.txt", b"The heron eats fish.").version

    finish(version)

    assert (version.state, version.attempts) == ("received", 1)
    assert version.reason == told
    assert "broke off" in caplog.text


def test_a_missing_original_is_not_waited_for(team: Space, fake: type[FakeEmbedder]) -> None:
    version = add_document(team, "a.txt", b"The heron eats fish.").version
    version.original.storage.delete(str(version.original))
    finish(version)
    assert (version.state, version.reason) == ("failed", "The stored original is missing.")
    again = add_document(team, "a.txt", b"The heron eats fish.").version
    assert again.document == version.document
    assert finish(again).state == "ready"


def test_a_document_that_fails_holds_up_no_other(team: Space, fake: type[FakeEmbedder]) -> None:
    fake.before = _refuse
    poison = add_document(team, "poison.txt", b"The heron eats fish.").version
    others = [add_document(team, f"{n}.txt", f"Otter {n}.".encode()).version for n in range(5)]

    while work_on_next():
        pass

    poison.refresh_from_db()
    assert (poison.state, poison.attempts) == ("received", 1)
    assert all(finish(version).state == "ready" for version in others)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\Users\\Eva\\notes.md", "notes.md"),
        ("/absolute/a.txt", "a.txt"),
        ("folder/", "folder"),
        ("", "unnamed"),
        ("nul\x00byte.txt", "nulbyte.txt"),
        ("two\nlines.txt", "two lines.txt"),
        ("  spaces.txt ", "spaces.txt"),
        ("hr\u202efdp.exe", "hrfdp.exe"),
        ("in\u200bvoice.pdf\ufeff", "invoice.pdf"),
        ("n" * 300 + ".txt", "n" * 251 + ".txt"),
    ],
)
def test_a_name_is_the_last_part_of_its_path(name: str, kept: str) -> None:
    assert file_name(name) == kept


def test_an_original_is_stored_under_a_name_of_our_own(team: Space) -> None:
    version = add_document(team, "../../../escape.txt", b"text").version

    assert version.document.name == "escape.txt"
    stored = Path(configured.MEDIA_ROOT, str(version.original)).resolve()
    assert stored.is_relative_to(Path(configured.MEDIA_ROOT).resolve())
    assert "escape" not in stored.name
    assert stored.stat().st_mode & 0o077 == 0


@pytest.fixture
def watched(tmp_path: Path, settings: Settings) -> Path:
    settings.WATCH_FOLDERS = [tmp_path]
    (tmp_path / "a.txt").write_text("The heron eats fish.")
    return tmp_path / "a.txt"


def read_watched() -> list[str]:
    found = look_again()
    for version in found.waiting:
        finish(version)
    assert not found.problems
    return ["ingested"] * found.new + ["replaced"] * found.changed


def test_a_removed_document_comes_back_by_ingest_and_not_by_watching(
    team: Space, fake: type[FakeEmbedder], watched: Path
) -> None:
    assert read_watched() == ["ingested"]
    remove(Document.objects.get())

    assert read_watched() == [] and found("heron", team) == []
    watched.write_text("The heron eats frogs.")
    assert read_watched() == [], "also when it changes"

    assert ingest(team, Listed(watched, in_folder=False)).outcome == "ingested"
    assert found("heron", team) == ["The heron eats frogs."]
    watched.write_text("The heron eats eels.")
    assert read_watched() == ["replaced"], "watched again since"


def test_a_removal_in_one_space_does_not_keep_the_file_from_another(
    team: Space, personal: Space, fake: type[FakeEmbedder], watched: Path
) -> None:
    ingest(personal, Listed(watched, in_folder=False))
    remove(Document.objects.get())

    assert read_watched() == ["ingested"]
    assert found("heron", team) == ["The heron eats fish."]


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
    monkeypatch.setattr(ingesting, "LEASE", timedelta(seconds=0.5))
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


def test_a_loaded_text_is_found_by_its_name(team: Space, add_text: AddText) -> None:
    add_text("They eat fish.", name="herons_of_the_north.txt")

    assert found("herons", team) == ["They eat fish."]


def test_a_sample_that_somebody_replaces_is_no_sample_any_more(team: Space) -> None:
    sample = add_document(team, "a.txt", b"One.", origin="documents/a.txt", sample=True).version
    replaced = add_document(team, "a.txt", b"Two.").version
    assert replaced.document == sample.document
    assert not Document.objects.get(pk=sample.document_id).sample
    add_document(team, "a.txt", b"Three.", origin="documents/a.txt", sample=True)
    assert Document.objects.get(pk=sample.document_id).sample


def test_the_row_tells_how_far_the_reading_is(team: Space, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "TELL_EVERY", 0.0)
    version = claim(add_document(team, "scan.pdf", scan("One.", "Two.", "Three.")).version)
    told = list[tuple[int | None, int]]()

    def keep() -> None:
        row = DocumentVersion.objects.get(pk=version.pk)
        told.append((row.pages, row.pages_done))

    ingestion.process(version, keep)
    assert told[:4] == [(None, 0), (3, 0), (3, 1), (3, 2)]


def test_reading_ends_where_another_process_has_taken_over(team: Space) -> None:
    version = claim(add_document(team, "scan.pdf", scan("One.", "Two.")).version)

    def keep() -> None:
        raise LeaseLost(version.document.name)

    with pytest.raises(LeaseLost):
        ingestion.process(version, keep)
    assert not version.sections.exists()
