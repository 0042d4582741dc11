"""The long campaigns of promises 21 to 23, for `make soak`."""

import os
import random
import signal
import sqlite3
import time
from pathlib import Path

import pytest

from tests.management.schedulers import Schedulers

pytestmark = pytest.mark.soak
SLOTS, FAULTS = 1_000, 100


def job_processes(scheduler: int) -> list[int]:
    """The processes of jobs that are children of this scheduler's fork server."""
    servers = _children(scheduler)
    return [job for server in servers for job in _children(server)]


def _children(pid: int) -> list[int]:
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [int(child) for child in listed.split()]


def test_each_of_a_thousand_slots_takes_effect_once_whatever_is_killed(
    schedulers: Schedulers,
) -> None:
    chosen, jobs = random.Random(1), [f"count_{number}" for number in range(4)]
    order = {"intervals": dict.fromkeys(jobs, 0.5), "limits": dict.fromkeys(jobs, 10)}
    running = [schedulers.start(**order) for _ in range(3)]
    kills = {"schedulers": 0, "jobs": 0}
    done = 0
    while done < SLOTS:
        more = done + chosen.randrange(1, 12)
        schedulers.wait(lambda: sum(map(schedulers.done, jobs)) >= more, 120)  # noqa: B023
        done = sum(map(schedulers.done, jobs))
        if chosen.random() < 0.5:
            schedulers.kill(running.pop(chosen.randrange(3)))
            running.append(schedulers.start(**order))
            kills["schedulers"] += 1
        else:
            for job in job_processes(chosen.choice(running).pid)[:1]:
                os.kill(job, signal.SIGKILL)
                kills["jobs"] += 1
    for process in running:
        schedulers.stop(process)
    time.sleep(1)  # runs that outlive their scheduler

    done, effects = sum(map(schedulers.done, jobs)), schedulers.effects()
    ended, begun = schedulers.calls("ended"), schedulers.calls("begun")
    again = sum(count > 1 for count in begun.values())
    failed = schedulers.one("SELECT COUNT(*) FROM jobs_slot WHERE state='failed'")
    print(
        f"\n{done} slots done, {effects} effects, {failed} given up; {kills['schedulers']} "
        f"schedulers and {kills['jobs']} jobs were killed; {again} slots were begun again after a "
        f"kill, {sum(count > 1 for count in ended.values())} came to their end twice"
    )
    unfinished = schedulers.one(
        "SELECT COUNT(*) FROM knowledge_space WHERE key LIKE 'effect:%' AND "
        "CAST(substr(key, 8) AS INTEGER) NOT IN (SELECT id FROM jobs_slot WHERE state='done')"
    )
    assert effects - unfinished == done >= SLOTS
    assert again <= kills["schedulers"] + kills["jobs"]


def test_a_hundred_locks_and_restarts_leave_none_dead(schedulers: Schedulers) -> None:
    chosen, order = random.Random(2), {"intervals": {"count": 0.3}}
    process = schedulers.start(**order)
    slowest, ended = 0.0, 0
    for number in range(FAULTS):
        if number % 2:
            with_lock(schedulers, chosen.uniform(0.1, 4.0))
        else:
            schedulers.kill(process)
            process = schedulers.start(**order)
        done, began = schedulers.done(), time.monotonic()
        while schedulers.done() <= done + 1:
            if process.poll() is not None:  # it ended by itself, and not in silence
                assert process.returncode != 0
                schedulers.running.remove(process)
                process, ended = schedulers.start(**order), ended + 1
            assert time.monotonic() - began < 60, schedulers.log()[-3000:]
            time.sleep(0.05)
        slowest = max(slowest, time.monotonic() - began)
    print(f"\n{FAULTS} faults, {ended} ended with an error; slots went on within {slowest:.1f} s")


def with_lock(schedulers: Schedulers, seconds: float) -> None:
    lock = sqlite3.connect(schedulers.folder / "askwell.sqlite3", isolation_level=None, timeout=20)
    lock.execute("BEGIN IMMEDIATE")
    time.sleep(seconds)
    lock.execute("COMMIT")
    lock.close()


def test_with_real_times_another_takes_over_within_a_minute(schedulers: Schedulers) -> None:
    order = {"intervals": {"count": 2}, "real": True}
    first = schedulers.start(**order)
    schedulers.wait(lambda: schedulers.done() >= 1, 60)
    schedulers.start(**order)
    time.sleep(3)

    schedulers.kill(first)
    killed, done = time.monotonic(), schedulers.done()
    schedulers.wait(lambda: schedulers.done() > done + 1, 60)

    print(f"\nthe other acts {time.monotonic() - killed:.1f} s after the kill")
    assert set(schedulers.calls("ended").values()) == {1}
