"""`doctor` tells what would fail, before people notice."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from backend.jobs.models import Slot
from knowledge.extraction import ocr
from knowledge.models import Document, EmbeddingModel, Store
from knowledge.removal import remove_document
from management.diagnosis import diagnose
from tests.conftest import AddText

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_sound_installation_has_nothing_that_fails(add_text: AddText) -> None:
    add_text("Lunch is at noon.")
    assert [finding.what for finding in diagnose() if finding.level == "fail"] == []


def test_an_original_that_was_to_be_deleted_and_is_still_there_fails(add_text: AddText) -> None:
    document = add_text("Lunch is at noon.").document
    remove_document(document)
    told = "1 originals of removed documents can't be deleted"
    assert not [finding for finding in diagnose() if finding.what.startswith(told)]
    Document.objects.update(removed_at=timezone.now() - timedelta(hours=2))
    (found,) = [finding for finding in diagnose() if finding.what.startswith(told)]
    assert found.level == "fail"


def test_a_job_that_is_late_is_named(db: None) -> None:
    ended = timezone.now() - timedelta(days=3)
    Slot.objects.create(job="backup", at=ended, state="done", ended_at=ended, did="Backed up.")
    Slot.objects.create(job="purge", at=timezone.now(), state="done", ended_at=timezone.now())
    noted = [finding.what for finding in diagnose() if finding.level == "note"]
    late = [what for what in noted if "is late" in what]
    assert len(late) == 1
    assert late[0].startswith("the job backup is late: Backed up. That was 3 days ago.")


def test_a_store_whose_embedding_model_is_out_of_reach_fails(db: None) -> None:
    gone = EmbeddingModel.objects.create(provider="openai", name="gone", dimensions=768)
    Store.objects.create(pk=1, embedding_model=gone)
    failing = [finding.what for finding in diagnose() if finding.level == "fail"]
    assert len(failing) == 1
    assert failing[0].startswith("searching by meaning fails")


def test_a_tesseract_that_reads_nothing_fails(
    db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "tesseract"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    ocr._listed.cache_clear()
    failing = [finding.what for finding in diagnose() if finding.level == "fail"]
    assert len(failing) == 1
    assert failing[0].startswith("Tesseract is installed and reads nothing")
