"""Maintenance in the Django admin: to be looked at, and to be asked for."""

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django_apscheduler.admin import DjangoJobAdmin, DjangoJobExecutionAdmin
from django_apscheduler.models import DjangoJob, DjangoJobExecution

from backend.accounts.models import User
from backend.jobs import slots, wording
from backend.jobs.models import Slot
from backend.jobs.registry import JOBS
from backend.jobs.status import statuses


class ReadOnly:
    """What a scheduler wrote is not for people to change."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


admin.site.unregister([DjangoJob, DjangoJobExecution])


@admin.register(DjangoJob)
class JobAdmin(ReadOnly, DjangoJobAdmin):
    """Its own action would run the job in the web process."""

    list_display = ["id", "standing", "local_run_time", "average_duration"]
    exclude = ["job_state"]
    actions = ["run_now"]

    @admin.display(description="How it stands")
    def standing(self, job: DjangoJob) -> str:
        told = {status.job: wording.outcome(status) for status in statuses()}
        return told.get(job.pk, "")

    @admin.action(description="Run the selected jobs now")
    def run_now(self, request: HttpRequest, queryset: QuerySet[DjangoJob]) -> None:
        user = User.objects.get(pk=request.user.pk or 0)
        for name in queryset.values_list("pk", flat=True):
            begins = name in JOBS and slots.ask_for(JOBS[name], user)
            told = wording.ASKED_FOR if begins else wording.RUNS_ALREADY
            self.message_user(request, told.format(job=name), messages.SUCCESS)


@admin.register(DjangoJobExecution)
class ExecutionAdmin(ReadOnly, DjangoJobExecutionAdmin):
    list_display = ["id", "job", "status", "local_run_time", "duration_text"]


@admin.register(Slot)
class SlotAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ["job", "at", "state", "attempts", "took", "did", "reason", "asked_by"]
    list_filter = ["job", "state"]
    ordering = ["-at"]
    exclude = ["token"]

    @admin.display(description="Took")
    def took(self, slot: Slot) -> str:
        return "–" if slot.duration is None else wording.span(slot.duration)
