"""Schedulers in processes of their own: a slot takes effect once (promise 21), missed slots catch
up (promise 22), and none dies silently (promise 23)."""

import pickle
import sqlite3
import time

import pytest

from tests.management.schedulers import Schedulers

DAY = 86_400
FAILED = "SELECT attempts, reason FROM jobs_slot WHERE job=? AND state='failed'"


def test_one_of_two_schedulers_acts_and_the_other_takes_over_when_it_is_killed(
    schedulers: Schedulers,
) -> None:
    first = schedulers.start(intervals={"count": 0.5})
    schedulers.wait(lambda: schedulers.done() >= 2)
    second = schedulers.start(intervals={"count": 0.5})
    schedulers.wait(lambda: schedulers.done() >= 4)
    assert schedulers.log().count("The scheduler acts") == 1

    schedulers.kill(first)
    done = schedulers.done()

    schedulers.wait(lambda: schedulers.done() >= done + 3)
    assert schedulers.log().count("The scheduler acts") == 2
    schedulers.stop(second)
    assert schedulers.effects() == schedulers.done()
    assert set(schedulers.calls("ended").values()) == {1}


def test_a_scheduler_that_is_stopped_hands_over_at_once(schedulers: Schedulers) -> None:
    first = schedulers.start(intervals={"count": 0.5}, lease=60)
    schedulers.wait(lambda: schedulers.done() >= 1)
    schedulers.start(intervals={"count": 0.5}, lease=60)

    assert schedulers.stop(first) == 0
    done = schedulers.done()

    schedulers.wait(lambda: schedulers.done() > done, 30)


def test_missed_slots_are_one_run_at_the_start(schedulers: Schedulers) -> None:
    schedulers.rows(
        "INSERT INTO jobs_slot (job, at, state, token, attempts, reason, did, told, ended_at) "
        "VALUES ('count', datetime('now', '-10 days'), 'done', '', 1, '', '', 0, datetime('now'))"
    )

    schedulers.start(intervals={"count": DAY, "count_often": 0.3})

    schedulers.wait(lambda: schedulers.done("count_often") >= 4)
    assert schedulers.done("count") == 2


def test_jobs_that_hang_raise_or_die_are_set_aside_after_five_attempts_and_hold_up_no_other(
    schedulers: Schedulers,
) -> None:
    fails = {"hang": "it took longer than 0:00:01", "broken": "unexpected RuntimeError"}
    fails["die"] = "its process ended with -9"
    schedulers.start(
        intervals=dict.fromkeys(fails, DAY) | {"count": 0.3}, limits=dict.fromkeys(fails, 1)
    )

    schedulers.wait(lambda: all(schedulers.rows(FAILED, job) for job in fails), 60)

    for job, why in fails.items():
        assert schedulers.one(FAILED, job) == (5, f"Given up after 5 attempts: {why}")
    before = schedulers.done()
    assert before >= 2
    schedulers.wait(lambda: schedulers.done() > before)


def test_a_stop_breaks_off_a_job_that_ignores_it_without_counting_the_attempt(
    schedulers: Schedulers,
) -> None:
    process = schedulers.start(intervals={"hang": DAY})
    slot = "SELECT state, attempts, began_at IS NOT NULL FROM jobs_slot"
    schedulers.wait(lambda: schedulers.rows(slot) == [("claimed", 1, 1)])
    time.sleep(0.5)  # until it ignores signals

    assert schedulers.stop(process) == 0

    assert schedulers.rows(slot) == [("received", 0, 1)]


def test_a_locked_database_ends_nothing(schedulers: Schedulers) -> None:
    process = schedulers.start(intervals={"count": 0.3})
    schedulers.wait(lambda: schedulers.done() >= 1)
    for _ in range(2):
        lock = sqlite3.connect(schedulers.folder / "askwell.sqlite3", isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        told = schedulers.log().count("locked")
        schedulers.wait(lambda told=told: schedulers.log().count("locked") > told + 1)  # type: ignore[misc]
        lock.execute("COMMIT")
        lock.close()
        done = schedulers.done()

        schedulers.wait(lambda done=done: schedulers.done() > done + 1)  # type: ignore[misc]

    assert process.poll() is None


def test_a_scheduler_that_hangs_ends_with_an_error(schedulers: Schedulers) -> None:
    process = schedulers.start(intervals={"count": 0.3}, hang=True)

    assert process.wait(60) == 1
    assert "Timeout" in schedulers.log()


def test_rows_that_no_longer_unpickle_or_are_unknown_make_no_difference(
    schedulers: Schedulers,
) -> None:
    insert = "INSERT INTO django_apscheduler_djangojob VALUES (?, datetime('now'), ?)"
    gone = pickle.dumps({"func": "no.such.module:function"})
    schedulers.rows(insert, "count", b"\x80garbage")
    schedulers.rows(insert, "was_a_job_once", gone)

    schedulers.start(intervals={"count": 0.3})

    schedulers.wait(lambda: schedulers.done() >= 2)
    assert schedulers.rows("SELECT id FROM django_apscheduler_djangojob") == [("count",)]


def test_a_row_that_is_damaged_meanwhile_stops_no_job_however_often_it_runs(
    schedulers: Schedulers,
) -> None:
    schedulers.start(intervals={"count": 1}, grace=4)
    schedulers.wait(lambda: schedulers.done() >= 2)
    schedulers.rows("UPDATE django_apscheduler_djangojob SET job_state=?", b"\x80garbage")
    before = schedulers.done()

    schedulers.wait(lambda: schedulers.done() >= before + 3, 30)


def test_a_run_is_written_into_the_log_of_the_admin(schedulers: Schedulers) -> None:
    schedulers.start(intervals={"count": DAY, "broken": DAY})
    log = "SELECT job_id, status, exception FROM django_apscheduler_djangojobexecution"
    failed = ("broken", "Error!", "The job failed: unexpected RuntimeError")

    schedulers.wait(lambda: {("count", "Executed", None), failed} <= set(schedulers.rows(log)))

    assert "xyzzy" not in str(schedulers.rows(log))


@pytest.mark.parametrize("value", ["0", "-5", "soon"])
def test_an_interval_that_makes_no_sense_stops_the_start(
    schedulers: Schedulers, value: str
) -> None:
    assert schedulers.manage("run_scheduler", PURGE_INTERVAL=value) == 1
    assert "Askwell can't start: PURGE_INTERVAL" in schedulers.log()


def test_a_job_can_be_run_once(schedulers: Schedulers) -> None:
    assert schedulers.manage("run_scheduler", "--once", "purge") == 0
    assert schedulers.manage("run_scheduler", "--once", "purge") == 0
    assert schedulers.log().count("There was nothing to delete.") == 2
    assert schedulers.done("purge") == 2
