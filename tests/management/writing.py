"""One of several processes that write into the same store: `python -m tests.management.writing ROLE
SECONDS RATE FOLDER`. It writes at most so often a second, by the product's functions, and prints
as JSON how many seconds each write took, waiting included, and how often the database was locked.
"""

import asyncio
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")
django.setup()

from asgiref.sync import async_to_sync  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import OperationalError  # noqa: E402
from django.db.backends.signals import connection_created  # noqa: E402
from django.db.backends.sqlite3.base import DatabaseWrapper  # noqa: E402

from backend import db  # noqa: E402
from backend.accounts.audience import Place  # noqa: E402
from backend.accounts.models import Membership, Role, User  # noqa: E402
from backend.accounts.spaces import home, space_for, team_key  # noqa: E402
from backend.chat.asking import Question, ask  # noqa: E402
from backend.ingesting import work_on_next  # noqa: E402
from backend.jobs import leading, slots  # noqa: E402
from backend.jobs.registry import JOBS  # noqa: E402
from bot import claims, inbox, ledger  # noqa: E402
from bot.models import ItemState  # noqa: E402
from bot.threads import in_inbox  # noqa: E402
from knowledge.embedding import EMBEDDERS  # noqa: E402
from knowledge.ingestion import add_document  # noqa: E402
from management.ingest_files import Listed, ingest  # noqa: E402
from tests.bot.items import said  # noqa: E402
from tests.knowledge.fake_embedder import DOTTED  # noqa: E402

EMBEDDERS["local"] = DOTTED
TEXT = "The heron number {} waits by the river.\n\n" + "It eats fish, and sleeps by day. " * 60
Step = Iterator[None]


class Writes:
    """Every transaction that wrote, and every statement that did so by itself."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.locked = 0
        self._open = threading.local()

    def watch(self) -> None:
        connection_created.connect(self._connected, weak=False)
        commit = DatabaseWrapper.commit

        def committing(connection: Any) -> None:
            self._counting(lambda: commit(connection))
            if getattr(self._open, "wrote", False):
                self.seconds.append(time.monotonic() - self._open.since)
            self._open.wrote = False

        DatabaseWrapper.commit = committing  # type: ignore[method-assign, assignment]

    def _connected(self, connection: Any, **_: Any) -> None:
        connection.execute_wrappers.append(self._statement)

    def _statement(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        since = time.monotonic()
        if sql.startswith("BEGIN"):
            self._open.since, self._open.wrote = since, False
        result = self._counting(lambda: execute(sql, params, many, context))
        if sql.startswith(("INSERT", "UPDATE", "DELETE")):
            if context["connection"].in_atomic_block:
                self._open.wrote = True
            else:
                self.seconds.append(time.monotonic() - since)
        return result

    def _counting(self, work: Callable[[], Any]) -> Any:
        try:
            return work()
        except OperationalError as error:
            self.locked += "locked" in str(error)
            raise


def page(_: Path) -> Step:
    """Somebody brings files to the page, for the worker to read, and asks."""
    person = User.objects.create(email="ana@example.org")
    Membership.objects.create(user=person, workspace=home(), role=Role.MEMBER)
    place, space = Place(home(), user=person), space_for(team_key(home()))

    async def asked(text: str) -> None:
        async for _ in ask(Question(text, place)):
            pass

    for number in count():
        add_document(space, f"brought-{number % 200}.txt", TEXT.format(f"b{number}").encode())
        yield
        async_to_sync(asked)("Where does the heron wait?")
        yield


def chat(_: Path) -> Step:
    """Questions of people in chat, from the inbox to the ledger."""

    async def one(number: int) -> None:
        await in_inbox(inbox.take, said(f"{number}.1"))
        item = await in_inbox(claims.claim, ["slack"])
        assert item is not None
        await in_inbox(claims.decide, item, ItemState.ANSWERED, ["It waits by the river."])
        for part in await in_inbox(ledger.parts_of, item):
            await in_inbox(ledger.opening, part)
            await in_inbox(ledger.opened, part, f"{number}.2")
            await in_inbox(ledger.sent, part)
        assert await in_inbox(claims.settle, item)

    with asyncio.Runner() as runner:
        for number in count(1):
            runner.run(one(number))
            yield


def work(_: Path) -> Step:
    while True:
        work_on_next()
        yield


def schedule(_: Path) -> Step:
    """One job after the other, asked for, claimed, begun and ended, by who has the lead."""
    lead = leading.take_lead()
    assert lead is not None
    with db.held(lead, leading.LEASE) as keep:
        for number in count():
            job = [*JOBS.values()][number % len(JOBS)]
            slots.ask_for(job)
            while (slot := slots.claim(job, db.clock())) is not None:
                assert slots.begin(slot) and slots.finish(slot, "Nothing was to be done.")
                yield
            keep()


def bring(folder: Path) -> Step:
    """Files that change, by the `ingest` command's function."""
    space = space_for(team_key(home()))
    for number in count():
        path = folder / f"ingested-{number % 100}.txt"
        path.write_text(TEXT.format(f"i{number}"))
        assert ingest(space, Listed(path, in_folder=False)).outcome in ("ingested", "replaced")
        yield


ROLES = {role.__name__: role for role in (page, chat, work, schedule, bring)}


def main(role: str, seconds: float, rate: float, folder: Path) -> None:
    if role == "migrate":
        call_command("migrate", verbosity=0)
        space_for(team_key(home()))
        return
    writes = Writes()
    writes.watch()
    steps, begun = ROLES[role](folder), time.monotonic()
    while (past := time.monotonic() - begun) < seconds:
        if len(writes.seconds) > past * rate:
            time.sleep(0.005)
        else:
            before = len(writes.seconds)
            next(steps)
            if len(writes.seconds) == before:
                time.sleep(0.02)
    print(json.dumps({"seconds": writes.seconds, "locked": writes.locked}))


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), float(sys.argv[3]), Path(sys.argv[4]))
    sys.stdout.flush()
    os._exit(0)  # threads of the database wait for ever
