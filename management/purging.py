"""What `purge` deletes."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.contrib.sessions.models import Session
from django.db.models import QuerySet
from django_apscheduler.models import DjangoJobExecution

from backend.accounts.linking import LIFETIME
from backend.accounts.models import CodeTry, LinkCode, SignInToken
from backend.jobs.models import OPEN, Slot
from backend.jobs.registry import JOBS
from knowledge import batches, leftovers
from knowledge.index import snapshot_files

# So long the log of what jobs did is kept.
LOG = timedelta(days=14)


def purge(now: datetime) -> Iterator[tuple[str, int]]:
    """Delete what nobody needs, in batches; what, and how many of it."""
    yield "replaced passages", batches.delete_in_batches(leftovers.replaced_chunks())
    yield "stray originals", leftovers.delete_stray_originals(now)
    yield "snapshots of other databases", snapshot_files.delete_strangers()
    for what, rows in _expired(now).items():
        yield what, batches.delete_in_batches(rows)


def _expired(now: datetime) -> dict[str, QuerySet]:
    old_runs = DjangoJobExecution.objects.filter(run_time__lt=now - LOG)
    return {
        "link codes": LinkCode.objects.filter(expires_at__lte=now),
        "tries of link codes": CodeTry.objects.filter(at__lte=now - LIFETIME),
        "sign-in links": SignInToken.objects.filter(expires_at__lte=now),
        "sessions": Session.objects.filter(expire_date__lte=now),
        "runs of jobs": _old_slots(now),
        "lines of the jobs' log": old_runs,
    }


def _old_slots(now: datetime) -> QuerySet[Slot]:
    """Those of the present slots stay: without them they would be due again."""
    old = Slot.objects.filter(ended_at__lt=now - LOG).exclude(state__in=OPEN)
    for job in JOBS.values():
        old = old.exclude(job=job.name, at__gte=job.slot_at(now))
    return old
