"""Google's Gemini through google-genai: answers and embeddings."""

import re
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpx2
import numpy as np
from django.conf import settings
from google import genai
from google.genai import errors, types

from knowledge.errors import NoAnswer, ProviderError, Refused, Throttled, Unreachable
from knowledge.prompts import Prompt
from knowledge.providers.vectors import DIMENSIONS, unit_vectors

BATCH = 100
# Milliseconds. Answers have deadlines of their own in `fallback`; this one is the SDK's last.
TIMEOUT = 60_000
EMBEDDING_TIMEOUT = 20_000
_COMPLETE = (types.FinishReason.STOP, types.FinishReason.MAX_TOKENS)


def _client(timeout: int) -> genai.Client:
    # A redirect would take the key to wherever it points.
    stay: dict[str, Any] = {"follow_redirects": False}
    return genai.Client(
        api_key=settings.GOOGLE_API_KEY or "none",
        vertexai=False,
        http_options=types.HttpOptions(
            base_url=settings.GEMINI_BASE_URL or None,
            timeout=timeout,
            retry_options=types.HttpRetryOptions(attempts=1),
            client_args=stay,
            async_client_args=stay,
        ),
    )


class GeminiChat:
    """Answers prompts with `settings.GEMINI_CHAT_MODEL`."""

    def __init__(self) -> None:
        self.name = settings.GEMINI_CHAT_MODEL
        self._client = _client(TIMEOUT).aio

    async def stream(self, prompt: Prompt) -> AsyncGenerator[str]:
        finished = None
        with _classified():
            async for chunk in await self._client.models.generate_content_stream(
                model=self.name,
                contents=[_content(turn.speaker, turn.text) for turn in prompt.turns],
                config=types.GenerateContentConfig(
                    system_instruction=prompt.system,
                    temperature=0.2,
                    automatic_continuation=False,
                ),
            ):
                if chunk.prompt_feedback is not None and chunk.prompt_feedback.block_reason:
                    raise NoAnswer(f"Gemini blocked it ({chunk.prompt_feedback.block_reason.name})")
                for candidate in chunk.candidates or []:
                    finished = candidate.finish_reason or finished
                    for part in (candidate.content and candidate.content.parts) or []:
                        if part.text and not part.thought:
                            yield part.text
        if finished is None:
            raise Unreachable("Gemini's answer broke off")
        if finished not in _COMPLETE:
            raise NoAnswer(f"Gemini stopped ({finished.name})")

    async def aclose(self) -> None:
        await self._client.aclose()


class GeminiEmbedder:
    """Embeds with `settings.GEMINI_EMBEDDING_MODEL`, cut to 768 dimensions."""

    def __init__(self) -> None:
        self.name = settings.GEMINI_EMBEDDING_MODEL
        self._models = _client(EMBEDDING_TIMEOUT).models

    def embed(self, texts: Sequence[str], *, query: bool = False) -> np.ndarray:
        """Unit vectors, float32, shape (len(texts), 768). Raises ProviderError."""
        vectors: list[list[float]] = []
        for first in range(0, len(texts), BATCH):
            vectors.extend(self._embed_batch(texts[first : first + BATCH], query))
        return unit_vectors(vectors)

    def _embed_batch(self, texts: Sequence[str], query: bool) -> list[list[float]]:
        contents: Any = [types.Content(parts=[types.Part(text=text)]) for text in texts]
        with _classified():
            answer = self._models.embed_content(
                model=self.name,
                contents=contents,
                config=types.EmbedContentConfig(
                    output_dimensionality=DIMENSIONS,
                    task_type="RETRIEVAL_QUERY" if query else "RETRIEVAL_DOCUMENT",
                ),
            )
        vectors = [embedding.values or [] for embedding in answer.embeddings or []]
        if len(vectors) == len(texts):
            return vectors
        if len(texts) == 1:
            raise Unreachable("Gemini gave no embedding")
        # Some models make one vector of a list.
        return [vector for text in texts for vector in self._embed_batch([text], query)]


def _content(speaker: str, text: str) -> types.Content:
    role = "user" if speaker == "user" else "model"
    return types.Content(role=role, parts=[types.Part(text=text)])


@contextmanager
def _classified() -> Iterator[None]:
    """Turn the SDK's errors into ours, without the words of the provider: they may hold keys."""
    try:
        yield
    except errors.APIError as error:
        raise _of_api_error(error) from error
    except httpx2.HTTPError as error:
        raise Unreachable(f"Gemini: {type(error).__name__}") from error
    except ValueError as error:  # among them the SDK's UnknownApiResponseError
        raise Unreachable("Gemini's answer can't be read") from error


def _of_api_error(error: errors.APIError) -> ProviderError:
    told = f"Gemini answered {error.code} {error.status or ''}".strip()
    if error.code == 429:
        return Throttled(told, _retry_delay(error.details))
    if error.code is None or error.code >= 500 or error.code == 408:
        return Unreachable(told)
    bad_key = error.code == 400 and "API_KEY_INVALID" in str(error.details)
    return Refused(told, provider_at_fault=bad_key or error.code in (401, 403, 404))


def _retry_delay(details: Any) -> float:
    """Seconds that RetryInfo asks for; google-genai itself ignores it."""
    match = re.search(r"'retryDelay': '([\d.]+)s'", str(details))
    return float(match[1]) if match else 0.0
