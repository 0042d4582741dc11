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
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from django.db import DatabaseError, connection
from django.db.models import DateTimeField, ExpressionWrapper, F, Model, Q, QuerySet, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Now

from knowledge.errors import LeaseLost

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 5
# No lease and no wait is longer. One that ends later comes of a clock that ran ahead for a while,
# and does not count.
LONGEST = timedelta(days=1)
# As Now() has it there.
_CLOCK = {"sqlite": "SELECT STRFTIME('%Y-%m-%d %H:%M:%f', 'NOW')"}
RECEIVED, CLAIMED, FAILED = "received", "claimed", "failed"

Row = TypeVar("Row", bound=Model)


def claim(rows: QuerySet[Row], lease: timedelta) -> Row | None:
    """Claim the oldest waiting row for `lease`, or return None where nothing waits."""
    waiting = rows.filter(claimable()).order_by("pk")
    while (candidate := waiting.values_list("pk", flat=True).first()) is not None:
        if claimed := claim_row(rows.filter(pk=candidate), lease):
            return claimed
    return None


def claim_row(row: QuerySet[Row], lease: timedelta) -> Row | None:
    """Claim this one row, or return None where another process holds it or it is done."""
    token = secrets.token_hex(16)
    taken = row.filter(claimable()).update(state=CLAIMED, **claiming(lease, token))
    return row.filter(token=token).first() if taken else None


def claiming(lease: timedelta, token: str | Combinable) -> dict[str, Any]:
    """What a claim sets in a row, beside its state."""
    return {"token": token, "lease_until": from_now(lease), "attempts": F("attempts") + 1}


def take(row: QuerySet[Row], lease: timedelta) -> Row | None:
    """The same for a row that is no attempt at anything: its lease is all that counts."""
    token = secrets.token_hex(16)
    taken = row.filter(is_free()).update(state=CLAIMED, token=token, lease_until=from_now(lease))
    return row.filter(token=token).first() if taken else None


def renew(row: Model, lease: timedelta, **fields: Any) -> bool:
    """Prolong the lease; False where the row is no longer ours."""
    return bool(_owned(row).update(lease_until=from_now(lease), **fields))


def release(row: Model, reason: str, wait: timedelta, **fields: Any) -> bool:
    """Give the row back to be tried again after `wait`, or set it aside after its last attempt."""
    if row.attempts >= MAX_ATTEMPTS:  # type: ignore[attr-defined]
        return fail(row, f"Given up after {MAX_ATTEMPTS} attempts: {reason}", **fields)
    later = from_now(min(wait, LONGEST))
    waiting = {"state": RECEIVED, "reason": reason, "lease_until": later}
    return bool(_owned(row).update(**waiting, **fields))


def let_go(row: Model) -> bool:
    """Give the row back to be tried again at once; the attempt does not count."""
    row_again = {"state": RECEIVED, "lease_until": None, "attempts": F("attempts") - 1}
    return bool(_owned(row).update(**row_again))


def finish(row: Model, state: str, **fields: Any) -> bool:
    """Bring the row to this state and end its lease; False where it is no longer ours."""
    return bool(_owned(row).update(state=state, lease_until=None, **fields))


def fail(row: Model, reason: str, **fields: Any) -> bool:
    """Set the row aside for good."""
    return finish(row, FAILED, reason=reason, **fields)


def set_aside_exhausted(rows: QuerySet[Row], **fields: Any) -> int:
    """Set aside every row that has had its attempts and is held by nobody; how many."""
    exhausted = rows.filter(is_free(), attempts__gte=MAX_ATTEMPTS)
    if not exhausted.exists():  # looking takes no write lock
        return 0
    return exhausted.update(
        state=FAILED,
        lease_until=None,
        reason=f"Given up after {MAX_ATTEMPTS} attempts; the last one broke off.",
        **fields,
    )


def claimable() -> Q:
    """Waits for somebody to claim it."""
    return is_free() & _attempts_left()


def _attempts_left() -> Q:
    return Q(attempts__lt=MAX_ATTEMPTS)


def is_free() -> Q:
    """Nobody holds it, and it is not done."""
    over = Q(lease_until__lte=Now()) | Q(lease_until__gt=from_now(LONGEST))
    unleased = Q(lease_until=None) | over
    return Q(state__in=(RECEIVED, CLAIMED)) & unleased


def from_now(span: timedelta) -> Combinable:
    """A time by the database's clock."""
    return ExpressionWrapper(Now() + Value(span), output_field=DateTimeField())


def clock() -> datetime:
    """What the database's clock says."""
    with connection.cursor() as cursor:
        cursor.execute(_CLOCK.get(connection.vendor, "SELECT CURRENT_TIMESTAMP"))
        (now,) = cursor.fetchone()
    # SQLite has no type for it.
    return now if isinstance(now, datetime) else datetime.fromisoformat(now).replace(tzinfo=UTC)


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
