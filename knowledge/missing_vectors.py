"""Embed what a space shows and has no vector of a model for, in batches. Safe to repeat, and in
two processes at once."""

import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from django.db import transaction
from django.db.models import QuerySet

from knowledge.embedding import embed
from knowledge.models import Chunk, Chunking, Embedding, EmbeddingModel, Space
from knowledge.passages import text_to_embed
from knowledge.publishing import BATCH, without_vector

# Chunkings that are looked through at once.
LOOKED_AT = 100


class _Row(NamedTuple):
    pk: int
    sha256: str
    text: str
    heading: str
    document: str

    @property
    def to_embed(self) -> str:
        return text_to_embed(self.document, self.heading, self.text)


COLUMNS = ("pk", "embedded_sha256", "text", "section__heading", "chunking__version__document__name")


def shown(space: Space) -> QuerySet[Chunking]:
    return Chunking.objects.filter(
        space=space, published_revision__isnull=False, withdrawn_revision=None
    )


def missing(space: Space, model: EmbeddingModel) -> QuerySet[Chunk]:
    """The chunks that the space shows and that have no vector of the model."""
    return without_vector(Chunk.objects.filter(chunking__in=shown(space)), model)


def embed_missing(space: Space, model: EmbeddingModel, until: float, *, searched: bool) -> int:
    """Embed what is missing, until that time of the monotonic clock; how much was.

    `searched`: the space is searched with the model now, so every index must learn of it. Raises
    KnowledgeError where the model can't be reached; what was embedded before that is kept.
    """
    count = 0
    for pks in _batches(space, model):
        if time.monotonic() > until:
            break
        rows = [_Row(*row) for row in Chunk.objects.filter(pk__in=pks).values_list(*COLUMNS)]
        vectors = _vectors(rows, space, model)
        count += _write(space, model, rows, vectors, searched)
    return count


def _batches(space: Space, model: EmbeddingModel) -> Iterator[list[int]]:
    chunkings = list(shown(space).order_by("pk").values_list("pk", flat=True))
    waiting: list[int] = []
    for first in range(0, len(chunkings), LOOKED_AT):
        chunks = Chunk.objects.filter(chunking__in=chunkings[first : first + LOOKED_AT])
        waiting += without_vector(chunks, model).order_by("pk").values_list("pk", flat=True)
        while len(waiting) >= BATCH:
            yield waiting[:BATCH]
            waiting = waiting[BATCH:]
    if waiting:
        yield waiting


def _vectors(rows: Sequence[_Row], space: Space, model: EmbeddingModel) -> dict[str, bytes]:
    """A vector for each hash; what the space has one of is not embedded again."""
    wanted = {row.sha256: row.to_embed for row in rows}
    known = Embedding.objects.filter(
        model=model, chunk__chunking__space=space, chunk__embedded_sha256__in=wanted
    )
    vectors = {
        sha256: bytes(vector)
        for sha256, vector in known.values_list("chunk__embedded_sha256", "vector")
    }
    if texts := {sha256: text for sha256, text in wanted.items() if sha256 not in vectors}:
        made: np.ndarray = embed(list(texts.values()), model).astype("<f4")
        vectors |= {sha256: vector.tobytes() for sha256, vector in zip(texts, made, strict=True)}
    return vectors


def _write(
    space: Space,
    model: EmbeddingModel,
    rows: Sequence[_Row],
    vectors: dict[str, bytes],
    searched: bool,
) -> int:
    with transaction.atomic():
        if searched:
            space.step()
        there = Chunk.objects.filter(pk__in=[row.pk for row in rows]).select_for_update()
        kept = set(there.values_list("pk", flat=True))  # others were purged meanwhile
        Embedding.objects.bulk_create(
            [
                Embedding(chunk_id=row.pk, model=model, vector=vectors[row.sha256])
                for row in rows
                if row.pk in kept
            ],
            ignore_conflicts=True,
        )
    return len(kept)
