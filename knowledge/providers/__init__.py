"""The chat models: which there are, which are configured, and in which order they are asked."""

from collections.abc import AsyncGenerator
from functools import cache
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from knowledge.prompts import Prompt

CHAT_MODELS = {
    "gemini": "knowledge.providers.gemini.GeminiChat",
    "openai": "knowledge.providers.openai.OpenAIChat",
    "extractive": "knowledge.providers.extractive.Extractive",
}


_in_use: "list[ChatModel]" = []


class ChatModel(Protocol):
    """What answers a prompt. One attempt, no retries, no deadlines: `fallback` has these."""

    name: str

    def stream(self, prompt: Prompt) -> AsyncGenerator[str]:
        """The answer's text piece by piece. Raises ProviderError, at once or midway; an answer
        that ends without any text is NoAnswer."""
        ...

    async def aclose(self) -> None:
        """Close the connections that this event loop opened."""
        ...


@cache
def chat_model(provider: str) -> ChatModel:
    """The process's adapter for this provider; loads its SDK on first use."""
    made: ChatModel = import_string(CHAT_MODELS[provider])()
    _in_use.append(made)
    return made


async def aclose_chat_models() -> None:
    """Close what this event loop opened; to be called before it ends."""
    for model in _in_use:
        await model.aclose()


def configured(provider: str) -> bool:
    """Whether the provider has a key or an address of its own."""
    return {
        "gemini": bool(settings.GOOGLE_API_KEY or settings.GEMINI_BASE_URL),
        "openai": bool(settings.OPENAI_API_KEY or settings.OPENAI_BASE_URL),
        "extractive": True,
    }[provider]


def chain() -> list[str]:
    """The configured providers in the order in which they are asked."""
    return [provider for provider in CHAT_MODELS if configured(provider)]
