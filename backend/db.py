"""Claims and leases: the one mechanism behind every queue.

A queue is a table with the columns `state`, `lease_until`, `token`, `attempts` and `reason`. A
claim is one conditional UPDATE whose row count decides; leases run by the database's clock. A
row whose worker died is claimed again when its lease runs out, at most MAX_ATTEMPTS times in all.
"""

import logging
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar

from django.db import DatabaseError, connection
from django.db.models import DateTimeField, ExpressionWrapper, F, Model, Q, QuerySet, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Now

from knowledge.errors import LeaseLost

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 5
RECEIVED, CLAIMED, FAILED = "received", "claimed", "failed"

Row = TypeVar("Row", bound=Model)


def claim(rows: QuerySet[Row], lease: timedelta) -> Row | None:
    """Claim the oldest waiting row for `lease`, or return None where nothing waits."""
    waiting = rows.filter(_claimable()).order_by("pk")
    while (candidate := waiting.values_list("pk", flat=True).first()) is not None:
        if claimed := claim_row(rows.filter(pk=candidate), lease):
            return claimed
    return None


def claim_row(row: QuerySet[Row], lease: timedelta) -> Row | None:
    """Claim this one row, or return None where another process holds it or it is done."""
    token = secrets.token_hex(16)
    taken = row.filter(_claimable()).update(
        state=CLAIMED, token=token, lease_until=from_now(lease), attempts=F("attempts") + 1
    )
    return row.filter(token=token).first() if taken else None


def renew(row: Model, lease: timedelta) -> bool:
    """Prolong the lease; False where the row is no longer ours."""
    return bool(_owned(row).update(lease_until=from_now(lease)))


def release(row: Model, reason: str, wait: timedelta) -> bool:
    """Give the row back to be tried again after `wait`, or set it aside after its last attempt."""
    if row.attempts >= MAX_ATTEMPTS:  # type: ignore[attr-defined]
        return fail(row, f"Given up after {MAX_ATTEMPTS} attempts: {reason}")
    return bool(_owned(row).update(state=RECEIVED, reason=reason, lease_until=from_now(wait)))


def fail(row: Model, reason: str) -> bool:
    """Set the row aside for good."""
    return bool(_owned(row).update(state=FAILED, reason=reason, lease_until=None))


def set_aside_exhausted(rows: QuerySet[Row]) -> int:
    """Set aside every row that has had its attempts and is held by nobody; how many."""
    exhausted = rows.filter(_free(), attempts__gte=MAX_ATTEMPTS)
    if not exhausted.exists():  # looking takes no write lock
        return 0
    return exhausted.update(
        state=FAILED,
        lease_until=None,
        reason=f"Given up after {MAX_ATTEMPTS} attempts; the last one broke off.",
    )


def _claimable() -> Q:
    return _free() & Q(attempts__lt=MAX_ATTEMPTS)


def _free() -> Q:
    unleased = Q(lease_until=None) | Q(lease_until__lte=Now())
    return Q(state__in=(RECEIVED, CLAIMED)) & unleased


def from_now(span: timedelta) -> Combinable:
    """A time by the database's clock."""
    return ExpressionWrapper(Now() + Value(span), output_field=DateTimeField())


def _owned(row: Model) -> QuerySet[Model]:
    token = row.token  # type: ignore[attr-defined]
    return type(row)._default_manager.filter(pk=row.pk, state=CLAIMED, token=token)


@contextmanager
def held(row: Model, lease: timedelta) -> Iterator[Callable[[], None]]:
    """Keep a claimed row's lease alive from a thread, however long a step takes.

    Yields a function to be called between steps, which raises LeaseLost once the row is not
    ours any more.
    """
    over, lost = threading.Event(), threading.Event()

    def beat() -> None:
        while not over.wait(lease.total_seconds() / 3):
            try:
                if not renew(row, lease):
                    lost.set()
                    return
            except DatabaseError as error:  # the next beat may come in time
                logger.warning("the lease of %s could not be renewed: %s", row, error)
            finally:
                connection.close()

    def keep() -> None:
        if lost.is_set():
            raise LeaseLost()

    thread = threading.Thread(target=beat, name="lease", daemon=True)
    thread.start()
    try:
        yield keep
    finally:
        over.set()
        thread.join()
