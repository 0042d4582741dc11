"""Discord's REST API: every call says for certain how it ended.

discord.py keeps the pace that Discord's buckets allow and sends again what the server failed at;
whoever opens a message gives a nonce, so that it comes once. The waits that Discord asks for are
not slept through: they end the call.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeVar

import aiohttp
import discord
from discord.http import Route

from bot.discord.waits import Waits
from bot.errors import DeliveryError, NotNow, Refused, Resting, Unclear, Unreachable
from bot.leases import REQUEST_TIMEOUT

# Seconds until what found no turn is tried again.
WAIT = 1.0
# For what is given up to close its connection.
CLOSING = 0.1
UNKNOWN_CHANNEL, UNKNOWN_MESSAGE, UNKNOWN_WEBHOOK = "10003", "10008", "10015"
UNKNOWN_MEMBER, UNKNOWN_USER, FORBIDDEN = "10007", "10013", "50013"
INVALID = "50035"
EXPIRED_TOKEN, MISSING_ACCESS, THREAD_EXISTS = "50027", "50001", "160004"
# What was there has gone; nothing is left to do for it.
GONE = {UNKNOWN_CHANNEL, UNKNOWN_MESSAGE}

FIRST = asyncio.FIRST_COMPLETED

JSON = dict[str, Any]
Result = TypeVar("Result")


@dataclass
class _Sending:
    """How far the present call got."""

    once: bool
    may_have_arrived: bool = False
    failed: bool = False
    done: bool = False
    # The whole answer, once Discord did what was asked.
    answer: asyncio.Future[bytes] = field(default_factory=asyncio.Future)


class _Failed(Exception):
    """The server failed at what must not be sent again."""


_sending: ContextVar[_Sending | None] = ContextVar("sending", default=None)


def trace() -> aiohttp.TraceConfig:
    """Obeys the waits that Discord asks for, and notes whether a call went out, for a call that is
    given up may only have waited its turn."""
    waits = Waits()

    async def started(_: object, __: object, params: aiohttp.TraceRequestStartParams) -> None:
        waits.before(params)
        if (sending := _sending.get()) is not None:
            sending.may_have_arrived = True

    async def ended(_: object, __: object, params: aiohttp.TraceRequestEndParams) -> None:
        if (sending := _sending.get()) is not None:
            _note(sending, params.response.status)
        waits.after(params)

    config = aiohttp.TraceConfig()
    config.on_request_start.append(started)
    config.on_request_end.append(ended)
    config.on_response_chunk_received.append(_read)
    return config


def _note(sending: _Sending, status: int) -> None:
    """This is when the head of the answer came; a refusal certainly had no effect."""
    sending.failed |= status >= 500
    sending.done = status < 300
    if 400 <= status < 500:
        sending.may_have_arrived = sending.failed
    if sending.once and sending.failed:
        raise _Failed()


async def _read(_: object, __: object, params: aiohttp.TraceResponseChunkReceivedParams) -> None:
    if (sending := _sending.get()) is not None and sending.done and not sending.answer.done():
        sending.answer.set_result(params.chunk)


class DiscordApi:
    """`client` was made with `http_trace=trace()`."""

    def __init__(self, client: discord.Client) -> None:
        self._http = client.http
        self._held_back: set[asyncio.Future[Any]] = set()

    async def call(
        self,
        method: str,
        path: str,
        *,
        once: bool = False,
        body: Any = None,
        file: discord.File | None = None,
        **ids: Any,
    ) -> Any:
        """Discord's answer. `ids` fill the path, what is left of them is the query; `once`: it is
        not sent again after a failure of the server. Raises DeliveryError."""
        named = {name: ids.pop(name) for name in list(ids) if f"{{{name}}}" in path}
        how: JSON = {"params": ids} if ids else {}
        if file is not None:
            how |= {"files": [file], "form": _form(body, file)}
        elif body is not None:
            how["json"] = body
        making = self._http.request(Route(method, path, **named), **how)
        return await self.run(f"{method} {path}", making, once=once, read=_json)

    async def run(
        self,
        what: str,
        making: Awaitable[Result],
        *,
        once: bool = False,
        read: Callable[[bytes], Result] | None = None,
    ) -> Result:
        """The result of a call of discord.py's, which holds it back where the next call of its
        kind must wait; not where `read` makes it of the answer. Raises DeliveryError."""
        sending = _Sending(once)
        before = _sending.set(sending)
        call = asyncio.ensure_future(making)
        _sending.reset(before)
        try:
            either: set[asyncio.Future[Any]] = {call, sending.answer}
            await asyncio.wait(either, timeout=REQUEST_TIMEOUT, return_when=FIRST)
            if not call.done() and sending.answer.done():
                if read is not None:
                    self._hold(call)
                    return read(sending.answer.result())
                await asyncio.wait({call})
            if not call.done():
                raise _waited(what, sending, WAIT)
            return call.result()
        except _Failed:
            raise Unclear(f"Discord, {what}: a fault of the server") from None
        except discord.RateLimited as error:
            raise _waited(what, sending, error.retry_after) from None
        except discord.HTTPException as error:
            raise _of_answer(what, error) from None
        except aiohttp.ClientConnectorError:
            raise Unreachable("Discord can't be reached") from None
        except (aiohttp.ClientError, OSError) as error:
            raise Unclear(f"Discord, {what}: {type(error).__name__}") from None
        finally:
            if not (call.done() or call in self._held_back):
                call.cancel()
                await asyncio.wait({call}, timeout=CLOSING)

    def _hold(self, call: asyncio.Future[Any]) -> None:
        """It was answered, and goes on until the next call may go out."""
        self._held_back.add(call)
        call.add_done_callback(self._held_back.discard)


def _form(body: Any, file: discord.File) -> list[JSON]:
    return [
        {"name": "payload_json", "value": json.dumps(body)},
        {
            "name": "files[0]",
            "value": file.fp,
            "filename": file.filename,
            "content_type": "application/octet-stream",
        },
    ]


def _json(answer: bytes) -> Any:
    return json.loads(answer) if answer else ""


def _waited(call: str, sending: _Sending, seconds: float) -> DeliveryError:
    """What it means that a call was over before it was answered."""
    if sending.may_have_arrived:
        return Unclear(f"Discord, {call}: no answer in time")
    return NotNow("Discord's rate limit", seconds)


def _of_answer(call: str, error: discord.HTTPException) -> DeliveryError:
    """What Discord's refusal means."""
    if error.status == 401 and error.code != int(EXPIRED_TOKEN):
        return Resting("Discord refuses DISCORD_TOKEN (401)")
    if error.status >= 500:
        return Unclear(f"Discord, {call}: HTTP {error.status}")
    return Refused(f"{call}: {error.text or error.status} ({error.code})", str(error.code))
