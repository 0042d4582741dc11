"""APScheduler: it starts each job at its time, and keeps the log that the Django admin shows.

What is due does not follow from its rows but from our slots: a start only claims the job's slot
and runs that. Its rows are written anew whenever a scheduler begins to act.
"""

import logging
import threading
from datetime import UTC, datetime

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from django.db import DatabaseError, close_old_connections
from django_apscheduler.jobstores import DjangoJobStore
from django_apscheduler.models import DjangoJob

from backend import db
from backend.jobs import slots
from backend.jobs.registry import JOBS
from management.errors import JobFailed
from management.running_jobs import running

logger = logging.getLogger(__name__)


class SlotTrigger(BaseTrigger):
    """The beginning of each of the job's slots."""

    def __init__(self, name: str) -> None:
        self.name = name

    def get_next_fire_time(
        self, previous_fire_time: datetime | None, now: datetime
    ) -> datetime | None:
        job = JOBS[self.name]
        return job.slot_at(now) + job.interval


class Ticker(BackgroundScheduler):
    """Its loop is a thread that a locked database may end; `is_over` tells."""

    def __init__(self) -> None:
        super().__init__(
            jobstores={"default": DjangoJobStore()},
            # A thread for each job: one that hangs holds up no other.
            executors={"default": ThreadPoolExecutor(len(JOBS))},
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
            timezone=UTC,
        )
        self._over = threading.Event()

    def _main_loop(self) -> None:
        try:
            super()._main_loop()
        except DatabaseError as error:
            logger.warning("APScheduler's loop has ended: %s", error)
        finally:
            self._over.set()

    @property
    def is_over(self) -> bool:
        return self._over.is_set()

    def begin(self) -> None:
        """Start, with the jobs as the code has them. What the rows held is never unpickled."""
        DjangoJob.objects.exclude(pk__in=JOBS).delete()
        for name in JOBS:
            self.add_job(
                run_due, SlotTrigger(name), args=[name], id=name, name=name, replace_existing=True
            )
        self.start()

    def start_now(self, name: str) -> None:
        """Start a job that missed its time, is to be tried again, or was asked for."""
        self.modify_job(name, next_run_time=datetime.now(UTC))

    def end(self) -> None:
        if self.running:
            self.shutdown(wait=False)


def run_due(name: str) -> None:
    """Run the job's slot that is due, to its end; nothing where another process has it.

    Raises JobFailed, for the log.
    """
    if name in running:  # started by a loop that has ended
        return
    close_old_connections()
    try:
        slot = slots.claim(JOBS[name], db.clock())
        if slot is not None and (problem := running.run(slot)):
            raise JobFailed(problem)
    finally:
        close_old_connections()
