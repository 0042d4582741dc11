"""A job for which there can be no process is tried again later, like one that fails."""

import multiprocessing.popen_forkserver  # noqa: F401  # which could not be opened any more
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from backend import db
from backend.jobs import slots
from backend.jobs.models import SlotState
from backend.jobs.registry import JOBS
from management.running_jobs import RunningJobs


@contextmanager
def no_more_files() -> Iterator[None]:
    """Nothing can be opened in this process."""
    free = os.dup(0)
    os.close(free)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.django_db
def test_where_no_process_can_be_started_the_slot_is_given_back_and_says_why() -> None:
    running = RunningJobs()
    slot = slots.claim(JOBS["purge"], db.clock())
    assert slot is not None
    with no_more_files():
        problem = running.run(slot)
    slot.refresh_from_db()
    assert (slot.state, slot.attempts) == (SlotState.RECEIVED, 1)
    assert slot.reason == problem
    assert problem == "no process could be started for it: Too many open files"
    assert slot.job not in running
    assert slot.lease_until is not None and slot.lease_until <= db.clock() + slots.WAIT
