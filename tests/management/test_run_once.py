"""`run_scheduler --once JOB`, in this process."""

import time
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from backend.jobs.models import Slot, SlotState
from backend.jobs.registry import JOBS, Job

pytestmark = pytest.mark.django_db(transaction=True)


def endless() -> str:
    time.sleep(60)
    return "Slept."


def test_a_job_that_is_run_once_is_ended_at_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    job = Job("purge", f"{__name__}.endless", limit=timedelta(seconds=0.2))
    monkeypatch.setitem(JOBS, "purge", job)
    with pytest.raises(CommandError, match=r"purge failed: .*it took longer than 0:00:00\.2"):
        call_command("run_scheduler", once="purge")
    slot = Slot.objects.get()
    assert (slot.state, slot.attempts) == (SlotState.RECEIVED, 1)
