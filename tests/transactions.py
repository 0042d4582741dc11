"""How much each transaction writes."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

from django.db import connection


@contextmanager
def rows_written() -> Iterator[list[int]]:
    """How many rows each transaction of this thread wrote meanwhile, on SQLite."""
    connection.ensure_connection()
    rows, written = connection.connection, list[int]()
    before = [rows.total_changes]

    def trace(statement: str) -> None:
        if not rows.in_transaction:  # it begins one, or is one
            before.append(rows.total_changes)

    rows.set_trace_callback(trace)
    try:
        yield written
    finally:
        rows.set_trace_callback(None)
    written += [after - earlier for earlier, after in pairwise([*before, rows.total_changes])]
