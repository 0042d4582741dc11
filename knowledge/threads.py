"""Bounded pools of threads for work that blocks, so that the event loop never waits for it."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import Error, connection

P = ParamSpec("P")
R = TypeVar("R")


class Pool:
    """Threads of its own for one kind of work: what must be quick never waits behind the rest.

    Each call closes its thread's database connection, unless the pool keeps it: opening one takes
    longer than most queries.
    """

    def __init__(self, name: str, threads: int, *, keeps_connection: bool = False) -> None:
        self._threads = ThreadPoolExecutor(max_workers=threads, thread_name_prefix=name)
        self._keeps_connection = keeps_connection

    async def __call__(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a function that blocks."""

        def run() -> R:
            keep = self._keeps_connection
            try:
                return function(*args, **kwargs)
            except Error:  # the connection may be of no use any more
                keep = False
                raise
            finally:
                if not keep:
                    connection.close()

        return await asyncio.get_running_loop().run_in_executor(self._threads, run)


# Retrieval, embedding and loading indexes.
in_pool = Pool("knowledge", threads=4)
