"""Discord's REST API: every call says for certain how it ended.

discord.py keeps the rate limits and sends again what the server failed at; whoever opens a message
gives a nonce, so that it comes once.
"""

import asyncio
from collections.abc import Awaitable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

import aiohttp
import discord
from discord.http import Route

from bot.errors import NotNow, Refused, Resting, Unclear, Unreachable
from bot.leases import REQUEST_TIMEOUT

# Seconds until what waits for its turn, or was refused for its pace, is tried again.
WAIT = 1.0
UNKNOWN_CHANNEL, UNKNOWN_MESSAGE, UNKNOWN_WEBHOOK = "10003", "10008", "10015"
UNKNOWN_MEMBER, UNKNOWN_USER, FORBIDDEN = "10007", "10013", "50013"
EXPIRED_TOKEN, MISSING_ACCESS, THREAD_EXISTS = "50027", "50001", "160004"
# What was there has gone; nothing is left to do for it.
GONE = {UNKNOWN_CHANNEL, UNKNOWN_MESSAGE}

JSON = dict[str, Any]
Result = TypeVar("Result")


@dataclass
class _Sending:
    """How far the present call got."""

    once: bool
    may_have_arrived: bool = False
    failed: bool = False


class _Failed(Exception):
    """The server failed at what must not be sent again."""


_sending: ContextVar[_Sending | None] = ContextVar("sending", default=None)


def trace() -> aiohttp.TraceConfig:
    """Notes whether a call went out, for a call that is given up may only have waited its turn."""
    config = aiohttp.TraceConfig()
    config.on_request_start.append(_started)
    config.on_request_end.append(_ended)
    return config


async def _started(*_: object) -> None:
    if (sending := _sending.get()) is not None:
        sending.may_have_arrived = True


async def _ended(_session: object, _context: object, params: aiohttp.TraceRequestEndParams) -> None:
    """This is when the head of the answer came; a refusal certainly had no effect."""
    sending, status = _sending.get(), params.response.status
    if sending is None:
        return
    sending.failed |= status >= 500
    if 400 <= status < 500:
        sending.may_have_arrived = sending.failed
    if sending.once and sending.failed:
        raise _Failed()


class DiscordApi:
    """`client` was made with `http_trace=trace()`."""

    def __init__(self, client: discord.Client) -> None:
        self._http = client.http

    async def call(
        self, method: str, path: str, *, once: bool = False, body: Any = None, **ids: Any
    ) -> Any:
        """Discord's answer. `ids` fill the path, what is left of them is the query; `once`: it is
        not sent again after a failure of the server. Raises DeliveryError."""
        named = {name: ids.pop(name) for name in list(ids) if f"{{{name}}}" in path}
        how: JSON = {"params": ids} if ids else {}
        if body is not None:
            how["json"] = body
        making = self._http.request(Route(method, path, **named), **how)
        return await self.run(f"{method} {path}", making, once=once)

    async def run(self, what: str, making: Awaitable[Result], *, once: bool = False) -> Result:
        """The result of a call of discord.py's. Raises DeliveryError."""
        sending = _Sending(once)
        before = _sending.set(sending)
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT):
                return await making
        except TimeoutError:
            if sending.may_have_arrived:
                raise Unclear(f"Discord, {what}: no answer in time") from None
            raise NotNow("Discord's rate limit", WAIT) from None
        except _Failed:
            raise Unclear(f"Discord, {what}: a fault of the server") from None
        except discord.RateLimited as error:
            raise NotNow("Discord's rate limit", error.retry_after) from None
        except discord.HTTPException as error:
            raise _of_answer(what, error) from None
        except aiohttp.ClientConnectorError:
            raise Unreachable("Discord can't be reached") from None
        except (aiohttp.ClientError, OSError) as error:
            raise Unclear(f"Discord, {what}: {type(error).__name__}") from None
        finally:
            _sending.reset(before)


def _of_answer(call: str, error: discord.HTTPException) -> Exception:
    """What Discord's refusal means."""
    if error.status == 401 and error.code != int(EXPIRED_TOKEN):
        return Resting("Discord refuses DISCORD_TOKEN (401)")
    if error.status == 429:
        return NotNow("Discord's rate limit", WAIT)
    if error.status >= 500:
        return Unclear(f"Discord, {call}: HTTP {error.status}")
    return Refused(f"{call}: {error.text or error.status} ({error.code})", str(error.code))
