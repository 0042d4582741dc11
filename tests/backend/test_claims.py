"""Claims and leases: the one mechanism behind every queue."""

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, connections, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from backend import db
from knowledge.errors import LeaseLost
from knowledge.models import Document, DocumentVersion, Space, VersionState

MINUTE = timedelta(minutes=1)
SHORT = timedelta(milliseconds=300)
VERSIONS = DocumentVersion.objects.all()


@pytest.fixture
def queue(db: None) -> Callable[[int], list[DocumentVersion]]:
    """Make so many waiting rows."""
    space = Space.objects.create(key="team:queue")
    document = Document.objects.create(space=space, name="a.txt")

    def fill(count: int) -> list[DocumentVersion]:
        return [
            document.versions.create(number=number, sha256=f"{number:064}", size=1, original="a")
            for number in range(1, count + 1)
        ]

    return fill


Fill = Callable[[int], list[DocumentVersion]]


@pytest.mark.parametrize("state", [VersionState.RECEIVED, VersionState.CLAIMED])
def test_a_lease_from_a_clock_that_ran_ahead_holds_up_nothing(queue: Fill, state: str) -> None:
    (version,) = queue(1)
    ahead = timezone.now() + timedelta(days=400)
    VERSIONS.update(state=state, token="old", lease_until=ahead)
    assert db.claim(VERSIONS, MINUTE) == version


def test_a_long_wait_is_waited_for(queue: Fill) -> None:
    queue(1)
    version = db.claim(VERSIONS, MINUTE)
    assert version is not None and db.release(version, "asked to", timedelta(days=30))
    assert db.claim(VERSIONS, MINUTE) is None
    version.refresh_from_db()
    assert version.lease_until is not None
    assert version.lease_until - timezone.now() > timedelta(hours=23)


def end_lease(row: DocumentVersion) -> None:
    """As if its time had run out."""
    VERSIONS.filter(pk=row.pk).update(lease_until=Now() - timedelta(seconds=1))


def claimed() -> DocumentVersion:
    row = db.claim(VERSIONS, MINUTE)
    assert row is not None
    return row


def test_the_oldest_waiting_row_is_claimed_first(queue: Fill) -> None:
    rows = queue(3)

    assert [claimed().pk for _ in rows] == [row.pk for row in rows]
    assert db.claim(VERSIONS, MINUTE) is None


def test_a_claim_is_one_update_that_decides(
    queue: Fill, django_assert_num_queries: Callable[[int], object]
) -> None:
    row = queue(1)[0]

    with django_assert_num_queries(2) as executed:  # type: ignore[attr-defined]
        assert db.claim_row(VERSIONS.filter(pk=row.pk), MINUTE) is not None

    first = executed.captured_queries[0]["sql"]
    assert first.startswith("UPDATE") and '"attempts" < 5' in first


@pytest.mark.django_db(transaction=True)
def test_two_hundred_claimers_at_once_take_each_row_once(queue: Fill) -> None:
    rows = queue(20)

    def take(_: int) -> int | None:
        try:
            row = db.claim(VERSIONS, MINUTE)
            return None if row is None else row.pk
        finally:
            connection.close()

    with ThreadPoolExecutor(50) as threads:
        taken = list(threads.map(take, range(200)))

    counts = Counter(taken)
    assert counts.pop(None) == 180
    assert counts == {row.pk: 1 for row in rows}
    assert set(VERSIONS.values_list("attempts", flat=True)) == {1}


@pytest.mark.django_db(transaction=True)
def test_claimers_of_one_row_have_one_winner(queue: Fill) -> None:
    row = queue(1)[0]

    def take(_: int) -> bool:
        try:
            return db.claim_row(VERSIONS.filter(pk=row.pk), MINUTE) is not None
        finally:
            connection.close()

    with ThreadPoolExecutor(40) as threads:
        assert sum(threads.map(take, range(40))) == 1


def test_a_row_is_claimed_again_when_its_lease_has_run_out(queue: Fill) -> None:
    queue(1)
    first = claimed()
    assert db.claim(VERSIONS, MINUTE) is None

    end_lease(first)
    second = claimed()

    assert (second.pk, second.attempts) == (first.pk, 2)
    assert second.token != first.token


