"""Deleting a million messages while questions are answered.

`python -m tests.bench.cleaning DATABASE` is the process that deletes.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    import django

    django.setup()

from django.conf import settings
from django.db import connection, connections, transaction
from django.utils import timezone

from backend.accounts.audience import Place
from backend.accounts.spaces import home, space_for, team_key
from backend.chat.asking import Question, ask
from backend.chat.models import Message
from backend.chat.retention import delete_old_turns
from backend.ingesting import finish
from knowledge.ingestion import add_document
from knowledge.models import DocumentVersion, Space
from management.scratch import scratch_store
from tests.bench.table import Row, show

MESSAGES, A_CONVERSATION = 1_000_000, 4
QUESTIONS = 300


def measure() -> list[Row]:
    return show(f"Deleting {MESSAGES:,} old messages while questions are answered", _rows())


def _rows() -> Iterator[Row]:
    with scratch_store() as folder:
        space = space_for(team_key(home()))
        version = finish(add_document(space, "offices.txt", b"The office opens at nine.").version)
        fill(space, version)
        place = Place(home())
        _ask(place, 20)
        alone = _p99(_ask(place, QUESTIONS))
        deleting = begin_to_delete(folder)
        time.sleep(5)
        meanwhile = _p99(_ask(place, QUESTIONS))
        said = json.loads(deleting.communicate()[0])
        left = count_old()
        yield Row("longest that it held the lock, in ms", said["longest"] * 1e3, at_most=200)
        yield Row(
            "p99 of a question meanwhile, as a multiple of alone",
            meanwhile / alone,
            at_most=2,
            detail=f"{meanwhile * 1e3:.0f} ms; {alone * 1e3:.0f} ms",
        )
        rate = said["count"] / said["seconds"]
        yield Row("messages left that are too old", left, at_most=0, detail=f"{rate:,.0f}/s")


def begin_to_delete(folder: Path) -> "subprocess.Popen[str]":
    """A process that deletes what is old from the scratch store there, and prints JSON: how many
    messages it deleted, and in seconds how long it took and its longest transaction."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.bench.cleaning", str(folder / "scratch.sqlite3")],
        cwd=settings.BASE_DIR,
        stdout=subprocess.PIPE,
        text=True,
    )


def count_old() -> int:
    return Message.objects.filter(created_at__lt=timezone.now() - timedelta(days=30)).count()


def _ask(place: Place, count: int) -> list[float]:
    """How long each of so many questions takes."""

    async def all_of_them() -> list[float]:
        return [await _answered(place) for _ in range(count)]

    return asyncio.run(all_of_them())


async def _answered(place: Place) -> float:
    began = time.perf_counter()
    async for _ in ask(Question("When does the office open?", place)):
        pass
    return time.perf_counter() - began


def _p99(times: list[float]) -> float:
    return sorted(times)[int(len(times) * 0.99)]


def fill(space: Space, version: DocumentVersion, messages: int = MESSAGES) -> None:
    """Conversations of two questions and two answers, each answer with what it drew on."""
    numbers = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {}) "
    of_number = "printf('%%032x', {} * 2654435761)"
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            numbers.format(messages // A_CONVERSATION)
            + "INSERT INTO chat_conversation (id, title, updated_at, workspace_id) SELECT "
            + of_number.format("i")
            + ", 'question ' || i, '2020-01-01', %s FROM n",
            [home().pk],
        )
        cursor.execute(
            numbers.format(messages)
            + "INSERT INTO chat_message (conversation_id, speaker, text, created_at, category, "
            "provider, notice, used_context, refused) SELECT "
            + of_number.format(f"(i / {A_CONVERSATION})")
            + ", iif(i %% 2, 'assistant', 'user'), printf('%%0300d', i), datetime('2020-01-01', "
            "'+' || i || ' seconds'), 'document', 'gemini', '', i %% 2, 0 FROM n",
            [],
        )
        for table, column, value in (
            ("chat_message_spaces", "space_id", space.pk),
            ("chat_message_versions", "documentversion_id", version.pk),
        ):
            cursor.execute(
                f"INSERT INTO {table} (message_id, {column}) SELECT id, %s FROM chat_message",
                [value],
            )
        cursor.execute(
            "INSERT INTO chat_source (message_id, number, version_id, start, end, excerpt) SELECT "
            "id, 1, %s, 0, 10, printf('%%0300d', id) FROM chat_message WHERE speaker = 'assistant'",
            [version.pk],
        )


def _delete(database: str) -> dict[str, float]:
    """What deleting everything old took, and its longest transaction, in seconds."""
    connections.settings["default"]["NAME"] = database
    held: list[float] = []
    enter, leave = transaction.Atomic.__enter__, transaction.Atomic.__exit__
    since = 0.0

    def entered(atomic: transaction.Atomic) -> None:
        nonlocal since
        enter(atomic)  # waits for the lock
        since = time.perf_counter() if len(connection.savepoint_ids) == 0 else since

    def left(atomic: transaction.Atomic, *error: Any) -> None:
        leave(atomic, *error)
        if not connection.in_atomic_block:
            held.append(time.perf_counter() - since)

    transaction.Atomic.__enter__, transaction.Atomic.__exit__ = entered, left  # type: ignore
    began = time.perf_counter()
    count = delete_old_turns(timezone.now())
    return {"count": count, "longest": max(held), "seconds": time.perf_counter() - began}


if __name__ == "__main__":
    print(json.dumps(_delete(sys.argv[1])))
