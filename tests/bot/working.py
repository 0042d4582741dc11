"""A worker beside the bot, in the test's own event loop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from backend.ingesting import work_on_next
from knowledge.threads import in_pool


@asynccontextmanager
async def working() -> AsyncIterator[None]:
    """A worker beside the bot."""

    async def work() -> None:
        while True:
            if not await in_pool(work_on_next):
                await asyncio.sleep(0.05)

    task = asyncio.create_task(work())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
