"""Adding, replacing and reading documents."""

from pathlib import Path

import pytest
from django.conf import settings as configured
from pytest_django import Settings

from backend.chat.removal import remove
from backend.ingesting import finish, work_on_next
from knowledge import ingestion, reading
from knowledge.ingestion import add_document
from knowledge.models import Chunk, Document, DocumentVersion, Space
from knowledge.names import file_name
from knowledge.retrieval import search
from management.ingest_files import Listed, ingest
from management.reindexing import look_again
from tests.conftest import AddText
from tests.knowledge.fake_embedder import FakeEmbedder
from tests.knowledge.ingesting import PARAGRAPHS, TEXT, claim, found, originals
from tests.knowledge.pictures import scan


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
