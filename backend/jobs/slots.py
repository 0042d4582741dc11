"""The queue of slots: what is due, who runs it, and how that ended.

Everything is one conditional INSERT or UPDATE whose outcome the database decides, so it does not
matter how many schedulers there are, or whether one believes that it still leads.
"""

from datetime import datetime, timedelta

from django.db.models.functions import Now
from django.utils import timezone

from backend import db
from backend.accounts.models import User
from backend.jobs.models import OPEN, Slot, SlotState
from backend.jobs.registry import JOBS, Job

LEASE = timedelta(seconds=20)
# Before the second attempt; four times as long before each further one.
WAIT = timedelta(seconds=10)


def due(now: datetime, grace: timedelta = timedelta(0)) -> list[str]:
    """The jobs of which a slot waits to be run: asked for, to be tried again, or begun at least
    `grace` ago, or half an interval where that is less. Takes no write lock."""
    open_now = set(Slot.objects.filter(state__in=OPEN).values_list("job", flat=True))
    waiting = set(Slot.objects.filter(db.claimable()).values_list("job", flat=True))
    slots = {
        (job.name, at)
        for job in JOBS.values()
        if now - (at := job.slot_at(now)) >= min(grace, job.interval / 2)
    }
    known = Slot.objects.filter(at__in={at for _, at in slots}).values_list("job", "at")
    missing = {name for name, _ in slots - set(known)} - open_now
    return [name for name in JOBS if name in waiting | missing]


def claim(job: Job, now: datetime) -> Slot | None:
    """The job's slot that is due, claimed; None where there is none or another has it.

    However many slots were missed, only the present one is made; and none while one is open.
    """
    Slot.objects.bulk_create([Slot(job=job.name, at=job.slot_at(now))], ignore_conflicts=True)
    return db.claim(Slot.objects.filter(job=job.name), LEASE)


def ask_for(job: Job, user: User | None = None) -> bool:
    """Let the job be run now, out of its turn; False where it is running at this moment."""
    slot = Slot(job=job.name, at=timezone.now(), asked_by=user)
    Slot.objects.bulk_create([slot], ignore_conflicts=True)
    waiting = Slot.objects.filter(job=job.name, state=SlotState.RECEIVED)
    return bool(waiting.update(lease_until=None))


def begin(slot: Slot) -> bool:
    """The attempt begins, with a whole lease; False where another has taken the slot over."""
    return db.renew(slot, LEASE, began_at=Now(), ended_at=None)


def finish(slot: Slot, did: str) -> bool:
    """The job's function has returned; False where another has taken the slot over."""
    return db.finish(slot, SlotState.DONE, did=did, reason="", ended_at=Now())


def give_back(slot: Slot, reason: str) -> bool:
    """The attempt failed; the next one comes after a while, and after the last one none."""
    return db.release(slot, reason, WAIT * int(4 ** (slot.attempts - 1)), ended_at=Now())


def set_aside() -> int:
    """Give up on slots whose last attempt nobody saw the end of; how many."""
    return db.set_aside_exhausted(Slot.objects.all(), ended_at=Now())
