"""An item that this process works on, and for how long it may still send."""

import asyncio
import time
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bot.claims import LEASE
from bot.models import InboxItem
from knowledge.errors import LeaseLost

# Seconds after which a call to a platform is given up. A lease outlasts it wherever something is
# sent, so that two owners never send at the same time.
REQUEST_TIMEOUT = 5.0

Result = TypeVar("Result")


@dataclass(eq=False)
class Held:
    item: InboxItem
    until: float = field(default_factory=lambda: time.monotonic() + LEASE.total_seconds())
    lost: asyncio.Event = field(default_factory=asyncio.Event)

    def may_send(self) -> None:
        """Raises LeaseLost where the lease might end before a call does."""
        if self.lost.is_set() or time.monotonic() + REQUEST_TIMEOUT > self.until:
            raise LeaseLost()

    async def pause(self, seconds: float) -> None:
        """Wait, unless the item is lost meanwhile: then raises LeaseLost."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.lost.wait()
        if self.lost.is_set():
            raise LeaseLost()

    async def while_ours(self, work: Coroutine[Any, Any, Result]) -> Result:
        """The result of `work`, which is broken off when the item is lost."""
        working = asyncio.ensure_future(work)
        losing = asyncio.ensure_future(self.lost.wait())
        try:
            await asyncio.wait({working, losing}, return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                raise LeaseLost()
            return working.result()
        finally:
            losing.cancel()
            working.cancel()
            await asyncio.gather(working, losing, return_exceptions=True)
