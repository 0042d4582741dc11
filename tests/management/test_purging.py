"""What nobody needs is deleted, and what somebody may need stays."""

import os
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone
from django_apscheduler.models import DjangoJob, DjangoJobExecution

from backend.accounts.models import CodeTry, LinkCode, SignInToken, User
from backend.accounts.spaces import home
from backend.ingesting import finish
from backend.jobs import slots
from backend.jobs.models import Slot, SlotState
from backend.jobs.registry import JOBS
from knowledge import originals
from knowledge.index.snapshot_files import path_for
from knowledge.ingestion import add_document
from knowledge.leftovers import delete_stray_originals
from knowledge.models import Chunk, DocumentVersion, EmbeddingModel, Space
from knowledge.retrieval import search
from management import jobs

AddText = Callable[..., DocumentVersion]
NOTHING = "There was nothing to delete."


def test_passages_that_were_replaced_go_and_the_present_ones_are_found(
    add_text: AddText, team: Space
) -> None:
    add_text("Lunch is at noon.")
    add_text("Lunch is at one.")
    assert Chunk.objects.count() == 2

    assert jobs.purge() == "Deleted 1 replaced passages."

    (chunk,) = Chunk.objects.all()
    assert chunk.text == "Lunch is at one."
    assert [passage.text for passage in search("When is lunch?", [team], 5)] == [chunk.text]
    assert jobs.purge() == NOTHING


def test_an_original_that_no_version_has_goes_once_it_is_a_day_old(add_text: AddText) -> None:
    kept = str(add_text("Lunch is at noon.").original)
    stray, young = originals.keep(b"stray", "aa" * 32), originals.keep(b"young", "aa" * 32)
    long_ago = time.time() - 2 * 86_400
    for name in (kept, stray):
        os.utime(default_storage.path(name), (long_ago, long_ago))

    assert jobs.purge() == "Deleted 1 stray originals."

    assert [default_storage.exists(name) for name in (kept, stray, young)] == [True, False, True]


@pytest.mark.parametrize(
    "name", ["report.pdf", "finance/2025/report.pdf", "aa/report.pdf", f"aa/{'b' * 32}/report.pdf"]
)
def test_what_others_keep_beside_the_originals_stays(name: str) -> None:
    default_storage.save(name, ContentFile(b"Figures."))
    long_ago = time.time() - 2 * 86_400
    os.utime(default_storage.path(name), (long_ago, long_ago))

    assert delete_stray_originals(timezone.now()) == 0

    assert default_storage.exists(name)


def test_snapshots_of_spaces_that_are_not_there_go(team: Space) -> None:
    model = EmbeddingModel.objects.create(provider="local", name="m", dimensions=3)
    strange, ours = path_for(Space(identity="0" * 16), model, 1, 1), path_for(team, model, 1, 1)
    strange.touch()
    ours.touch()

    assert jobs.purge() == "Deleted 1 snapshots of other databases."

    assert list(Path(settings.SNAPSHOT_DIR).iterdir()) == [ours]


def test_codes_links_and_sessions_that_have_run_out_go(member: User) -> None:
    now = timezone.now()
    for number, at in enumerate((now - timedelta(hours=1), now + timedelta(minutes=5))):
        LinkCode.objects.create(
            sha256=str(number), workspace=home(), user=member, name="x", expires_at=at
        )
        SignInToken.objects.create(sha256=str(number), user=member, expires_at=at)
        Session.objects.create(session_key=str(number), session_data="", expire_date=at)
        CodeTry.objects.filter(pk=CodeTry.objects.create(user=member).pk).update(at=at)

    jobs.purge()

    for model in (LinkCode, SignInToken, Session, CodeTry):
        assert model._default_manager.count() == 1


def test_the_log_of_jobs_is_kept_for_two_weeks(db: None) -> None:
    now = timezone.now()
    job = DjangoJob.objects.create(id="purge", job_state=b"")
    for days in (15, 13):
        at = now - timedelta(days=days)
        Slot.objects.create(job="purge", at=at, state=SlotState.DONE, ended_at=at)
        DjangoJobExecution.objects.create(job=job, run_time=at, status="Executed")

    assert jobs.purge() == "Deleted 1 runs of jobs, 1 lines of the jobs' log."


def test_a_slot_that_is_still_present_stays_however_long_ago_it_was(
    db: None, settings: pytest.FixtureRequest
) -> None:
    settings.CLEAN_HISTORY_INTERVAL = 300 * 86_400  # type: ignore[attr-defined]
    job, now = JOBS["clean_history"], timezone.now()
    done = Slot(job=job.name, at=job.slot_at(now), state=SlotState.DONE)
    done.ended_at = now - timedelta(days=100)
    done.save()

    jobs.purge()

    assert slots.claim(job, now) is None


def test_what_is_being_added_loses_nothing(team: Space) -> None:
    added = add_document(team, "a.txt", b"Lunch is at noon.")

    jobs.purge()

    assert finish(added.version).state == "ready"
