"""Reading from Slack what a question needs: nobody waits for it long, and nothing is read twice."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Hashable
from functools import partial
from typing import Any, TypeVar

from bot.errors import DeliveryError, NotNow, Refused, Resting
from bot.slack.api import ASKED, REST, SlackApi, pages
from knowledge.errors import LeaseLost

logger = logging.getLogger(__name__)

Found = TypeVar("Found")
# The same trouble is logged once in this time.
LOG_EVERY = 60.0


class Unread(Exception):
    """Slack did not say. `reason` is its own name for why; `wait` the seconds until it may."""

    def __init__(self, reason: str, wait: float = 0.0, advice: str = "") -> None:
        super().__init__(f"{reason}: {advice}" if advice else reason)
        self.reason, self.wait = reason, wait


class Calls:
    def __init__(self, api: SlackApi) -> None:
        self._api = api
        self._logged: dict[tuple[str, str], float] = {}

    async def ask(self, method: str, expected: Collection[str] = (), **args: Any) -> dict[str, Any]:
        """The answer. Raises Unread, logged unless its reason is expected, and Resting."""
        try:
            return await self._call(method, args)
        except Unread as error:
            if error.reason not in expected:
                self._log(method, str(error))
            raise

    def pages(
        self,
        method: str,
        key: str,
        expected: Collection[str] = (),
        until: float = 0.0,
        **args: Any,
    ) -> AsyncIterator[dict[str, Any]]:
        """What all pages list under `key`. Until that time (of the monotonic clock) it goes on
        after a wait that Slack asked for."""
        return pages(partial(self._patiently, until, method, expected), key, **args)

    async def _patiently(
        self, until: float, method: str, *args: Any, **more: Any
    ) -> dict[str, Any]:
        while True:
            try:
                return await self.ask(method, *args, **more)
            except Unread as error:
                if error.reason != ASKED or time.monotonic() + error.wait > until:
                    raise
                await asyncio.sleep(error.wait)

    async def _call(self, method: str, args: dict[str, Any]) -> dict[str, Any]:
        try:
            return await self._api.call(method, optional=True, **args)
        except Resting:  # it is not one question that Slack leaves open
            raise
        except NotNow as error:
            raise Unread(error.detail, error.seconds) from None
        except Refused as error:
            advice = f"add the bot scope {error.needed} and reinstall the app"
            raise Unread(error.code, advice=advice if error.needed else "") from None
        except DeliveryError as error:
            raise Unread(str(error), REST) from None

    def _log(self, method: str, what: str) -> None:
        now = time.monotonic()
        if now - self._logged.get((method, what), -LOG_EVERY) < LOG_EVERY:
            return
        self._logged[method, what] = now
        logger.warning(
            "Slack does not answer %s (%s). Until it does, answers leave out what not everyone "
            "may be meant to read.",
            method,
            what,
        )


class Flights:
    """Whoever needs what is just being read waits for that reading, also when others give up."""

    def __init__(self) -> None:
        self._tasks: dict[Hashable, asyncio.Task[Any]] = {}

    async def join(self, key: Hashable, read: Callable[[], Awaitable[Found]]) -> Found:
        if key not in self._tasks:
            task = self._tasks[key] = asyncio.ensure_future(read())
            task.add_done_callback(lambda done: self._over(key, done))
        reading = self._tasks[key]
        try:
            found: Found = await asyncio.shield(reading)
        except asyncio.CancelledError:
            waiting = asyncio.current_task()
            if reading.cancelled() and waiting is not None and not waiting.cancelling():
                raise LeaseLost() from None  # closed: the item is for the next process
            raise
        return found

    def _over(self, key: Hashable, done: asyncio.Task[Any]) -> None:
        del self._tasks[key]
        if not done.cancelled():
            done.exception()  # nobody may wait for it any more

    async def close(self) -> None:
        """End what is being read."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
