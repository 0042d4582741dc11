"""How the jobs stand, as people are told."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from backend import db
from backend.jobs import leading, slots
from backend.jobs.models import Lead, Slot, SlotState
from backend.jobs.registry import JOBS
from backend.jobs.status import Status, somebody_acts, statuses
from backend.jobs.wording import brief, outcome, span

PURGE = JOBS["purge"]


@pytest.fixture(autouse=True)
def hourly(db: None, settings: Settings) -> None:
    settings.PURGE_INTERVAL = 3600


def purge() -> Status:
    (status,) = [status for status in statuses() if status.job == "purge"]
    return status


def ended(hours_ago: float, state: str = SlotState.DONE, **fields: str) -> Slot:
    """A run that took ten seconds."""
    at = timezone.now() - timedelta(hours=hours_ago)
    return Slot.objects.create(
        job="purge",
        at=at,
        state=state,
        began_at=at - timedelta(seconds=10),
        ended_at=at,
        **fields,
    )


def test_every_job_is_told_of_though_none_has_run() -> None:
    assert [status.job for status in statuses()] == list(JOBS)
    assert outcome(purge()) == "has not run yet. Next in a moment."
    assert brief(purge()) == "has not run yet."
    assert not purge().late


def test_what_a_job_did_when_and_how_long_it_took() -> None:
    ended(4, did="Deleted nothing.")
    ended(2.01, did="Deleted it.")

    status = purge()

    assert outcome(status).startswith("Deleted it. That was 2 hours ago and took 10 seconds.")
    assert brief(status) == "Deleted it."
    assert status.last is not None and status.last.duration == timedelta(seconds=10)


def test_the_next_run_is_at_the_next_slot_once_the_present_one_is_done() -> None:
    slot = slots.claim(PURGE, db.clock())
    assert slot is not None
    assert purge().is_running and purge().next_at is None
    assert outcome(purge()) == "is running."

    slots.finish(slot, "Done.")

    assert purge().next_at == slot.at + timedelta(hours=1)


def test_why_a_job_failed_and_when_it_is_tried_again() -> None:
    slot = slots.claim(PURGE, db.clock())
    assert slot is not None
    slots.give_back(slot, "the disk is full")
    assert outcome(purge()).startswith("failed. The disk is full. Next in ")
    assert brief(purge()) == "failed. The disk is full."

    Slot.objects.update(state=SlotState.FAILED, reason="Given up: the disk is full.")

    assert outcome(purge()).startswith("failed less than a second ago. Given up: the disk is full.")


@pytest.mark.parametrize(("hours", "late"), [(2, False), (2.1, False), (2.5, True)])
def test_a_job_is_late_when_it_missed_two_intervals(hours: float, late: bool) -> None:
    ended(hours)
    ended(0.1, SlotState.FAILED)

    assert purge().late == late
    assert ("It is late" in outcome(purge())) == late


def test_a_job_that_never_succeeded_is_late_from_its_first_slot_on() -> None:
    ended(9, SlotState.FAILED)
    ended(0.1, SlotState.FAILED)

    assert purge().late


def test_whether_a_scheduler_runs() -> None:
    assert not somebody_acts()
    leading.take_lead()
    assert somebody_acts()
    Lead.objects.update(lease_until=db.from_now(timedelta(seconds=-1)))
    assert not somebody_acts()


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0.4, "less than a second"),
        (-5, "less than a second"),
        (1, "1 second"),
        (119, "1 minute"),
        (7_300, "2 hours"),
        (86_400 * 40, "40 days"),
    ],
)
def test_spans_are_told_by_their_largest_unit(seconds: float, told: str) -> None:
    assert span(timedelta(seconds=seconds)) == told
