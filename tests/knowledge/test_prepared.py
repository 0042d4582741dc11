"""Queries that are compiled once find and change what the same queries of the ORM do."""

import threading

import pytest
from django.db.models import F, Q
from django.db.models.functions import Now

from backend.accounts.models import Identity, Installation, User, Workspace
from backend.accounts.spaces import home
from bot.models import InboxItem, ReplyPart
from knowledge.models import Space
from knowledge.prepared import Given, Insert, Objects, Select, Update, any_of
from tests.bot.items import claimed, taken

pytestmark = pytest.mark.django_db


def fields(row: object) -> dict[str, object]:
    return {name: value for name, value in vars(row).items() if not name.startswith("_")}


def test_rows_come_as_the_orm_reads_them() -> None:
    """Times, truth values, JSON, nothing at all."""
    for message in ("1.1", "1.2"):
        claimed(message)
    held = Objects(lambda: InboxItem.objects.filter(channel=Given(0)).order_by("-pk"))
    expected = InboxItem.objects.filter(channel="C1").order_by("-pk")
    assert [fields(row) for row in held("C1")] == [fields(row) for row in expected]
    assert held("C2") == [] and held.first("C2") is None
    assert held.first("C1") == expected.first()


def test_the_same_query_takes_other_values_each_time() -> None:
    for message in ("1.1", "1.2"):
        taken(message)
    texts = Select(
        lambda: InboxItem.objects.filter(message=Given(1), channel=Given(0)).values_list("message")
    )
    assert [texts("C1", "1.1"), texts("C1", "1.2")] == [[("1.1",)], [("1.2",)]]


def test_rows_bring_those_that_they_refer_to() -> None:
    user = User.objects.for_email("ana@example.org")
    there = Installation.objects.create(platform="slack", external_id="T1", workspace=home())
    Identity.objects.create(installation=there, external_id="U1", user=user)
    known = Objects(lambda: Identity.objects.filter(user=Given(0)), user=User)
    found = known.first(user.pk)
    assert found is not None
    assert Identity.user.is_cached(found) and fields(found.user) == fields(user)


def test_any_of_several_values_is_found() -> None:
    keys = ["team:home", "team:away", "personal:home/1"]
    for key in keys:
        Space.objects.create(key=key)
    some = Objects(lambda: Space.objects.filter(key__in=any_of(2)).order_by("pk"))
    assert [space.key for space in some(*keys[1:])] == keys[1:]


def test_a_row_is_inserted_as_the_orm_does_it() -> None:
    """With its defaults, times and key; values that the database converts come back the same."""
    here = {"platform": "slack", "installation": "T1", "channel": "C1", "text": "100% new"}
    route = {"number": 2}
    made = Insert(InboxItem)(InboxItem(**here, message="1.1", route=route))
    assert made.pk and fields(InboxItem.objects.get()) == fields(made)
    made.settled = True
    made.save()  # it is known to be there
    assert InboxItem.objects.get().settled


def test_what_may_be_there_already_is_inserted_once() -> None:
    new = Insert(Space, unless_there=True)
    for _ in range(2):
        new(Space(key="team:home"))
    assert Space.objects.count() == 1


def test_rows_bring_what_hangs_on_the_rows_that_they_refer_to() -> None:
    user = User.objects.for_email("ana@example.org")
    there = Installation.objects.create(platform="slack", external_id="T1", workspace=home())
    Identity.objects.create(installation=there, external_id="U1", user=user)
    known = Objects(
        lambda: Identity.objects.filter(user=Given(0)),
        installation=Installation,
        installation__workspace=Workspace,
    )
    found = known.first(user.pk)
    assert found is not None and Installation.workspace.is_cached(found.installation)
    assert fields(found.installation.workspace) == fields(home())


def test_an_update_changes_what_it_names_and_counts_it() -> None:
    item = claimed()
    again = Update(
        lambda: InboxItem.objects.filter(Q(lease_until__gt=Now()), pk=Given(0)),
        text=Given(1),
        attempts=F("attempts") + 1,
    )
    assert (again(item.pk, "100% new"), again(item.pk + 1, "other")) == (1, 0)
    item.refresh_from_db()
    assert (item.text, item.attempts) == ("100% new", 2)


@pytest.mark.django_db(transaction=True)
def test_each_connection_has_its_own() -> None:
    ReplyPart.objects.create(item=taken(), number=0)
    parts = Select(lambda: ReplyPart.objects.filter(number=Given(0)).values_list("number"))
    found = [parts(0)]
    thread = threading.Thread(target=lambda: found.append(parts(0)))
    thread.start()
    thread.join()
    assert found == [[(0,)], [(0,)]]
