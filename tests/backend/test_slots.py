"""Which slots of a job are due, and who gets them."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from pytest_django import Settings

from backend import db
from backend.accounts.models import User
from backend.jobs import leading, slots
from backend.jobs.models import Lead, Slot, SlotState
from backend.jobs.registry import JOBS

HOUR = timedelta(hours=1)
NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
PURGE = JOBS["purge"]


@pytest.fixture(autouse=True)
def hourly(db: None, settings: Settings) -> None:
    settings.PURGE_INTERVAL = 3600


def run(now: datetime) -> datetime | None:
    """When the slot was due that is claimed and done now; None where there is none."""
    slot = slots.claim(PURGE, now)
    if slot is None:
        return None
    assert slots.finish(slot, "Done.")
    return slot.at


def test_a_slot_begins_at_each_whole_interval_and_its_offset() -> None:
    assert PURGE.slot_at(NOON) == NOON
    assert PURGE.slot_at(NOON + HOUR - timedelta(seconds=1)) == NOON
    assert JOBS["clean_history"].slot_at(NOON) == NOON.replace(hour=3)
    before = NOON.replace(hour=2)
    assert JOBS["clean_history"].slot_at(before) == before.replace(hour=3) - timedelta(days=1)


def test_a_slot_is_run_once() -> None:
    assert run(NOON + timedelta(minutes=5)) == NOON
    assert run(NOON + timedelta(minutes=6)) is None
    assert run(NOON + HOUR) == NOON + HOUR


def test_however_many_slots_were_missed_one_run_catches_up() -> None:
    run(NOON)

    assert run(NOON + 50 * HOUR) == NOON + 50 * HOUR
    assert run(NOON + 50 * HOUR) is None
    assert Slot.objects.count() == 2


def test_a_clock_that_jumps_back_runs_nothing_twice() -> None:
    ran = [run(NOON + number * HOUR) for number in range(5)]

    again = [run(NOON + number * HOUR + timedelta(minutes=1)) for number in range(5)]

    assert None not in ran and set(again) == {None}


def test_a_clock_that_jumped_ahead_and_back_holds_up_nothing() -> None:
    run(NOON + timedelta(days=3650))

    assert run(NOON) == NOON


def test_while_a_slot_is_open_none_is_added() -> None:
    first = slots.claim(PURGE, NOON)

    assert slots.claim(PURGE, NOON + 3 * HOUR) is None
    assert first is not None and slots.finish(first, "Done.")
    assert run(NOON + 3 * HOUR) == NOON + 3 * HOUR


def test_due_is_what_begins_waits_or_was_asked_for() -> None:
    others = (job for job in JOBS.values() if job is not PURGE)
    Slot.objects.bulk_create(
        Slot(job=job.name, at=job.slot_at(NOON), state=SlotState.DONE) for job in others
    )
    assert slots.due(NOON) == ["purge"]
    assert slots.due(NOON, timedelta(seconds=1)) == []

    slot = slots.claim(PURGE, NOON)

    assert slots.due(NOON) == []
    assert slot is not None and slots.give_back(slot, "no luck")
    assert slots.due(NOON) == []  # it waits ten seconds
    assert slots.ask_for(PURGE)
    assert slots.due(NOON) == ["purge"]


def test_a_job_that_is_due_more_often_than_the_grace_is_due_after_half_its_interval(
    settings: Settings,
) -> None:
    settings.PURGE_INTERVAL = 3
    grace = timedelta(seconds=4)

    assert "purge" not in slots.due(NOON + timedelta(seconds=1), grace)
    assert "purge" in slots.due(NOON + timedelta(seconds=2), grace)


def test_looking_for_what_is_due_takes_no_write_lock() -> None:
    with connection.execute_wrapper(only_reads):
        slots.due(NOON)
        slots.set_aside()


def only_reads(execute, sql, params, many, context):  # type: ignore[no-untyped-def]
    assert sql.startswith("SELECT"), sql
    return execute(sql, params, many, context)


def test_a_job_that_was_asked_for_runs_once_more(member: User) -> None:
    run(NOON)

    assert slots.ask_for(PURGE, member) and slots.ask_for(PURGE, member)

    slot = slots.claim(PURGE, NOON)
    assert slot is not None and slot.asked_by == member
    assert not slots.ask_for(PURGE, member)  # it runs already
    slots.finish(slot, "Done.")
    assert run(NOON) is None


def test_whoever_was_taken_over_finishes_nothing() -> None:
    first = slots.claim(PURGE, NOON)
    Slot.objects.update(lease_until=db.from_now(timedelta(seconds=-1)))
    second = slots.claim(PURGE, NOON)
    assert first is not None and second is not None

    assert not slots.finish(first, "Too late.")
    assert slots.finish(second, "Done.")
    assert Slot.objects.get().did == "Done."


def test_whoever_was_taken_over_before_it_began_begins_nothing() -> None:
    first = slots.claim(PURGE, NOON)
    Slot.objects.update(lease_until=db.from_now(timedelta(seconds=-1)))
    second = slots.claim(PURGE, NOON)
    assert first is not None and second is not None

    assert not slots.begin(first)
    assert slots.begin(second)


def test_a_run_that_begins_late_has_a_whole_lease() -> None:
    slot = slots.claim(PURGE, NOON)
    Slot.objects.update(lease_until=db.from_now(timedelta(seconds=1)))
    assert slot is not None and slots.begin(slot)

    slot.refresh_from_db()
    assert slot.lease_until is not None
    assert slot.lease_until - db.clock() > slots.LEASE - timedelta(seconds=5)


def test_attempts_come_ever_later_and_end_after_five() -> None:
    waits = []
    for _ in range(5):
        slot = slots.claim(PURGE, NOON)
        assert slot is not None and slots.give_back(slot, "no luck")
        slot.refresh_from_db()
        if slot.lease_until:
            waits.append((slot.lease_until - db.clock()).total_seconds())
        Slot.objects.filter(state=SlotState.RECEIVED).update(lease_until=None)

    assert [round(wait) for wait in waits] == [10, 40, 160, 640]
    assert Slot.objects.get().state == SlotState.FAILED
    assert run(NOON) is None
    assert run(NOON + HOUR) == NOON + HOUR


def test_the_last_attempt_that_nobody_ended_is_given_up() -> None:
    slots.claim(PURGE, NOON)
    Slot.objects.update(attempts=5, lease_until=db.from_now(timedelta(seconds=-1)))

    assert slots.set_aside() == 1
    assert Slot.objects.get().ended_at is not None


def test_one_leads_until_its_lease_runs_out_or_it_hands_over() -> None:
    first = leading.take_lead()
    assert first is not None and leading.take_lead() is None

    Lead.objects.update(lease_until=db.from_now(timedelta(seconds=-1)))
    second = leading.take_lead()
    assert second is not None

    leading.hand_over(first)  # which has it no more
    assert leading.take_lead() is None
    leading.hand_over(second)
    assert leading.take_lead() is not None


def test_the_lead_changes_hands_more_often_than_a_row_has_attempts() -> None:
    for _ in range(20):
        lead = leading.take_lead()
        assert lead is not None
        leading.hand_over(lead)
