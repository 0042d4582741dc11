"""A database thread that commits together what waits for it together: a commit waits for the disk
longer than most work takes, and the more that is under way at once the more shares one wait."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar

from django.db import DatabaseError, IntegrityError, connection, transaction

P = ParamSpec("P")
R = TypeVar("R")

# Seconds for which one transaction takes up further work: others wait for the lock meanwhile.
FILLS_FOR = 0.02


class CommittingThread:
    """Calls functions of the database, each wholly or not at all, in the order in which they came.
    What one of them raises is its caller's alone. A caller hears the outcome once it is committed;
    where the commit fails, that is the outcome of all that it was for, unless one of them broke a
    constraint: then each is done once more, by itself.

    The connection is kept until something fails.
    """

    def __init__(self, name: str) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._waiting: deque[_Call] = deque()

    async def __call__(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """The function's result. It is not begun where the caller is cancelled before."""
        call = _Call(lambda: function(*args, **kwargs))
        self._waiting.append(call)
        self._thread.submit(self._work)
        result: R = await call.outcome
        return result

    def _work(self) -> None:
        if (first := self._next()) is None:  # done with what was waiting before
            return
        calls = [first]
        with _Kept() as whole, transaction.atomic():
            self._run_all(calls)
        try:
            if whole.error is not None:
                self._settle(calls, whole.error)
        finally:
            _tell(calls)

    def _settle(self, calls: "list[_Call]", error: BaseException) -> None:
        """The commit failed, or a hook that was called after it."""
        again = len(calls) > 1 and isinstance(error, IntegrityError)
        failed = [call for call in calls if call.error is None]
        for call in failed:
            call.error = error
        connection.close()  # it may be of no use any more
        for call in failed if again else ():
            self._run_alone(call)

    def _run_alone(self, call: "_Call") -> None:
        call.error = None
        with _Kept() as whole, transaction.atomic():
            call.run(savepoint=False)
        if whole.error is not None:
            call.error = call.error or whole.error
            connection.close()

    def _run_all(self, calls: "list[_Call]") -> None:
        """Run the call, and add those that come meanwhile."""
        until = time.monotonic() + FILLS_FOR
        calls[0].run(savepoint=bool(self._waiting))
        while time.monotonic() < until and not connection.needs_rollback:
            if (call := self._next()) is None:
                return
            calls.append(call)
            call.run(savepoint=True)
        if connection.needs_rollback and not all(call.error for call in calls):
            raise DatabaseError("what was done together can't be kept")

    def _next(self) -> "_Call | None":
        while self._waiting:
            call = self._waiting.popleft()
            if not call.outcome.cancelled():
                return call
        return None


def _tell(calls: "list[_Call]") -> None:
    """Wake every event loop once."""
    for loop in {call.loop for call in calls}:
        with suppress(RuntimeError):  # it is closed, and nobody waits in it any more
            loop.call_soon_threadsafe(_tell_those_of, loop, calls)


def _tell_those_of(loop: asyncio.AbstractEventLoop, calls: "list[_Call]") -> None:
    for call in calls:
        if call.loop is loop:
            call.tell()


class _Kept:
    """Keeps what is raised within it, whatever that is."""

    error: BaseException | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        self.error = error
        return True


class _Call(_Kept):
    def __init__(self, run: Callable[[], Any]) -> None:
        self._run = run
        self.loop = asyncio.get_running_loop()
        self.outcome: asyncio.Future[Any] = self.loop.create_future()
        self.result: Any = None

    def run(self, *, savepoint: bool) -> None:
        with self, transaction.atomic(savepoint=savepoint):
            self.result = self._run()

    def tell(self) -> None:
        if self.outcome.cancelled():
            return
        if isinstance(self.error, StopIteration):  # which no future can hold
            self.error = RuntimeError("what was called raised StopIteration")
        if self.error is not None:
            self.outcome.set_exception(self.error)
        else:
            self.outcome.set_result(self.result)