def test_leases_run_by_the_databases_clock(queue: Fill, monkeypatch: pytest.MonkeyPatch) -> None:
    queue(1)
    held = claimed()
    for wrong in (datetime(2001, 1, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC)):
        monkeypatch.setattr(timezone, "now", lambda wrong=wrong: wrong)
        monkeypatch.setattr(time, "time", wrong.timestamp)
        assert db.claim(VERSIONS, MINUTE) is None
        assert db.renew(held, MINUTE)

    left = VERSIONS.annotate(left=F("lease_until") - Now()).get(pk=held.pk).left
    assert timedelta(seconds=55) < left <= MINUTE


def test_a_short_lease_ends_by_itself(queue: Fill) -> None:
    queue(1)
    row = db.claim(VERSIONS, SHORT)
    assert row is not None and db.claim(VERSIONS, SHORT) is None

    time.sleep(0.35)

    assert db.claim(VERSIONS, SHORT) is not None


def test_only_the_owner_renews_releases_and_fails(queue: Fill) -> None:
    queue(1)
    loser = claimed()
    end_lease(loser)
    owner = claimed()

    assert not db.renew(loser, MINUTE)
    assert not db.release(loser, "late", MINUTE)
    assert not db.fail(loser, "late")
    owner.refresh_from_db()
    assert (owner.state, owner.reason) == (VersionState.CLAIMED, "")
    assert db.renew(owner, MINUTE)
    assert db.fail(owner, "bad")
    assert not db.renew(owner, MINUTE)
    assert not db.release(owner, "again", MINUTE)


def test_a_released_row_waits_and_keeps_its_reason(queue: Fill) -> None:
    queue(1)
    row = claimed()

    assert db.release(row, "the model rests", MINUTE)

    row.refresh_from_db()
    assert (row.state, row.reason) == (VersionState.RECEIVED, "the model rests")
    assert db.claim(VERSIONS, MINUTE) is None
    end_lease(row)
    assert claimed().attempts == 2


def test_the_fifth_attempt_is_the_last_and_keeps_its_reason(queue: Fill) -> None:
    queue(1)
    for attempt in range(1, 6):
        row = claimed()
        assert row.attempts == attempt
        assert db.release(row, "no luck", MINUTE)
        end_lease(row)

    row.refresh_from_db()
    assert row.state == VersionState.FAILED
    assert row.reason == "Given up after 5 attempts: no luck"
    assert db.claim(VERSIONS, MINUTE) is None


def test_a_row_whose_workers_die_is_set_aside_after_five_attempts(queue: Fill) -> None:
    poison, other = queue(2)
    for _ in range(5):
        row = db.claim_row(VERSIONS.filter(pk=poison.pk), MINUTE)
        assert row is not None and db.set_aside_exhausted(VERSIONS) == 0
        end_lease(poison)

    assert db.claim_row(VERSIONS.filter(pk=poison.pk), MINUTE) is None
    assert db.set_aside_exhausted(VERSIONS) == 1

    poison.refresh_from_db()
    assert poison.state == VersionState.FAILED and poison.lease_until is None
    assert poison.reason == "Given up after 5 attempts; the last one broke off."
    assert claimed().pk == other.pk


@pytest.mark.django_db(transaction=True)
def test_a_heartbeat_keeps_a_lease_shorter_than_the_work(queue: Fill) -> None:
    queue(1)
    row = db.claim(VERSIONS, SHORT)
    assert row is not None

    with db.held(row, SHORT) as keep:
        for _ in range(10):
            time.sleep(0.1)
            keep()
            assert db.claim(VERSIONS, SHORT) is None

    time.sleep(0.35)
    assert db.claim(VERSIONS, SHORT) is not None


@pytest.mark.django_db(transaction=True)
def test_a_heartbeat_notices_that_the_row_was_taken(queue: Fill) -> None:
    queue(1)
    row = db.claim(VERSIONS, SHORT)
    assert row is not None

    with pytest.raises(LeaseLost), db.held(row, SHORT) as keep:
        end_lease(row)
        assert db.claim(VERSIONS, MINUTE) is not None
        for _ in range(20):
            time.sleep(0.05)
            keep()


@pytest.mark.django_db(transaction=True)
def test_a_heartbeat_outlives_a_passing_fault_of_the_database(
    queue: Fill, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    queue(1)
    lease = timedelta(seconds=0.9)
    row = db.claim(VERSIONS, lease)
    assert row is not None

    monkeypatch.setitem(connections.settings["default"]["OPTIONS"], "timeout", 0.05)
    with db.held(row, lease) as keep:
        with transaction.atomic():  # holds the write lock over the first beat
            time.sleep(0.5)
        time.sleep(0.6)
        keep()
        assert db.claim(VERSIONS, lease) is None

    assert "could not be renewed: database is locked" in caplog.text
