"""What maintenance did and has to do: slots of jobs, and who of several schedulers acts."""

from datetime import timedelta

from django.db import models
from django.db.models import Q

from backend.accounts.models import User, Workspace


class SlotState(models.TextChoices):
    RECEIVED = "received", "waiting"
    CLAIMED = "claimed", "running"
    DONE = "done", "done"
    FAILED = "failed", "given up"


OPEN = (SlotState.RECEIVED, SlotState.CLAIMED)


class Slot(models.Model):
    """A time at which a job was due, and the queue row of running it (backend/db.py).

    A job has one open slot at a time: what becomes due meanwhile is not added up.
    """

    job = models.CharField(max_length=40)
    # When it was due, or asked for.
    at = models.DateTimeField()
    # Who asked for it; None where its time had come.
    asked_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")

    state = models.CharField(max_length=10, choices=SlotState.choices, default=SlotState.RECEIVED)
    lease_until = models.DateTimeField(null=True)
    token = models.CharField(max_length=32, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    # Why the last attempt failed.
    reason = models.TextField(blank=True)

    began_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    # What it did, in one sentence.
    did = models.TextField(blank=True)
    # Of one that was given up: admins were told, or know already.
    told = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["job", "at"], name="one_run_a_slot"),
            models.UniqueConstraint(
                fields=["job"], condition=Q(state__in=OPEN), name="one_open_slot_a_job"
            ),
        ]
        indexes = [
            models.Index(fields=["ended_at"]),
            models.Index(
                fields=["at"], condition=Q(state=SlotState.FAILED, told=False), name="to_be_told"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.job} of {self.at:%Y-%m-%d %H:%M:%S}"

    @property
    def duration(self) -> timedelta | None:
        """How long the last attempt took; None until it has ended."""
        if self.began_at is None or self.ended_at is None:
            return None
        return self.ended_at - self.began_at


class Lead(models.Model):
    """The one row that says which scheduler acts: whoever holds its lease."""

    state = models.CharField(max_length=10, choices=SlotState.choices, default=SlotState.RECEIVED)
    lease_until = models.DateTimeField(null=True)
    token = models.CharField(max_length=32, blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="only_one_leads")]

    def __str__(self) -> str:
        return "the lead"


class NoticeKind(models.TextChoices):
    FAILURE = "failure"
    DIGEST = "digest"


class Notice(models.Model):
    """Something that the admins of a workspace are told once. What it says is made for each reader
    when they read it, so it holds no copy of what may be deleted meanwhile."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE)
    kind = models.CharField(max_length=10, choices=NoticeKind.choices)
    at = models.DateTimeField(auto_now_add=True)
    # Of a failure.
    slot = models.OneToOneField(Slot, null=True, on_delete=models.CASCADE)
    # Of a digest: what it is about.
    begins = models.DateTimeField(null=True)
    ends = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "ends"],
                condition=Q(kind=NoticeKind.DIGEST),
                name="one_digest_a_time",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.at:%Y-%m-%d %H:%M}"
