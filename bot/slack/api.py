"""Slack's Web API for one installation: every call says for certain how it ended.

Calls of one method (posts: of one method and channel) go one at a time and never before Slack
wants them again, so that none is on its way when Slack asks to wait.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import NotNow, Refused, Resting, Unclear, Unreachable
from bot.leases import REQUEST_TIMEOUT

# Nothing works until an admin mends the installation.
NOT_LET_IN = {
    "account_inactive",
    "invalid_auth",
    "not_authed",
    "not_allowed_token_type",
    "org_login_required",
    "team_access_not_granted",
    "token_expired",
    "token_revoked",
}
# Slack's own trouble: what was asked may have been done all the same.
FAULTS = {"fatal_error", "internal_error", "request_timeout", "service_unavailable"}
# Where Slack asks to wait without saying how long, in seconds.
UNSAID_WAIT = 30.0
READING = ("auth.", "conversations.", "files.", "users.")
# Counted by Slack for each channel; the rest for the whole workspace.
BY_CHANNEL = {"chat.postMessage", "chat.postEphemeral"}
# Seconds in which what gave no answer is asked for only where it must be.
REST = 10.0
ASKED = "ratelimited"
# Seconds in a queue after which what is meant for now is thought over.
LONG_QUEUE = 1.0
# Waiting longer than this, in seconds, is worth a word to whoever waits.
LONG_WAIT = 3.0


# Entries of one page of a list.
PAGE = 200


async def pages(
    call: Callable[..., Awaitable[dict[str, Any]]], key: str, **args: Any
) -> AsyncGenerator[dict[str, Any]]:
    """What all pages of a call list under `key`."""
    cursor: dict[str, str] = {}
    while True:
        answer = await call(limit=PAGE, **args, **cursor)
        for found in answer.get(key) or ():
            yield found
        following = (answer.get("response_metadata") or {}).get("next_cursor")
        if not following:
            return
        cursor = {"cursor": following}


@dataclass
class _Gate:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    shut_until: float = 0.0
    rests_until: float = 0.0

    @property
    def wait(self) -> float:
        return self.shut_until - time.monotonic()

    def check(self) -> None:
        """Raises NotNow where Slack asked to wait, or gave no answer just before."""
        if self.wait > 0:
            raise NotNow(ASKED, self.wait)
        if (rest := self.rests_until - time.monotonic()) > 0:
            raise NotNow("no answer", rest)


class SlackApi:
    def __init__(self, client: AsyncWebClient) -> None:
        self.client = client
        self._gates: dict[str, _Gate] = defaultdict(_Gate)

    async def call(
        self, method: str, *, optional: bool = False, now: bool = False, **args: Any
    ) -> dict[str, Any]:
        """Slack's answer. A call that is meant for now, or is optional, raises NotNow where it
        would have to wait; an optional one also where Slack did not answer just before.

        Raises DeliveryError.
        """
        gate = self._gate(method, args)
        if optional:
            gate.check()
        queued = time.monotonic()
        async with gate.lock:
            if now and time.monotonic() - queued > LONG_QUEUE:
                raise NotNow()
            while True:
                if optional:
                    gate.check()
                if now and gate.wait > 0:
                    raise NotNow(ASKED, gate.wait)
                await asyncio.sleep(max(0.0, gate.wait))
                try:
                    return await self._call(method, args)
                except _AskedToWait as asked:
                    gate.shut_until = time.monotonic() + asked.seconds
                except (Unclear, Unreachable):
                    gate.rests_until = time.monotonic() + REST
                    raise

    async def turn(self, method: str, on_wait: Callable[[], Awaitable[None]], **args: Any) -> None:
        """Wait until Slack takes this method again; `on_wait` is called if that takes long."""
        gate = self._gate(method, args)
        if gate.wait > LONG_WAIT:
            await on_wait()
        await asyncio.sleep(max(0.0, gate.wait))

    def _gate(self, method: str, args: dict[str, Any]) -> _Gate:
        channel = args.get("channel", "") if method in BY_CHANNEL else ""
        return self._gates[f"{method} {channel}"]

    async def _call(self, method: str, args: dict[str, Any]) -> dict[str, Any]:
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT):
                # What only reads takes no JSON.
                how: dict[str, Any] = {"json": args}
                if method.startswith(READING):
                    how = {"http_verb": "GET", "params": args}
                answer = await self.client.api_call(method, **how)
        except SlackApiError as error:
            raise _of_answer(method, error) from None
        except aiohttp.ClientConnectorError:
            raise Unreachable("Slack can't be reached") from None
        except (aiohttp.ClientError, SlackClientError, OSError, ValueError) as error:
            raise Unclear(f"Slack, {method}: {type(error).__name__}") from None
        return dict(answer.data) if isinstance(answer.data, dict) else {}


class _AskedToWait(Exception):
    def __init__(self, seconds: float) -> None:
        self.seconds = seconds


def _of_answer(method: str, error: SlackApiError) -> Exception:
    """What Slack's refusal means."""
    status = getattr(error.response, "status_code", None) or getattr(error.response, "status", 0)
    data = getattr(error.response, "data", None)
    code = str(data.get("error") or "") if isinstance(data, dict) else ""
    if status == 429 or code == "ratelimited":
        return _AskedToWait(_retry_after(error))
    if not code or code in FAULTS:
        return Unclear(f"Slack, {method}: {code or f'HTTP {status}'}")
    if code in NOT_LET_IN:
        return Resting(f"Slack says {code}")
    needed = str((data or {}).get("needed") or "")
    scope = f", needs the scope {needed}" if needed else ""
    return Refused(f"{method}: {code}{scope}", code, needed)


def _retry_after(error: SlackApiError) -> float:
    headers = {name.lower(): value for name, value in (error.response.headers or {}).items()}
    try:
        return max(0.0, float(headers.get("retry-after", UNSAID_WAIT)))
    except ValueError:
        return UNSAID_WAIT
