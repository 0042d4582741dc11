"""Google's Gemini through google-genai: answers and embeddings."""

import asyncio
import re
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, contextmanager
from functools import cache
from typing import Any
from urllib.request import getproxies
from weakref import WeakKeyDictionary

import aiohttp
import httpx2
import numpy as np
from django.conf import settings
from google import genai
from google.genai import errors, types

from knowledge.errors import NoAnswer, ProviderError, Unreachable
from knowledge.prompts import Prompt, Turn
from knowledge.providers.statuses import UNREADABLE, error_of, seconds
from knowledge.providers.vectors import DIMENSIONS, unit_vectors

BATCH = 100
# Milliseconds. Answers have deadlines of their own in `fallback`; this one is the SDK's last.
TIMEOUT = 60_000
EMBEDDING_TIMEOUT = 20_000
# Somebody waits for the answer, and the words alone can be searched for.
QUERY_TIMEOUT = 3_000
_COMPLETE = (types.FinishReason.STOP, types.FinishReason.MAX_TOKENS)


def _client(timeout: int, **streaming: Any) -> genai.Client:
    # A redirect would take the key to wherever it points.
    return genai.Client(
        api_key=settings.GOOGLE_API_KEY or "none",
        vertexai=False,
        http_options=types.HttpOptions(
            base_url=settings.GEMINI_BASE_URL or None,
            timeout=timeout,
            retry_options=types.HttpRetryOptions(attempts=1),
            client_args={"follow_redirects": False},
            async_client_args={"allow_redirects": False},
            **streaming,
        ),
    )


class GeminiChat:
    """Answers prompts with `settings.GEMINI_CHAT_MODEL`."""

    def __init__(self) -> None:
        self.name = settings.GEMINI_CHAT_MODEL
        # Once closed, a client stays so; each event loop has its own, with its connections.
        self._clients: WeakKeyDictionary[
            asyncio.AbstractEventLoop, tuple[genai.Client, aiohttp.ClientSession]
        ] = WeakKeyDictionary()

    async def stream(self, prompt: Prompt) -> AsyncGenerator[str]:
        finished = None
        with _classified():
            async with aclosing(self._chunks(prompt)) as chunks:
                async for chunk in chunks:
                    feedback = chunk.prompt_feedback
                    if feedback is not None and feedback.block_reason:
                        raise NoAnswer(f"Gemini blocked it ({_name(feedback.block_reason)})")
                    for candidate in chunk.candidates or []:
                        finished = candidate.finish_reason or finished
                        if text := _text(candidate):
                            yield text
        if finished is None:
            raise Unreachable("Gemini's answer broke off")
        if finished not in _COMPLETE:
            raise NoAnswer(f"Gemini stopped ({_name(finished)})")

    async def _chunks(self, prompt: Prompt) -> AsyncGenerator[types.GenerateContentResponse]:
        """The SDK's chunks. Leaving its stream closes nothing before the garbage collector comes,
        cancelling whoever reads from it does: so a task of its own reads."""
        chunks: asyncio.Queue[types.GenerateContentResponse | None] = asyncio.Queue()

        async def read() -> None:
            try:
                async for chunk in await self._client().aio.models.generate_content_stream(
                    model=self.name,
                    contents=_contents(prompt.turns),
                    config=_config(prompt.system),
                ):
                    chunks.put_nowait(chunk)
            finally:
                chunks.put_nowait(None)

        reading = asyncio.create_task(read())
        try:
            while (chunk := await chunks.get()) is not None:
                yield chunk
            await reading
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def aclose(self) -> None:
        opened = self._clients.pop(asyncio.get_running_loop(), None)
        if opened is not None:
            client, session = opened
            await client.aio.aclose()
            await session.close()

    def _client(self) -> genai.Client:
        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            # A stream costs half of what it does through httpx, and the SDK's own session warns
            # of itself. As many are answered at once as ask.
            session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0), trust_env=_behind_a_proxy()
            )
            self._clients[loop] = (_client(TIMEOUT, aiohttp_client=session), session)
        return self._clients[loop][0]


