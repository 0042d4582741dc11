"""Who sees maintenance on the page and in the Django admin, and what they can do there."""

import pytest
from django.test import Client
from django_apscheduler.models import DjangoJob, DjangoJobExecution

from backend import db
from backend.accounts.models import Role, User, Workspace
from backend.accounts.roles import set_role
from backend.accounts.spaces import home
from backend.jobs import leading, slots, wording
from backend.jobs.models import Slot
from backend.jobs.registry import JOBS

pytestmark = pytest.mark.django_db
ADMIN = ("", "jobs/slot/", "django_apscheduler/djangojob/", "accounts/workspace/")


def client_of(user: User | None) -> Client:
    client = Client()
    if user is not None:
        client.force_login(user)
    return client


@pytest.fixture
def elsewhere() -> User:
    """An admin of another workspace."""
    user = User.objects.for_email("elsewhere@example.org")
    set_role(user, Workspace.objects.create(slug="other"), Role.ADMIN)
    return user


def test_an_admin_sees_every_job(admin: User) -> None:
    slot = slots.claim(JOBS["purge"], db.clock())
    assert slot is not None
    slots.finish(slot, "Deleted 3 sessions.")

    shown = client_of(admin).get("/maintenance/").content.decode()

    assert all(f'action="/maintenance/{job}/run/"' in shown for job in JOBS)
    assert "Deleted 3 sessions." in shown


def test_an_admin_is_told_where_no_scheduler_runs(admin: User) -> None:
    client = client_of(admin)
    assert wording.NO_SCHEDULER in client.get("/maintenance/").content.decode()
    leading.take_lead()
    assert wording.NO_SCHEDULER not in client.get("/maintenance/").content.decode()


def test_an_admin_has_a_job_run(admin: User) -> None:
    answer = client_of(admin).post("/maintenance/purge/run/")

    assert (answer.status_code, answer["Location"]) == (302, "/maintenance/")
    slot = Slot.objects.get()
    assert (slot.job, slot.state, slot.asked_by) == ("purge", "received", admin)
    assert client_of(admin).post("/maintenance/no_job/run/").status_code == 302
    assert Slot.objects.count() == 1


def test_nobody_else_does(member: User, elsewhere: User) -> None:
    set_role(member, home(), Role.CURATOR)
    for user in (None, member, elsewhere):
        client = client_of(user)
        assert client.get("/maintenance/").status_code == 403
        assert client.post("/maintenance/purge/run/").status_code == 403
        assert "/maintenance/" not in client.get("/").content.decode()
    assert not Slot.objects.exists()


def test_the_django_admin_is_open_to_the_admins_of_home_alone(
    admin: User, member: User, elsewhere: User
) -> None:
    for path in ADMIN:
        assert client_of(admin).get(f"/admin/{path}").status_code == 200
        for user in (member, elsewhere):
            answer = client_of(user).get(f"/admin/{path}", follow=True)
            assert answer.status_code == 403
        answer = client_of(None).get(f"/admin/{path}", follow=True)
        assert answer.redirect_chain[-1][0] == "/"
    set_role(admin, home(), Role.MEMBER)
    assert client_of(admin).get("/admin/", follow=True).status_code == 403


def test_who_may_no_longer_sign_in_is_no_staff(admin: User) -> None:
    admin.is_active = False
    assert not admin.is_staff


def test_run_now_in_the_django_admin_asks_the_scheduler(admin: User) -> None:
    DjangoJob.objects.create(id="purge", job_state=b"no pickle")
    DjangoJob.objects.create(id="was_a_job_once", job_state=b"no pickle")
    path = "/admin/django_apscheduler/djangojob/"
    chosen = ["purge", "was_a_job_once"]

    answer = client_of(admin).post(
        path, {"action": "run_now", "_selected_action": chosen}, follow=True
    )

    told = answer.content.decode()
    assert "Purge begins within seconds." in told
    assert Slot.objects.get().asked_by == admin
    assert "run_selected_jobs" not in told


@pytest.mark.parametrize(("days", "kept"), [("7", 7), ("", None), ("0", 90), ("40000", 90)])
def test_a_workspaces_retention_is_set_to_what_makes_sense(
    admin: User, days: str, kept: int | None
) -> None:
    row = Workspace.objects.filter(pk=home().pk)
    row.update(retention_days=90)

    client_of(admin).post(
        f"/admin/accounts/workspace/{home().pk}/change/", {"retention_days": days}
    )

    assert row.get().retention_days == kept


def test_what_a_scheduler_wrote_is_not_changed_by_hand(admin: User) -> None:
    job = DjangoJob.objects.create(id="purge", job_state=b"")
    run = DjangoJobExecution.objects.create(
        job=job, status="Executed", run_time="2026-11-01T00:00Z"
    )
    slots.ask_for(JOBS["purge"])
    client = client_of(admin)
    for path in (
        "django_apscheduler/djangojob/purge/",
        f"django_apscheduler/djangojobexecution/{run.pk}/",
        f"jobs/slot/{Slot.objects.get().pk}/",
    ):
        assert client.get(f"/admin/{path}change/").status_code == 200
        assert client.post(f"/admin/{path}change/", {"state": "done"}).status_code == 403
        assert client.post(f"/admin/{path}delete/", {"post": "yes"}).status_code == 403
    assert Slot.objects.get().state == "received"


def test_the_django_admin_obeys_the_content_policy(admin: User) -> None:
    slots.ask_for(JOBS["purge"])
    for path in ADMIN:
        answer = client_of(admin).get(f"/admin/{path}")
        assert "'self'" in answer["Content-Security-Policy"]
        assert " style=" not in answer.content.decode()
