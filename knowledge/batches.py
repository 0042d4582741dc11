"""Much that is to be deleted, in transactions so short that nobody waits for long."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from django.db import connection
from django.db.models import Model, QuerySet
from django.db.models.deletion import Collector

# A batch of a long clean-up is to be over in about this time, its rests included.
BATCH_SECONDS = 0.05
# A rest is so many times as long as the work before it: a question meanwhile takes 1.4 to 1.8 times
# as long as alone (p99), and more than twice as long where rests are half as long.
REST = 4

Row = TypeVar("Row", bound=Model)


def in_batches(batch: Callable[[int], int]) -> int:
    """Call `batch`, which changes at most so many rows, `resting`, and returns how many it took,
    until it takes none; how many in all. Batches grow and shrink with the time they take."""
    total, most = 0, 20
    while True:
        began = time.monotonic()
        if not (taken := batch(most)):
            return total
        total, took = total + taken, time.monotonic() - began
        if took < BATCH_SECONDS / 2:
            most = min(2 * most, 1000)
        elif took > BATCH_SECONDS:
            most = max(most // 2, 20)


@contextmanager
def resting() -> Iterator[None]:
    """For one short transaction: afterwards a rest, so that whoever waits for the write lock gets
    it, and questions have the processor."""
    began = time.monotonic()
    yield
    time.sleep(REST * (time.monotonic() - began))


def delete_in_batches(rows: QuerySet[Row]) -> int:
    """Delete these rows with what hangs on them; how many rows."""

    def batch(most: int) -> int:
        with resting():
            pks = list(rows.order_by("pk").values_list("pk", flat=True)[:most])
            _delete(rows.model._default_manager.filter(pk__in=pks))
        return len(pks)

    return in_batches(batch)


def delete(rows: QuerySet[Row]) -> None:
    """Delete these rows in one transaction, `resting`. Raises IntegrityError where somebody hung
    something on them meanwhile."""
    with resting():
        _delete(rows)


def _delete(rows: QuerySet[Row]) -> None:
    """What hangs on them is looked up before the write lock is taken."""
    collector = Collector(using=connection.alias, origin=rows)
    collector.collect(rows)
    collector.delete()
