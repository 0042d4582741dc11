"""“Maintenance” on the page: for admins, how the jobs stand, and running one now."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from backend.accounts.models import Role
from backend.accounts.roles import role_at
from backend.console.access import place_of, user_of
from backend.console.rendering import to_html
from backend.jobs import slots, wording
from backend.jobs.models import Notice
from backend.jobs.notices import text_for
from backend.jobs.registry import JOBS
from backend.jobs.status import Status, somebody_acts, statuses

# Notices that are shown, the latest first.
LISTED = 5
ADMINS_ONLY = "Only an admin can see how maintenance stands."


@require_GET
@never_cache
def page(request: HttpRequest) -> HttpResponse:
    """Every job: last run, how long it took, what it did, and when it runs next."""
    if not _is_admin(request):
        return _refused(request)
    context = {
        "warning": "" if somebody_acts() else wording.NO_SCHEDULER,
        "rows": [_row(status) for status in statuses()],
        "told": [to_html(text_for(notice, user_of(request)), 0) for notice in _latest(request)],
    }
    return render(request, "console/maintenance.html", context)


@require_POST
def run_now(request: HttpRequest, name: str) -> HttpResponse:
    """Let a scheduler run the job out of its turn."""
    if not _is_admin(request):
        return _refused(request)
    if name in JOBS:
        slots.ask_for(JOBS[name], user_of(request))
    return HttpResponseRedirect("/maintenance/")


def _latest(request: HttpRequest) -> QuerySet[Notice]:
    return Notice.objects.filter(workspace=place_of(request).workspace).order_by("-pk")[:LISTED]


def _is_admin(request: HttpRequest) -> bool:
    return request.user.is_authenticated and role_at(place_of(request)) == Role.ADMIN


def _refused(request: HttpRequest) -> HttpResponse:
    context = {"message": ADMINS_ONLY}
    return render(request, "console/signed_out.html", context, status=403)


def _row(status: Status) -> dict[str, Any]:
    took = status.last.duration if status.last else None
    return {
        "job": status.job,
        "told": wording.brief(status),
        "at": status.last.ended_at if status.last else None,
        "took": wording.span(took) if took is not None else "",
        "next_at": status.next_at,
        "running": status.is_running,
        "fault": bool(status.problem) or status.late,
    }
