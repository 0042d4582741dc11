"""The scheduler: runs the jobs that maintain the store, each at its time."""

import signal
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from backend import db
from backend.jobs import slots
from backend.jobs.models import Slot, SlotState
from backend.jobs.registry import JOBS
from management import job_process, scheduler, wording
from management.errors import JobFailed


class Command(BaseCommand):
    help = "Run the maintenance jobs, each at its time, until stopped; or one of them now."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", metavar="JOB", choices=sorted(JOBS), help="run it now")

    def handle(self, *, once: str | None, **options: Any) -> None:
        if once is None:
            scheduler.run()
        else:
            self.stdout.write(_run_now(once))


@contextmanager
def _ending_after(limit: timedelta) -> Iterator[None]:
    """What takes longer fails."""

    def end(*_: object) -> None:
        raise JobFailed(wording.TOOK_LONGER.format(limit=limit))

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, limit.total_seconds())
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _run_now(name: str) -> str:
    slots.ask_for(JOBS[name])
    slot = db.claim(Slot.objects.filter(job=name), slots.LEASE)
    if slot is None:
        raise CommandError(f"{name} is running already.")
    with _ending_after(JOBS[name].limit):
        job_process.run(slot)
    slot.refresh_from_db()
    if slot.state != SlotState.DONE:
        raise CommandError(f"{name} failed: {slot.reason}")
    return slot.did
