"""Files that can't be read, and providers that are away: what is kept, and what is tried again."""

import errno
import os
from collections.abc import Sequence

import pytest

from backend.ingesting import finish, work_on_next
from knowledge.errors import EmptyFile, FileRefused, KnowledgeError, UnsupportedType
from knowledge.extraction import ocr
from knowledge.ingestion import add_document
from knowledge.models import Chunking, Document, Section, Space
from tests.knowledge.fake_embedder import FakeEmbedder
from tests.knowledge.ingesting import found, let_wait_end, originals
from tests.knowledge.pictures import page, scan

needs_tesseract = pytest.mark.skipif(
    not ocr.installed(), reason="Tesseract is missing (apt-get install tesseract-ocr)"
)


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
