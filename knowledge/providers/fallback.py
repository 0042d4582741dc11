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

# Seconds. Both providers may hang before their first token, and the embedding before that, and an
# answer still begins within 20: a provider's second attempt gets what the first left.
FIRST_TOKEN = 7.5
IDLE = 5.0
TOTAL = 90.0
# A delay that the provider asks for is waited out where it is short; else the next is asked.
SHORT_WAIT = 2.0


@dataclass(frozen=True)
class Piece:
    """Some text of the answer, who gave it, and why those before it did not."""

    provider: str
    text: str
    after: ProviderError | None = None


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
        before = last
        begins = time.monotonic() + FIRST_TOKEN
        while breaker(provider).allows():
            try:
                async with aclosing(_attempt(provider, prompt, begins)) as tokens:
                    async for text in tokens:
                        visible = True
                        yield Piece(provider, text, before)
                return
            except ProviderError as error:
                first_try, last = last is before, error
            if visible or not first_try or not _worth_waiting(last, provider, begins):
                break
            await asyncio.sleep(last.retry_after)
        if visible:
            yield Restart(provider)
        last = last or Unreachable(f"{provider} rests after failures")
    raise last or Unreachable("no provider is configured")


def _worth_waiting(error: ProviderError, provider: str, begins: float) -> bool:
    """Whether the provider asked for a short delay, after which there is time to answer."""
    wait = error.retry_after
    return (
        not error.permanent
        and 0 < wait <= SHORT_WAIT
        and breaker(provider).rest <= wait
        and time.monotonic() + wait < begins
    )


async def _attempt(provider: str, prompt: Prompt, begins: float) -> AsyncGenerator[str]:
    """One attempt, whose outcome the breaker hears of."""
    with breaker(provider).watching():
        async with aclosing(_timed(provider, prompt, begins)) as tokens:
            async for text in tokens:
                yield text


async def _timed(provider: str, prompt: Prompt, begins: float) -> AsyncGenerator[str]:
    """The text of one attempt under the deadlines for the first piece, the next and the whole."""
    ends = time.monotonic() + TOTAL
    # White space alone is no answer, and isn't shown before there is more.
    opening, empty = "", True
    async with aclosing(chat_model(provider).stream(prompt)) as tokens:
        while True:
            now = time.monotonic()
            patience = begins - now if empty else IDLE
            try:
                async with asyncio.timeout(min(patience, ends - now)):
                    text = await anext(tokens)
            except StopAsyncIteration:
                break
            except TimeoutError:
                raise Unreachable(f"{provider} did not go on in time") from None
            opening += text
            if opening and (not empty or opening.strip()):
                empty = False
                yield opening
                opening = ""
    if empty:
        raise NoAnswer(f"{provider} sent an empty answer")
