"""What admins are told on maintenance's own behalf: once, and each what they may read."""

from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from backend.accounts.models import User, Workspace
from backend.accounts.spaces import home
from backend.jobs import digests, wording
from backend.jobs.models import Notice, NoticeKind, Slot, SlotState
from backend.jobs.registry import Job

# Who can't be reached for so long is told no more.
FRESH = timedelta(days=7)


def tell_of_failures() -> int:
    """Have admins told of jobs that were given up; once until the job succeeds again. How many."""
    count = 0
    for slot in Slot.objects.filter(state=SlotState.FAILED, told=False).order_by("at"):
        before = Slot.objects.filter(job=slot.job, at__lt=slot.at).order_by("-at").first()
        with transaction.atomic():
            ours = Slot.objects.filter(pk=slot.pk, told=False).update(told=True)
            if ours and (before is None or before.state != SlotState.FAILED):
                Notice.objects.create(workspace=home(), kind=NoticeKind.FAILURE, slot=slot)
                count += 1
    return count


def tell_digest(workspace: Workspace, job: Job) -> bool:
    """Have the workspace's admins told of the interval before the job's present slot. Safe to
    repeat; False where nothing happened in it."""
    ends = job.slot_at(timezone.now())
    begins = ends - job.interval
    if not digests.has_news(workspace, begins, ends):
        return False
    notice = Notice(workspace=workspace, kind=NoticeKind.DIGEST, begins=begins, ends=ends)
    Notice.objects.bulk_create([notice], ignore_conflicts=True)
    return True


def fresh() -> QuerySet[Notice]:
    """What admins may not have been told yet."""
    return Notice.objects.filter(at__gt=timezone.now() - FRESH).order_by("pk")


def text_for(notice: Notice, user: User) -> str:
    """What the notice says to this admin, in Markdown."""
    if notice.slot is not None:
        return wording.GIVEN_UP.format(job=notice.slot.job, reason=notice.slot.reason)
    assert notice.begins is not None and notice.ends is not None
    return digests.digest(notice.workspace, user, notice.begins, notice.ends)
