"""The real google-genai, pointed at the simulated Gemini API."""

import math
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from typing import Any

import httpx2
from google import genai
from google.genai import types
from google.genai.client import AsyncClient

from tests.simulators.faults import Behaviour, Hang
from tests.simulators.gemini import GeminiSimulator

KEY = "the-key"
CHAT = "gemini-3.5-flash"
EMBEDDING = "gemini-embedding-001"
PROMPT = "Which colour?\n\n[1] The sky is blue. Grass is green.\n[2] Snow is white."
# The SDK loads the certificates three times over, which takes longer than most tests here.
NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
ANSWER = ["The ", "sky ", "is ", "blue ", "[1]."]


@asynccontextmanager
async def sdk(
    server: GeminiSimulator, key: str = KEY, timeout: int | None = 5000, **options: Any
) -> AsyncIterator[AsyncClient]:
    """The SDK's client; `timeout` in milliseconds."""
    plain = {"verify": NO_CERTIFICATES, "ssl": NO_CERTIFICATES}
    # As in the product: with a transport of ours the SDK keeps to httpx where aiohttp is too.
    ours = {"verify": NO_CERTIFICATES, "transport": httpx2.AsyncHTTPTransport(verify=False)}
    options["async_client_args"] = ours | options.get("async_client_args", {})
    http = types.HttpOptions(base_url=server.url, timeout=timeout, client_args=plain, **options)
    with closing(genai.Client(api_key=key, http_options=http)) as client:
        async with client.aio as aio:
            yield aio


async def answer(
    server: GeminiSimulator, timeout: int = 5000, **config: Any
) -> types.GenerateContentResponse:
    async with sdk(server, timeout=timeout) as client:
        return await client.models.generate_content(
            model=CHAT, contents=PROMPT, config=types.GenerateContentConfig(**config)
        )


async def stream(
    server: GeminiSimulator, into: list[types.GenerateContentResponse], **options: Any
) -> None:
    async with sdk(server, **options) as client:
        chunks = await client.models.generate_content_stream(model=CHAT, contents=PROMPT)
        async for chunk in chunks:
            into.append(chunk)


def patience(fault: Behaviour) -> int:
    return 300 if isinstance(fault, Hang) else 5000


def texts(chunks: list[types.GenerateContentResponse]) -> list[str]:
    return [chunk.text for chunk in chunks if chunk.text]


def reason(response: types.GenerateContentResponse) -> types.FinishReason | None:
    return response.candidates[0].finish_reason if response.candidates else None


async def embed(
    server: GeminiSimulator, contents: Any, model: str = EMBEDDING, **config: Any
) -> list[list[float]]:
    async with sdk(server) as client:
        response = await client.models.embed_content(
            model=model, contents=contents, config=types.EmbedContentConfig(**config)
        )
    return [vector.values or [] for vector in response.embeddings or []]


def cosine(one: list[float], other: list[float]) -> float:
    product = sum(a * b for a, b in zip(one, other, strict=True))
    return product / (math.hypot(*one) * math.hypot(*other))
