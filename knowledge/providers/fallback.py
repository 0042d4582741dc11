"""Ask the providers in turn until one answers. The one owner of retries and deadlines."""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import cache

from knowledge.errors import NoAnswer, ProviderError, Unreachable
from knowledge.prompts import Prompt
from knowledge.providers import chat_model
from knowledge.providers.breaker import Breaker

# Seconds. Both providers may hang before their first token and an answer still begins within 20.
FIRST_TOKEN = 8.0
IDLE = 5.0
TOTAL = 90.0
# A delay that the provider asks for is waited out where it is short; else the next is asked.
SHORT_WAIT = 2.0


@dataclass(frozen=True)
class Piece:
    """Some text of the answer, and who gave it."""

    provider: str
    text: str


@dataclass(frozen=True)
class Restart:
    """What was streamed so far is void: `failed` broke off and the next provider begins anew."""

    failed: str


@cache
def breaker(provider: str) -> Breaker:
    """The process's breaker of this provider."""
    return Breaker()


async def stream(prompt: Prompt, chain: Sequence[str]) -> AsyncGenerator[Piece | Restart]:
    """The answer of the first provider in `chain` that gives one.

    Raises the last ProviderError where none does.
    """
    last: ProviderError | None = None
    for provider in chain:
        visible = False
        for last_try in (False, True):
            if not breaker(provider).allows():
                break
            try:
                async with aclosing(_attempt(provider, prompt)) as tokens:
                    async for text in tokens:
                        visible = True
                        yield Piece(provider, text)
                return
            except ProviderError as error:
                last = error
            if visible or last_try or not 0 < last.retry_after <= SHORT_WAIT:
                break
            await asyncio.sleep(last.retry_after)
        if visible:
            yield Restart(provider)
    raise last or Unreachable("every provider rests after failures")


async def _attempt(provider: str, prompt: Prompt) -> AsyncGenerator[str]:
    """One attempt, whose outcome the breaker hears of."""
    health = breaker(provider)
    settled = False
    try:
        async with aclosing(_timed(provider, prompt)) as tokens:
            async for text in tokens:
                yield text
        health.succeeded()
        settled = True
    except ProviderError as error:
        if error.provider_at_fault:
            health.failed(error.retry_after)
            settled = True
        raise
    finally:
        if not settled:
            health.abandoned()


async def _timed(provider: str, prompt: Prompt) -> AsyncGenerator[str]:
    """The text of one attempt under the deadlines for the first piece, the next and the whole."""
    ends = time.monotonic() + TOTAL
    patience, empty = FIRST_TOKEN, True
    async with aclosing(chat_model(provider).stream(prompt)) as tokens:
        while True:
            try:
                async with asyncio.timeout(min(patience, ends - time.monotonic())):
                    text = await anext(tokens)
            except StopAsyncIteration:
                break
            except TimeoutError:
                raise Unreachable(f"{provider} did not go on in time") from None
            if text:
                patience, empty = IDLE, False
                yield text
    if empty:
        raise NoAnswer(f"{provider} sent an empty answer")
