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

    Each thread keeps its database connection until something fails: opening one takes longer than
    most queries.
    """

    def __init__(self, name: str, threads: int) -> None:
        self._threads = ThreadPoolExecutor(max_workers=threads, thread_name_prefix=name)

    async def __call__(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a function that blocks."""

        def run() -> R:
            try:
                return function(*args, **kwargs)
            except Error:  # the connection may be of no use any more
                connection.close()
                raise

        return await asyncio.get_running_loop().run_in_executor(self._threads, run)


# Retrieval, embedding and loading indexes.
in_pool = Pool("knowledge", threads=4)
