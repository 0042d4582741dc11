"""How each job stands: for the chat, the page and `doctor`."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Max

from backend import db
from backend.jobs.models import OPEN, Lead, Slot, SlotState
from backend.jobs.registry import JOBS, Job

# A job is late when it has not succeeded for so much longer than two of its intervals.
GRACE = timedelta(minutes=10)


@dataclass(frozen=True)
class Status:
    """`last` ended, however it did; `at_work` is its open slot. `next_at` is None while it runs."""

    job: str
    now: datetime
    last: Slot | None
    at_work: Slot | None
    next_at: datetime | None
    late: bool

    @property
    def is_running(self) -> bool:
        return self.at_work is not None and self.at_work.state == SlotState.CLAIMED

    @property
    def problem(self) -> str:
        """Why the last attempt failed; empty where it didn't."""
        shown = self.at_work if self.at_work is not None and self.at_work.reason else self.last
        return shown.reason if shown is not None else ""

    @property
    def ago(self) -> timedelta | None:
        """How long ago the last run ended."""
        return self.now - self.last.ended_at if self.last and self.last.ended_at else None


def statuses() -> list[Status]:
    """Every job, in the order in which they are registered."""
    now = db.clock()
    open_slots = {slot.job: slot for slot in Slot.objects.filter(state__in=OPEN)}
    ended = Slot.objects.exclude(state__in=OPEN)
    succeeded = dict(
        ended.filter(state=SlotState.DONE).values_list("job").annotate(Max("ended_at"))
    )
    return [
        Status(
            name,
            now,
            ended.filter(job=name).order_by("-at").first(),
            open_slots.get(name),
            _next_at(job, now, open_slots.get(name)),
            _is_late(job, now, succeeded.get(name)),
        )
        for name, job in JOBS.items()
    ]


def somebody_acts() -> bool:
    """Whether a scheduler runs."""
    return Lead.objects.filter(state=SlotState.CLAIMED).exclude(db.is_free()).exists()


def _next_at(job: Job, now: datetime, at_work: Slot | None) -> datetime | None:
    if at_work is None:
        begun = Slot.objects.filter(job=job.name, at=job.slot_at(now)).exists()
        return job.slot_at(now) + job.interval if begun else now
    return None if at_work.state == SlotState.CLAIMED else at_work.lease_until or now


def _is_late(job: Job, now: datetime, succeeded: datetime | None) -> bool:
    """One that has never succeeded counts from its first slot."""
    first = Slot.objects.filter(job=job.name).order_by("at").values_list("at", flat=True).first()
    since = succeeded or first
    return since is not None and now - since > 2 * job.interval + GRACE
