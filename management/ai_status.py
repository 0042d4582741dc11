"""Ask each provider for a word and a vector."""

import asyncio
import time
from contextlib import aclosing
from typing import Any

from knowledge.embedding import active_model, embedder
from knowledge.errors import KnowledgeError
from knowledge.prompts import Prompt
from knowledge.providers import CHAT_MODELS, aclose_chat_models, chat_model, configured
from knowledge.reembedding import progress

TIMEOUT = 10.0
EMBEDS_WITH = {"gemini": "gemini", "openai": "openai", "extractive": "local"}


def status() -> dict[str, Any]:
    """Each provider's state, the first of them that answers, and what embeds the documents."""
    providers = {name: _provider(name) for name in CHAT_MODELS}
    active = next(name for name, state in providers.items() if state["reachable"])
    return {"active": active, "providers": providers, "embeddings": _embeddings()}


def _embeddings() -> dict[str, Any]:
    """What the documents are embedded with, and how far a change of that is."""
    model, change = active_model(), progress()
    return {
        "model": str(model) if model else None,
        "changing_to": str(change.model) if change else None,
        "done": change.done if change else None,
        "total": change.total if change else None,
    }


def _provider(name: str) -> dict[str, Any]:
    if not configured(name):
        return {
            "configured": False,
            "reachable": False,
            "chat_model": None,
            "embedding_model": None,
            "dimensions": None,
            "latency_ms": None,
            "problem": None,
        }
    chat, embeddings = chat_model(name), EMBEDS_WITH[name]
    started, problems = time.perf_counter(), []
    # The extractive answerer is always there: it is part of this process.
    if name != "extractive":
        problems += _failure(lambda: asyncio.run(_first_word(name)))
    latency = round((time.perf_counter() - started) * 1000)
    dimensions: list[int] = []
    unreached = _failure(lambda: dimensions.append(embedder(embeddings).embed(["word"]).shape[1]))
    return {
        "configured": True,
        "reachable": not problems,
        "chat_model": chat.name,
        "embedding_model": None if unreached else embedder(embeddings).name,
        "dimensions": next(iter(dimensions), None),
        "latency_ms": None if problems else latency,
        "problem": "; ".join(problems + unreached) or None,
    }


async def _first_word(name: str) -> None:
    try:
        async with asyncio.timeout(TIMEOUT):
            async with aclosing(chat_model(name).stream(Prompt("Reply with OK."))) as pieces:
                async for _ in pieces:
                    return
    finally:
        await aclose_chat_models()


def _failure(probe: Any) -> list[str]:
    """What went wrong with the probe, if anything."""
    try:
        probe()
    except KnowledgeError as error:
        return [str(error)]
    except TimeoutError:
        return [f"no answer within {TIMEOUT:.0f} s"]
    return []
