"""The store's one active embedding model, and how texts become vectors with it."""

import logging
from collections.abc import Sequence
from functools import cache
from typing import Protocol

import numpy as np
from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string

from knowledge.errors import ProviderError, Unreachable
from knowledge.models import EmbeddingModel, Space, Store
from knowledge.prepared import Objects, Select
from knowledge.providers import configured
from knowledge.providers.fallback import breaker

logger = logging.getLogger(__name__)

MAX_DIMENSIONS = 768
EMBEDDERS = {
    "gemini": "knowledge.providers.gemini.GeminiEmbedder",
    "openai": "knowledge.providers.openai.OpenAIEmbedder",
    "local": "knowledge.providers.minilm.MiniLM",
}


class Embedder(Protocol):
    """What embeds texts. Kept by the process and used by several threads."""

    name: str

    def embed(self, texts: Sequence[str], *, query: bool = False) -> np.ndarray:
        """Unit vectors, float32, shape (len(texts), dimensions). Raises KnowledgeError."""
        ...


@cache
def embedder(provider: str) -> Embedder:
    """The process's embedder of this provider; loads its library on first use."""
    made: Embedder = import_string(EMBEDDERS[provider])()
    return made


_ACTIVE = Objects(lambda: EmbeddingModel.objects.filter(store=1))
_CHANGING = Select(lambda: Store.objects.exclude(next_model=None).values_list("pk"))


def active_model() -> EmbeddingModel | None:
    """The model that the store's vectors were made with; None before the first ingest."""
    return _ACTIVE.first()


def searched_model(spaces: Sequence[Space]) -> EmbeddingModel | None:
    """The one model that a search of these spaces uses: scores of two can't be compared. While the
    store's changes, that is the next one only where all of these have swapped to it."""
    if not _CHANGING():
        return active_model()
    store = Store.objects.select_related("embedding_model", "next_model").get(pk=1)
    searched = Space.objects.filter(pk__in=[space.pk for space in spaces])
    if store.next_model is None or searched.exclude(swapped_to=store.next_model).exists():
        return store.embedding_model
    return store.next_model


def models_for(space: Space) -> tuple[EmbeddingModel, EmbeddingModel | None]:
    """The model that what is new in the space must be embedded with, and, while the store's
    changes, the other one, which `reembedding` makes up for where it can't be reached.

    Raises KnowledgeError as `choose_model` does.
    """
    active = choose_model()
    store = Store.objects.select_related("next_model").get(pk=1)
    if store.next_model is None or store.next_model == active:
        return active, None
    if Space.objects.filter(pk=space.pk, swapped_to=store.next_model).exists():
        return store.next_model, active
    return active, store.next_model


def choose_model() -> EmbeddingModel:
    """The active model; a new store takes one that settings name, from then on the row decides.

    Raises KnowledgeError where none can be reached: its dimensions must be known.
    """
    if (model := active_model()) is not None:
        return model
    row = _first_that_answers()
    with transaction.atomic():
        store, _ = Store.objects.select_for_update().get_or_create(pk=1)
        if store.embedding_model is None:
            store.embedding_model = row
            store.save(update_fields=["embedding_model"])
    return store.embedding_model


def candidates() -> list[str]:
    """The providers that a new store would embed with, the first that answers."""
    if settings.EMBEDDINGS != "auto":
        return [settings.EMBEDDINGS]
    return [*(p for p in ("gemini", "openai") if configured(p)), "local"]


def _first_that_answers() -> EmbeddingModel:
    """A new store must not wait for a provider that is down: with `EMBEDDINGS=auto` the next one
    is taken. Raises the last one's KnowledgeError where none answers."""
    *others, last = candidates()
    for provider in others:
        try:
            return model_of(provider)
        except ProviderError as error:
            logger.warning("the new store does not embed with %s: %s", provider, error)
    return model_of(last)


def model_of(provider: str) -> EmbeddingModel:
    """The row of the model that this provider is configured to embed with. Raises KnowledgeError
    where it does not answer."""
    dimensions = _embedded(provider, ["dimensions"]).shape[1]
    name = embedder(provider).name
    if dimensions > MAX_DIMENSIONS:
        raise ProviderError(
            f"{name} gives {dimensions} dimensions; Askwell keeps at most {MAX_DIMENSIONS}"
        )
    row, _ = EmbeddingModel.objects.get_or_create(
        provider=provider, name=name, dimensions=dimensions
    )
    return row


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
        raise ProviderError(
            f"the documents were embedded with {provider}, which is not configured; set its key or "
            "address again"
        )
    health = breaker(f"{provider} embeddings")
    if not health.allows():
        raise Unreachable(f"{provider}'s embeddings rest after failures", health.rest)
    with health.watching():
        return embedder(provider).embed(texts, query=query)
