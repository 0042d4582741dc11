"""The database thread that commits together what waits for it together."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing

import pytest
from asgiref.sync import sync_to_async
from django.db import DatabaseError, IntegrityError, connection, transaction

from backend.accounts.models import Membership, User
from backend.accounts.spaces import home
from backend.committing import CommittingThread

pytestmark = pytest.mark.django_db(transaction=True)

thread = CommittingThread("test")


def add(name: str) -> int:
    return User.objects.create(email=f"{name}@example.org").pk


def add_and_fail(name: str) -> int:
    add(name)
    raise LookupError(name)


def wait_no_longer_than(milliseconds: int) -> None:
    """For the database's lock, on this thread's connection."""
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA busy_timeout={milliseconds}")


@sync_to_async
def known() -> set[str]:
    """As another connection sees it."""
    return {address.partition("@")[0] for address in User.objects.values_list("email", flat=True)}


async def all_at_once(*calls: tuple[Callable[[str], int], str]) -> list[int | BaseException]:
    """The outcomes of calls that came while the thread was busy."""
    begun, busy = threading.Event(), threading.Event()

    def be_busy() -> None:
        begun.set()
        busy.wait()

    first = asyncio.ensure_future(thread(be_busy))
    waiting = [asyncio.ensure_future(thread(function, name)) for function, name in calls]
    while not begun.is_set():
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)  # longer than a transaction takes up further work
    busy.set()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    await first
    return outcomes


async def test_what_is_told_is_committed() -> None:
    for name in ("ana", "ben"):
        await thread(add, name)
        assert name in await known()


async def test_what_waits_together_is_committed_together() -> None:
    commits: list[str] = []

    def add_and_watch(name: str) -> int:
        if name == "user-0":
            connection.connection.set_trace_callback(commits.append)
        return add(name)

    await all_at_once(*((add_and_watch, f"user-{number}") for number in range(50)))
    await thread(lambda: connection.connection.set_trace_callback(None))
    assert len(await known()) == 50
    assert sum(statement.startswith("COMMIT") for statement in commits) <= 10


async def test_what_one_raises_is_undone_and_its_own_alone() -> None:
    outcomes = await all_at_once((add, "ana"), (add_and_fail, "ben"), (add, "cleo"))
    assert [type(outcome) for outcome in outcomes] == [int, LookupError, int]
    assert await known() == {"ana", "cleo"}


async def test_what_is_refused_by_the_database_leaves_the_others() -> None:
    outcomes = await all_at_once((add, "ana"), (add, "ana"), (add, "ben"))
    assert isinstance(outcomes[1], DatabaseError)
    assert await known() == {"ana", "ben"}


async def test_a_lone_failure_is_undone() -> None:
    with pytest.raises(LookupError):
        await thread(add_and_fail, "ana")
    await thread(add, "ben")
    assert await known() == {"ben"}


async def test_what_the_database_refuses_at_the_commit_leaves_the_others() -> None:
    def orphan(name: str) -> int:
        return Membership.objects.create(user_id=10**6, workspace=home()).pk

    outcomes = await all_at_once(
        (add, "ana"), (orphan, "ben"), (add_and_fail, "cleo"), (add, "dan")
    )
    assert [type(outcome) for outcome in outcomes] == [int, IntegrityError, LookupError, int]
    assert await known() == {"ana", "dan"}


async def test_a_failed_commit_is_the_outcome_of_all() -> None:
    def spoil(name: str) -> int:
        pk = add(name)
        connection.connection.execute("ROLLBACK")  # as a full disk would
        return pk

    outcomes = await all_at_once((add, "ana"), (spoil, "ben"))
    assert all(isinstance(outcome, DatabaseError) for outcome in outcomes)
    assert await known() == set()


async def test_who_is_cancelled_before_has_nothing_done() -> None:
    busy = threading.Event()
    first = asyncio.ensure_future(thread(busy.wait))
    late = asyncio.ensure_future(thread(add, "ana"))
    await asyncio.sleep(0.05)
    late.cancel()
    await asyncio.gather(late, return_exceptions=True)
    busy.set()
    await first
    await thread(len, "")  # by now it would have been done
    assert await known() == set()


async def test_a_transaction_that_cannot_begin_is_the_outcome_of_its_first() -> None:
    await thread(wait_no_longer_than, 0)
    with closing(sqlite3.connect(connection.settings_dict["NAME"])) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseError):
            await asyncio.wait_for(thread(add, "ana"), 5)
    assert await thread(add, "ana")


async def test_what_no_future_can_hold_leaves_nobody_waiting() -> None:
    def find_nothing(name: str) -> int:
        return next(user.pk for user in User.objects.filter(email=name))

    outcomes = await asyncio.wait_for(
        all_at_once((find_nothing, "nobody"), (add, "ana"), (add, "ben")), 5
    )
    assert [type(outcome) for outcome in outcomes] == [RuntimeError, int, int]
    assert await known() == {"ana", "ben"}


async def test_a_hook_that_fails_after_the_commit_leaves_nobody_waiting() -> None:
    def add_with_hook(name: str) -> int:
        transaction.on_commit(lambda: int("no number"))
        return add(name)

    outcomes = await asyncio.wait_for(all_at_once((add, "ana"), (add_with_hook, "ben")), 5)
    assert [type(outcome) for outcome in outcomes] == [ValueError, ValueError]
    assert await known() == {"ana", "ben"}
    assert await thread(add, "cleo")


def test_a_loop_that_has_ended_leaves_those_of_others_no_longer_waiting() -> None:
    begun, busy = threading.Event(), threading.Event()

    def be_busy() -> None:
        begun.set()
        busy.wait()

    async def leave_waiting() -> None:
        task = asyncio.ensure_future(thread(be_busy))
        while not begun.is_set():
            await asyncio.sleep(0.01)
        assert not task.done()

    async def add_meanwhile() -> int:
        threading.Timer(0.2, busy.set).start()
        return await asyncio.wait_for(thread(add, "ben"), 5)

    asyncio.run(leave_waiting())
    assert asyncio.run(add_meanwhile())
