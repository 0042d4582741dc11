"""The real openai, pointed at the simulated OpenAI API."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import openai
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from tests.simulators.faults import Behaviour, Hang
from tests.simulators.openai import OpenAISimulator

KEY = "sk-the-right-key"
CHAT = "gpt-4o-mini"
EMBEDDING = "text-embedding-3-small"
PROMPT = "Which colour?\n\n[1] The sky is blue. Grass is green.\n[2] Snow is white."
ANSWER = ["The ", "sky ", "is ", "blue ", "[1]."]


@asynccontextmanager
async def sdk(
    server: OpenAISimulator, key: str = KEY, timeout: float = 5, retries: int = 0
) -> AsyncIterator[openai.AsyncOpenAI]:
    # Loading the certificates takes longer than most tests here.
    http = openai.DefaultAsyncHttpxClient(verify=False, timeout=timeout)
    options: Any = {"timeout": timeout, "max_retries": retries, "http_client": http}
    async with openai.AsyncOpenAI(api_key=key, base_url=server.url, **options) as client:
        yield client


async def answer(
    server: OpenAISimulator, retries: int = 0, timeout: float = 5, **options: Any
) -> ChatCompletion:
    async with sdk(server, timeout=timeout, retries=retries) as client:
        response: ChatCompletion = await client.chat.completions.create(
            model=CHAT, messages=[{"role": "user", "content": PROMPT}], **options
        )
    return response


async def stream(server: OpenAISimulator, into: list[ChatCompletionChunk], **options: Any) -> None:
    async with sdk(server) as client:
        chunks = await client.chat.completions.create(
            model=CHAT, messages=[{"role": "user", "content": PROMPT}], stream=True, **options
        )
        async with chunks:
            async for chunk in chunks:
                into.append(chunk)


def patience(fault: Behaviour) -> float:
    return 0.3 if isinstance(fault, Hang) else 5


def texts(chunks: list[ChatCompletionChunk]) -> list[str]:
    deltas = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices]
    return [text for text in deltas if text]


async def embed(server: OpenAISimulator, texts: Any, **options: Any) -> list[list[float]]:
    async with sdk(server) as client:
        response = await client.embeddings.create(**{"model": EMBEDDING, "input": texts} | options)
    return [item.embedding for item in response.data]


def cosine(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))
