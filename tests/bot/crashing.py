"""Bots that are killed: `python -m tests.bot.crashing MODULE` forks one process for each order.

MODULE is the platform's: its `hurried(seconds)` names what waits less, a request for so many
seconds; its `earlier(mark, seconds)` is the mark of a time so much earlier; its CALLER is the pair
of class and method through which every call to the platform goes.

An order is a line of JSON: {"do": ROLE, "out": FILE, "die_at": STEP, …}. A step lies before and
after every SQL statement that writes and every call to the platform; at the step `die_at`, or when
the function named by `die_in` is called, the process kills itself. The answer is its process id.
The order {"wait": PID} is answered with its exit status once it ended, {"poll": PID} with that or
null.
"""

import asyncio
import ctypes
import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")
django.setup()

from django.core.management import call_command  # noqa: E402
from django.db.backends.signals import connection_created  # noqa: E402

from backend import db  # noqa: E402
from backend.accounts.claiming import claim  # noqa: E402
from backend.accounts.spaces import home, space_for, team_key  # noqa: E402
from backend.ingesting import finish, work_on_next  # noqa: E402
from bot import leases, models, responder  # noqa: E402
from bot.respond import respond  # noqa: E402
from knowledge.embedding import EMBEDDERS  # noqa: E402
from knowledge.ingestion import add_document  # noqa: E402
from knowledge.models import Document  # noqa: E402
from knowledge.providers import gemini  # noqa: E402, F401
from management import worker  # noqa: E402
from tests.backend.stored import everything_stored  # noqa: E402
from tests.bot import hurrying  # noqa: E402
from tests.knowledge.fake_embedder import DOTTED  # noqa: E402

Order = dict[str, Any]

EMBEDDERS["local"] = DOTTED
PLATFORM = import_module(sys.argv[1])
PR_SET_PDEATHSIG = 1
# Seconds.
LEASE = 4.5


def hurry(lease: float) -> None:
    """Everything that waits waits less."""
    for module, name, value in [*hurrying.hurried(lease), *PLATFORM.hurried(lease / 3)]:
        setattr(module, name, value)


def migrate(order: Order) -> None:
    call_command("migrate", verbosity=0)
    space = space_for(team_key(home()))
    version = finish(add_document(space, "offices.txt", order["text"].encode()).version)
    assert version.state == "ready", version.reason
    if claimed := order.get("claim"):
        claim(*claimed)


def run_bot(order: Order) -> None:
    """The process itself, which ends at a signal. Its file appears once it is connected."""
    hurry(order.get("lease", LEASE))
    connected = responder.Responder.connected

    def told(self: responder.Responder, platform: Any) -> None:
        Path(order["out"]).touch()
        connected(self, platform)

    responder.Responder.connected = told  # type: ignore[method-assign]
    db.MAX_ATTEMPTS = order.get("attempts", db.MAX_ATTEMPTS)
    call_command("run_bot")


def report(order: Order) -> dict[str, Any]:
    items = models.InboxItem.objects.all()
    return {
        "open": [_told(item) for item in items.filter(settled=False)],
        "items": {i.message: [i.state, i.attempts, i.reason] for i in items},
        "marks": sorted(models.ReadMark.objects.values_list("channel", "read_until")),
        "documents": sorted(Document.objects.kept().values_list("name", flat=True)),
    }


def read(order: Order) -> None:
    """What a worker does, as long as there is something to do."""
    while work_on_next():
        pass


def run_worker(order: Order) -> None:
    """The process itself, which ends at a signal."""
    call_command("run_worker")


def _told(item: models.InboxItem) -> str:
    parts = [f"{part.state} {part.message}" for part in item.parts.all()]
    return f"{item.message} {item.text} {item.state} {item.attempts} {item.reason} {parts}"


def age(order: Order) -> None:
    """As if the platform had been read back so much earlier."""
    for mark in models.ReadMark.objects.all():
        mark.read_until = PLATFORM.earlier(mark.read_until, order["seconds"])
        mark.save()


def find(order: Order) -> list[str]:
    """Where any of the words stands in any store, once a worker has swept: `table: row`."""
    worker.sweep()
    found, table = [], ""
    for line in everything_stored().splitlines():
        table = line if line.isidentifier() else table
        found += [f"{table}: {line}" for word in order["words"] if word in line]
    return found


ROLES: dict[str, Callable[[Order], Any]] = {
    role.__name__: role for role in (migrate, run_bot, run_worker, report, read, age, find)
}


class Steps:
    """Counts the steps of this process, and kills it at one of them."""

    def __init__(self, die_at: int | None) -> None:
        self._count, self._die_at, self._lock = 0, die_at, threading.Lock()

    def watch(self) -> None:
        connection_created.connect(self._connected, weak=False)
        caller, name = PLATFORM.CALLER
        call = getattr(caller, name)

        async def stepping(client: Any, *arguments: Any, **named: Any) -> Any:
            self._step()
            answer = await call(client, *arguments, **named)
            self._step()
            return answer

        setattr(caller, name, stepping)

    def _connected(self, connection: Any, **_: Any) -> None:
        connection.execute_wrappers.append(self._statement)

    def _statement(self, execute: Callable[..., Any], sql: str, *arguments: Any) -> Any:
        writes = sql.startswith(("INSERT", "UPDATE", "DELETE"))
        if writes:
            self._step()
        result = execute(sql, *arguments)
        if writes:
            self._step()
        return result

    def _step(self) -> None:
        with self._lock:
            self._count += 1
            if self._count == self._die_at:
                die()


def die_in(name: str, call: int, *, before: bool) -> None:
    """Let the process die at this call of a function of the product, or as it returns."""
    module_name, _, function = name.rpartition(".")
    module, left = import_module(module_name), call
    inner = getattr(module, function)

    def deadly(*arguments: Any, **named: Any) -> Any:
        nonlocal left
        left -= 1
        if before and not left:
            die()
        result = inner(*arguments, **named)
        if not left:
            die()
        return result

    setattr(module, function, deadly)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def be(order: Order) -> None:
    """Carry out the order in this process."""
    if "die_at" in order:
        Steps(order["die_at"]).watch()
    if "die_in" in order:
        die_in(order["die_in"], order["call"], before=order["before"])
    if poison := order.get("poison"):
        _die_of(poison)
    result = ROLES[order["do"]](order)
    Path(order["out"]).write_text(json.dumps({"result": result}))


def _die_of(poison: str) -> None:
    """Whoever would answer these words dies a moment later."""
    inner = respond

    async def deadly(held: leases.Held, platform: Any) -> None:
        if poison in held.item.text and held.item.state == models.ItemState.CLAIMED:
            await asyncio.sleep(0.1)
            die()
        await inner(held, platform)

    responder.respond = deadly  # type: ignore[attr-defined]


def main() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        if (pid := order.get("wait") or order.get("poll")) is not None:
            done, status = os.waitpid(pid, 0 if "wait" in order else os.WNOHANG)
            print(os.waitstatus_to_exitcode(status) if done else "null", flush=True)
        elif pid := os.fork():
            print(pid, flush=True)
        else:
            code = 1
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # none outlives the test
            try:
                be(order)
                code = 0
            finally:
                sys.stderr.flush()
                os._exit(code)


if __name__ == "__main__":
    main()
