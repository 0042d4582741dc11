"""OpenAI, or any server that speaks its protocol: answers and embeddings."""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

import httpx2
import numpy as np
import openai
from django.conf import settings

from knowledge.errors import NoAnswer, ProviderError, Refused, Throttled, Unreachable
from knowledge.prompts import Prompt
from knowledge.providers.vectors import DIMENSIONS, unit_vectors

BATCH = 100
TIMEOUT = httpx2.Timeout(60, connect=4)
EMBEDDING_TIMEOUT = httpx2.Timeout(20, connect=4)


def _options(timeout: httpx2.Timeout) -> dict[str, Any]:
    return {
        "api_key": settings.OPENAI_API_KEY or "none",
        "base_url": settings.OPENAI_BASE_URL or None,
        "timeout": timeout,
        "max_retries": 0,
    }


class OpenAIChat:
    """Answers prompts with `settings.OPENAI_CHAT_MODEL`."""

    def __init__(self) -> None:
        self.name = settings.OPENAI_CHAT_MODEL
        # A client's connections belong to the event loop that opened them.
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, openai.AsyncOpenAI]
        self._clients = WeakKeyDictionary()

    async def stream(self, prompt: Prompt) -> AsyncGenerator[str]:
        turns: list[Any] = [{"role": "system", "content": prompt.system}]
        turns += [{"role": turn.speaker, "content": turn.text} for turn in prompt.turns]
        finished = None
        with _classified():
            async with await self._client().chat.completions.create(
                model=self.name, messages=turns, temperature=0.2, stream=True
            ) as chunks:
                async for chunk in chunks:
                    for choice in chunk.choices:
                        finished = choice.finish_reason or finished
                        if choice.delta.refusal:
                            raise NoAnswer("OpenAI's model declined")
                        if choice.delta.content:
                            yield choice.delta.content
        if finished is None:
            raise Unreachable("OpenAI's answer broke off")
        if finished not in ("stop", "length"):
            raise NoAnswer(f"OpenAI stopped ({finished})")

    async def aclose(self) -> None:
        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.close()

    def _client(self) -> openai.AsyncOpenAI:
        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            http = openai.DefaultAsyncHttpxClient(follow_redirects=False)
            self._clients[loop] = openai.AsyncOpenAI(**_options(TIMEOUT), http_client=http)
        return self._clients[loop]


class OpenAIEmbedder:
    """Embeds with `settings.OPENAI_EMBEDDING_MODEL`; where that can cut, to 768 dimensions."""

    def __init__(self) -> None:
        self.name = settings.OPENAI_EMBEDDING_MODEL
        http = openai.DefaultHttpxClient(follow_redirects=False)
        self._client = openai.OpenAI(**_options(EMBEDDING_TIMEOUT), http_client=http)

    def embed(self, texts: Sequence[str], *, query: bool = False) -> np.ndarray:
        """Unit vectors, float32, shape (len(texts), dimensions). Raises ProviderError."""
        cut: dict[str, Any] = {"dimensions": DIMENSIONS} if "embedding-3" in self.name else {}
        vectors: list[list[float]] = []
        for first in range(0, len(texts), BATCH):
            batch = list(texts[first : first + BATCH])
            with _classified():
                answer = self._client.embeddings.create(
                    model=self.name, input=batch, encoding_format="float", **cut
                )
            if len(answer.data) != len(batch):
                raise Unreachable("OpenAI gave another number of embeddings than asked for")
            vectors.extend(item.embedding for item in sorted(answer.data, key=lambda d: d.index))
        return unit_vectors(vectors)


@contextmanager
def _classified() -> Iterator[None]:
    """Turn the SDK's errors into ours, without the words of the provider: they may hold keys."""
    try:
        yield
    except openai.APIStatusError as error:
        raise _of_status(error) from error
    except (openai.APIError, httpx2.HTTPError) as error:
        raise Unreachable(f"OpenAI: {type(error).__name__}") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise Unreachable("OpenAI's answer can't be read") from error


def _of_status(error: openai.APIStatusError) -> ProviderError:
    status = error.status_code
    told = f"OpenAI answered {status} {error.code or ''}".strip()
    if status == 429:
        return Throttled(told, _retry_after(error.response.headers))
    if status >= 500 or status in (408, 409):
        return Unreachable(told)
    return Refused(told, provider_at_fault=status in (401, 403, 404))


def _retry_after(headers: Any) -> float:
    try:
        return float(headers.get("retry-after", 0))
    except ValueError:  # a date: such waits are long
        return 60.0