class GeminiEmbedder:
    """Embeds with `settings.GEMINI_EMBEDDING_MODEL`, cut to 768 dimensions."""

    def __init__(self) -> None:
        self.name = settings.GEMINI_EMBEDDING_MODEL
        with _classified():
            # Kept: without it the SDK closes the connections beneath its `models`.
            self._client = _client(EMBEDDING_TIMEOUT)

    def embed(self, texts: Sequence[str], *, query: bool = False) -> np.ndarray:
        """Unit vectors, float32, shape (len(texts), 768). Raises ProviderError."""
        vectors: list[list[float]] = []
        for first in range(0, len(texts), BATCH):
            vectors.extend(self._embed_batch(texts[first : first + BATCH], query))
        return unit_vectors(vectors)

    def _embed_batch(self, texts: Sequence[str], query: bool) -> list[list[float]]:
        contents: Any = [types.Content(parts=[types.Part(text=text)]) for text in texts]
        with _classified():
            answer = self._client.models.embed_content(
                model=self.name,
                contents=contents,
                config=types.EmbedContentConfig(
                    output_dimensionality=DIMENSIONS,
                    task_type="RETRIEVAL_QUERY" if query else "RETRIEVAL_DOCUMENT",
                    http_options=types.HttpOptions(timeout=QUERY_TIMEOUT) if query else None,
                ),
            )
            vectors = [embedding.values or [] for embedding in answer.embeddings or []]
        if len(vectors) == len(texts):
            return vectors
        if len(texts) == 1:
            raise Unreachable("Gemini gave no embedding")
        # Some models make one vector of a list.
        return [vector for text in texts for vector in self._embed_batch([text], query)]


def _behind_a_proxy() -> bool:
    """Whether aiohttp has to look into the environment. It does so anew for each request, in one
    thread for the proxy and in one for `.netrc`."""
    return not getproxies().keys().isdisjoint(("http", "https"))


class _HoldsNoNames:
    """The SDK asks for each field whether its name is `in` the object, and then takes it by name.
    pydantic goes through all pairs of names and values, and always says no."""

    def __contains__(self, name: object) -> bool:
        return False


class _Part(_HoldsNoNames, types.Part):
    pass


class _Content(_HoldsNoNames, types.Content):
    pass


class _Config(_HoldsNoNames, types.GenerateContentConfig):
    pass


@cache
def _config(system: str) -> types.GenerateContentConfig:
    """One for each text of `knowledge.prompts`; the SDK copies it for each request."""
    return _Config(
        system_instruction=_Content(role="user", parts=[_Part(text=system)]),
        automatic_continuation=False,
        # Without functions the SDK copies and looks for them all the same.
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
    )


def _contents(turns: Sequence[Turn]) -> Any:
    """A question by itself goes without a list: the SDK then tries fewer of its types on it."""
    contents = [_content(turn) for turn in turns]
    return contents if len(contents) > 1 else contents[0]


def _content(turn: Turn) -> types.Content:
    parts: list[types.Part] = [_Part(text=turn.text)]
    if turn.picture:
        parts.insert(0, types.Part.from_bytes(data=turn.picture, mime_type="image/jpeg"))
    return _Content(role="user" if turn.speaker == "user" else "model", parts=parts)


def _text(candidate: types.Candidate) -> str:
    """What it says, without its thoughts."""
    parts = (candidate.content and candidate.content.parts) or []
    return "".join(part.text for part in parts if part.text and not part.thought)


def _name(reason: types.FinishReason | types.BlockedReason) -> str:
    """The reason where it is one that the SDK knows: others are the provider's own words."""
    return reason.name if reason in type(reason) else "for a reason of its own"


@contextmanager
def _classified() -> Iterator[None]:
    """Turn the SDK's errors into ours, without the words of the provider: they may hold keys."""
    try:
        yield
    except errors.APIError as error:
        raise _of_api_error(error) from None
    except (aiohttp.ClientError, httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise Unreachable(f"Gemini: {type(error).__name__}") from None
    except UNREADABLE:  # among them the SDK's UnknownApiResponseError
        raise Unreachable("Gemini's answer can't be read") from None


def _of_api_error(error: errors.APIError) -> ProviderError:
    # An error inside a stream has the code that it names itself.
    status = error.code if isinstance(error.code, int) else 500
    bad_key = status == 400 and "API_KEY_INVALID" in str(error.details)
    meaning = "the key is not accepted" if bad_key else ""
    return error_of("Gemini", status, _retry_delay(error), meaning)


def _retry_delay(error: errors.APIError) -> float:
    """Seconds that RetryInfo asks for, or a gateway's header; google-genai ignores both."""
    match = re.search(r"'retryDelay': '([\d.]+)s'", str(error.details))
    headers = getattr(error.response, "headers", None) or {}
    return max(seconds(match[1] if match else None), seconds(headers.get("retry-after")))
