"""Reading from Slack: one call of a method at a time, none before Slack wants it, none twice."""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Hashable
from typing import Any, TypeVar

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

logger = logging.getLogger(__name__)

Found = TypeVar("Found")
# Seconds. How long an answer may take, and how long a method rests that gave none.
TIMEOUT = 5.0
REST = 10.0
# Where Slack asks to wait without saying how long.
UNSAID = 30
PAGE = 200
# The same trouble is logged once in this time.
LOG_EVERY = 60.0


class Unread(Exception):
    """Slack did not say. `reason` is its own name for why; `wait` the seconds until it may."""

    def __init__(self, reason: str, wait: float = 0.0, advice: str = "") -> None:
        super().__init__(f"{reason}: {advice}" if advice else reason)
        self.reason, self.wait = reason, wait


class Calls:
    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client
        self._turns: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._resting: dict[str, tuple[float, str]] = {}  # method -> until when, and why
        self._logged: dict[tuple[str, str], float] = {}

    async def ask(self, method: str, expected: Collection[str] = (), **args: Any) -> dict[str, Any]:
        """The answer. Raises Unread, logged unless its reason is expected."""
        # One at a time, so that none is on its way when Slack asks to wait.
        async with self._turns[method]:
            try:
                self._check(method)
                return await self._call(method, args)
            except Unread as error:
                if error.wait:
                    self._resting[method] = (time.monotonic() + error.wait, error.reason)
                if error.reason not in expected:
                    self._log(method, str(error))
                raise

    async def pages(
        self,
        method: str,
        key: str,
        expected: Collection[str] = (),
        until: float = 0.0,
        **args: Any,
    ) -> AsyncIterator[dict[str, Any]]:
        """What all pages list under `key`. Until that time (of the monotonic clock) it goes on
        after a wait that Slack asked for."""
        cursor = ""
        while True:
            more = {"cursor": cursor} if cursor else {}
            body = await self._patiently(until, method, expected, limit=PAGE, **args, **more)
            for item in body.get(key) or ():
                yield item
            cursor = (body.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return

    async def _patiently(
        self, until: float, method: str, *args: Any, **more: Any
    ) -> dict[str, Any]:
        while True:
            try:
                return await self.ask(method, *args, **more)
            except Unread as error:
                if error.reason != "ratelimited" or time.monotonic() + error.wait > until:
                    raise
                await asyncio.sleep(error.wait)

    def _check(self, method: str) -> None:
        until, reason = self._resting.get(method, (0.0, ""))
        if (wait := until - time.monotonic()) > 0:
            raise Unread(reason, wait)

    async def _call(self, method: str, args: dict[str, Any]) -> dict[str, Any]:
        try:
            async with asyncio.timeout(TIMEOUT):
                answer = await self._client.api_call(method, http_verb="GET", params=args)
        except SlackApiError as error:
            raise _unread(error) from None
        except (aiohttp.ClientError, SlackClientError, OSError, ValueError) as error:
            raise Unread(type(error).__name__, wait=REST) from None
        if not isinstance(answer.data, dict):
            raise Unread("no JSON", wait=REST)
        return answer.data

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


def _unread(error: SlackApiError) -> Unread:
    response = error.response
    status = getattr(response, "status_code", None) or getattr(response, "status", None) or 0
    body = getattr(response, "data", None)
    body = body if isinstance(body, dict) else {}
    reason = "ratelimited" if status == 429 else str(body.get("error") or f"HTTP {status}")
    asked = str(response.headers.get("Retry-After", ""))
    if reason == "ratelimited" or asked.isdigit():
        return Unread(reason, wait=int(asked) if asked.isdigit() else UNSAID)
    if reason == "missing_scope":
        return Unread(
            reason, advice=f"add the bot scope {body.get('needed')} and reinstall the app"
        )
    return Unread(reason, wait=REST if status >= 500 else 0.0)


class Flights:
    """Whoever needs what is just being read waits for that reading, also when others give up."""

    def __init__(self) -> None:
        self._tasks: dict[Hashable, asyncio.Task[Any]] = {}

    async def join(self, key: Hashable, read: Callable[[], Awaitable[Found]]) -> Found:
        if key not in self._tasks:
            task = self._tasks[key] = asyncio.ensure_future(read())
            task.add_done_callback(lambda _: self._tasks.pop(key))
        found: Found = await asyncio.shield(self._tasks[key])
        return found

    async def close(self) -> None:
        """End what is being read."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
