"""Which of several schedulers acts. The lead spares the others the work; what keeps a slot from
being run twice is the slot's own claim."""

from datetime import timedelta

from backend import db
from backend.jobs.models import Lead, SlotState

# Another scheduler acts so long after the last sign of life, and a look later.
LEASE = timedelta(seconds=20)


def take_lead() -> Lead | None:
    """The lead, if nobody has it."""
    if not Lead.objects.exists():
        Lead.objects.bulk_create([Lead(pk=1)], ignore_conflicts=True)
    if not Lead.objects.filter(db.is_free()).exists():  # looking takes no write lock
        return None
    return db.take(Lead.objects.all(), LEASE)


def hand_over(lead: Lead) -> None:
    """Another may act at once."""
    db.finish(lead, SlotState.RECEIVED)
