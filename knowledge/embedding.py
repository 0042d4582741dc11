"""The store's one active embedding model, and how texts become vectors with it."""

from collections.abc import Sequence
from functools import cache
from typing import Protocol

import numpy as np
from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string

from knowledge.errors import ProviderError, Unreachable
from knowledge.models import EmbeddingModel, Store
from knowledge.providers import configured
from knowledge.providers.fallback import breaker

MAX_DIMENSIONS = 768
EMBEDDERS = {
    "gemini": "knowledge.providers.gemini.GeminiEmbedder",
    "openai": "knowledge.providers.openai.OpenAIEmbedder",
    "local": "knowledge.providers.minilm.MiniLM",
}


class Embedder(Protocol):
    """What embeds texts. Made once a process and used by several threads."""

    name: str

    def embed(self, texts: Sequence[str], *, query: bool = False) -> np.ndarray:
        """Unit vectors, float32, shape (len(texts), dimensions). Raises KnowledgeError."""
        ...


@cache
def embedder(provider: str) -> Embedder:
    """The process's embedder of this provider; loads its library on first use."""
    made: Embedder = import_string(EMBEDDERS[provider])()
    return made


def active_model() -> EmbeddingModel | None:
    """The model that the store's vectors were made with; None before the first ingest."""
    store = Store.objects.select_related("embedding_model").filter(pk=1).first()
    return store.embedding_model if store else None


def choose_model() -> EmbeddingModel:
    """The active model; a new store takes the one that settings name, from then on the row decides.

    Raises KnowledgeError where that model can't be reached: its dimensions must be known.
    """
    if (model := active_model()) is not None:
        return model
    provider = configured_provider()
    chosen = embedder(provider)
    dimensions = _embedded(provider, ["dimensions"]).shape[1]
    if dimensions > MAX_DIMENSIONS:
        raise ProviderError(
            f"{chosen.name} gives {dimensions} dimensions; Askwell keeps at most {MAX_DIMENSIONS}"
        )
    row, _ = EmbeddingModel.objects.get_or_create(
        provider=provider, name=chosen.name, dimensions=dimensions
    )
    with transaction.atomic():
        store, _ = Store.objects.select_for_update().get_or_create(pk=1)
        if store.embedding_model is None:
            store.embedding_model = row
            store.save(update_fields=["embedding_model"])
    return store.embedding_model


def configured_provider() -> str:
    """The provider that a new store would embed with."""
    if settings.EMBEDDINGS != "auto":
        return str(settings.EMBEDDINGS)
    return next((p for p in ("gemini", "openai") if configured(p)), "local")


def embed(texts: Sequence[str], model: EmbeddingModel, *, query: bool = False) -> np.ndarray:
    """Vectors of `model`, shape (len(texts), model.dimensions).

    Raises ProviderError where the configured model is no longer the one that the row names:
    vectors of two models never meet, also when their dimensions agree.
    """
    chosen = embedder(model.provider)
    if chosen.name != model.name:
        raise ProviderError(
            f"the documents were embedded with {model.name}, but {chosen.name} is configured; "
            f"set the model back"
        )
    vectors = _embedded(model.provider, texts, query=query)
    if vectors.shape != (len(texts), model.dimensions):
        raise ProviderError(f"{model.name} gave vectors of another shape than before")
    return vectors


def _embedded(provider: str, texts: Sequence[str], *, query: bool = False) -> np.ndarray:
    """What the provider's embedder gives, unless it rests or is to be left alone for now."""
    if provider != "local" and not configured(provider):
        raise ProviderError(f"{provider} is not configured")
    health = breaker(f"{provider} embeddings")
    if not health.allows():
        raise Unreachable(f"{provider}'s embeddings rest after failures", health.rest)
    with health.watching():
        return embedder(provider).embed(texts, query=query)
