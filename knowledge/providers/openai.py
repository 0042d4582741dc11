"""OpenAI, or any server that speaks its protocol: answers and embeddings."""

import asyncio
import base64
import weakref
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpx2
import numpy as np
import openai
from django.conf import settings

from knowledge.errors import NoAnswer, ProviderError, Unreachable
from knowledge.prompts import Prompt, Turn
from knowledge.providers.statuses import UNREADABLE, error_of, seconds
from knowledge.providers.vectors import DIMENSIONS, unit_vectors

BATCH = 100
TIMEOUT = httpx2.Timeout(60, connect=4)
EMBEDDING_TIMEOUT = httpx2.Timeout(20, connect=4)
# Somebody waits for the answer, and the words alone can be searched for.
QUERY_TIMEOUT = httpx2.Timeout(3)
_COMPLETE = ("stop", "length")
_STOPPED = ("content_filter", "tool_calls", "function_call")


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
        self._clients: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, openai.AsyncOpenAI]
        self._clients = weakref.WeakKeyDictionary()

    async def stream(self, prompt: Prompt) -> AsyncGenerator[str]:
        turns: list[Any] = [{"role": "system", "content": prompt.system}]
        turns += [{"role": turn.speaker, "content": _content(turn)} for turn in prompt.turns]
        finished = None
        with _classified():
            async with await self._client().chat.completions.create(
                model=self.name, messages=turns, stream=True
            ) as chunks:
                async for chunk in chunks:
                    for choice in chunk.choices:
                        finished = choice.finish_reason or finished
                        if choice.delta.refusal:
                            raise NoAnswer("OpenAI's model declined")
                        if choice.delta.content:
                            # The SDK takes whatever comes; what isn't text fails here.
                            yield "" + choice.delta.content
        if finished is None:
            raise Unreachable("OpenAI's answer broke off")
        if finished not in _COMPLETE:
            why = finished if finished in _STOPPED else "for a reason of its own"
            raise NoAnswer(f"OpenAI stopped ({why})")

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
        with _classified():
            self._client = openai.OpenAI(**_options(EMBEDDING_TIMEOUT), http_client=http)
        weakref.finalize(self, http.close)

    def embed(self, texts: Sequence[str], *, query: bool = False) -> np.ndarray:
        """Unit vectors, float32, shape (len(texts), dimensions). Raises ProviderError."""
        cut: dict[str, Any] = {"dimensions": DIMENSIONS} if "embedding-3" in self.name else {}
        vectors: list[list[float]] = []
        for first in range(0, len(texts), BATCH):
            batch = list(texts[first : first + BATCH])
            with _classified():
                answer = self._client.embeddings.create(
                    model=self.name,
                    input=batch,
                    encoding_format="float",
                    timeout=QUERY_TIMEOUT if query else EMBEDDING_TIMEOUT,
                    **cut,
                )
                given = sorted(answer.data, key=lambda item: item.index)
            if len(given) != len(batch):
                raise Unreachable("OpenAI gave another number of embeddings than asked for")
            vectors.extend(item.embedding for item in given)
        return unit_vectors(vectors)


def _content(turn: Turn) -> str | list[Any]:
    if not turn.picture:
        return turn.text
    url = f"data:image/jpeg;base64,{base64.b64encode(turn.picture).decode()}"
    return [
        {"type": "text", "text": turn.text},
        {"type": "image_url", "image_url": {"url": url}},
    ]


@contextmanager
def _classified() -> Iterator[None]:
    """Turn the SDK's errors into ours, without the words of the provider: they may hold keys."""
    try:
        yield
    except openai.APIStatusError as error:
        raise _of_status(error) from None
    except (openai.APIError, httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise Unreachable(f"OpenAI: {type(error).__name__}") from None
    except UNREADABLE:
        raise Unreachable("OpenAI's answer can't be read") from None


def _of_status(error: openai.APIStatusError) -> ProviderError:
    spent = error.code == "insufficient_quota"  # a 429 that doesn't pass by waiting
    meaning = "the quota is spent" if spent else ""
    delay = seconds(error.response.headers.get("retry-after"))
    return error_of("OpenAI", error.status_code, delay, meaning)
