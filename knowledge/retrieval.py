"""search(query, spaces, k) -> passages: the one door to chunk rows."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING
from uuid import UUID

import numpy as np
from django.conf import settings
from django.db import connection
from django.utils.module_loading import import_string

from knowledge.embedding import embed, searched_model
from knowledge.errors import KnowledgeError
from knowledge.models import Chunk, Chunking, EmbeddingModel, Space
from knowledge.passages import Passage
from knowledge.prepared import Objects, any_of

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from knowledge.index.cache import IndexCache
    from knowledge.index.ranking import Hit
    from knowledge.index.space_index import SpaceIndex

logger = logging.getLogger(__name__)

# Evidence from which on a question counts as answerable, by embedding provider: measured for the
# local model (docs/decisions/0004-evidence.md), the same for the others until they are.
THRESHOLDS = {"local": 0.46, "gemini": 0.46, "openai": 0.46}
TERMS_ONLY_THRESHOLD = 0.60
# A passage that holds this share of the question's words is evidence whatever the model says.
TERMS_SUFFICE = 0.80


@dataclass(frozen=True)
class Retrieved:
    """Passages for a question, best first, and whether they are evidence enough to answer it."""

    passages: list[Passage]
    sufficient: bool
    # The embedding model could not be reached.
    terms_only: bool


def search(query: str, spaces: Sequence[Space], k: int) -> list[Passage]:
    """The best `k` passages of these spaces. No threshold applies."""
    return retrieve(query, spaces, k).passages


def retrieve(
    query: str, spaces: Sequence[Space], k: int, *, about: Sequence[UUID] = ()
) -> Retrieved:
    """The best `k` passages of these spaces, and how good they are as evidence.

    With `about`, ids of documents, nothing else is searched; and as the question is about these,
    they are evidence whatever its words are, by how they begin where nothing better is found.
    """
    model = searched_model(spaces)
    if model is None or not spaces or not query.strip():
        return Retrieved([], sufficient=False, terms_only=False)
    try:
        vector = embed([query], model, query=True)[0]
    except KnowledgeError as error:
        logger.warning("searching for words only: %s", error)
        vector = None
    if about:
        return _retrieve_from(about, query, vector, model, spaces, k)
    return retrieve_embedded(query, vector, model, spaces, k)


def retrieve_embedded(
    query: str, vector: np.ndarray | None, model: EmbeddingModel, spaces: Sequence[Space], k: int
) -> Retrieved:
    """As `retrieve`, for a query that `model` has embedded; None where it could not."""
    return _retrieve(_indexes(spaces, model), query, vector, model, spaces, k)


def _retrieve(
    indexes: "Sequence[SpaceIndex]",
    query: str,
    vector: np.ndarray | None,
    model: EmbeddingModel,
    spaces: Sequence[Space],
    k: int,
) -> Retrieved:
    # More than asked for: some may have been withdrawn since the index was brought up.
    hits = _rank(query, vector, indexes, k + 4)
    passages = _read(hits, spaces)[:k]
    return Retrieved(passages, _suffices(hits, passages, model, vector is None), vector is None)


def _retrieve_from(
    documents: Sequence[UUID],
    query: str,
    vector: np.ndarray | None,
    model: EmbeddingModel,
    spaces: Sequence[Space],
    k: int,
) -> Retrieved:
    there = Chunking.objects.filter(version__document__in=documents, space__in=spaces)
    only = list(there.values_list("pk", flat=True))
    indexes = [index.only(only) for index in _indexes(spaces, model)]
    found = _retrieve(indexes, query, vector, model, spaces, k)
    if found.sufficient:
        return found
    half = (k + 1) // 2
    passages = {p.chunk_id: p for p in [*_leading(there, spaces, half), *found.passages]}
    return Retrieved(list(passages.values())[:k], bool(passages), found.terms_only)


def _leading(chunkings: "QuerySet[Chunking]", spaces: Sequence[Space], k: int) -> list[Passage]:
    """The passages with which the documents begin."""
    shown = chunkings.filter(published_revision__isnull=False, withdrawn_revision=None)
    first = Chunk.objects.filter(chunking__in=shown).order_by("position", "chunking")
    hit = import_string("knowledge.index.ranking.Hit")
    hits = [hit(pk, 0.0, 0.0, 0.0) for pk in first.values_list("pk", flat=True)[:k]]
    return _read(hits, spaces)


def mentions(words: Sequence[str], spaces: Sequence[Space]) -> bool:
    """Whether any of the words stands in the spaces' documents."""
    model = searched_model(spaces)
    if model is None or not words:
        return False
    mentioned = import_string("knowledge.index.ranking.mentioned")
    return bool(mentioned(words, _indexes(spaces, model)))


def _indexes(spaces: Sequence[Space], model: EmbeddingModel) -> "list[SpaceIndex]":
    """The spaces' indexes at their present revisions."""
    indexes: IndexCache = import_string("knowledge.index.cache.indexes")
    rows = _spaces(len(spaces))(*(space.pk for space in spaces)) if spaces else ()
    return [indexes.at_revision_of(space, model) for space in rows]


@cache
def _spaces(count: int) -> Objects[Space]:
    return Objects(lambda: Space.objects.filter(pk__in=any_of(count)).order_by("pk"))


def _rank(*arguments: object) -> "list[Hit]":
    hits: list[Hit] = import_string("knowledge.index.ranking.rank")(*arguments)
    return hits


# The last wall between readers and what they may not see: whatever an index says, a chunk is
# used only where it stands published in a searched space at this moment. Written out because
# every search waits for it, and building it from objects takes longer than running it.
_READ = """
    SELECT c.id, d.id, d.name, v.id, s.id, g.space_id, s.page, s.heading, c.start, c."end", c.text
    FROM knowledge_chunk c
    JOIN knowledge_chunking g ON g.id = c.chunking_id
    JOIN knowledge_documentversion v ON v.id = g.version_id
    JOIN knowledge_document d ON d.id = v.document_id
    JOIN knowledge_section s ON s.id = c.section_id
    WHERE c.id IN ({chunks}) AND g.space_id IN ({spaces})
      AND g.published_revision IS NOT NULL AND g.withdrawn_revision IS NULL
      AND d.removed_at IS NULL AND d.current_id = v.id
"""


def _read(hits: "Sequence[Hit]", spaces: Sequence[Space]) -> list[Passage]:
    """The hits' rows, as far as they stand published in these spaces at this moment."""
    if not hits or not spaces:
        return []
    scores = {hit.chunk_id: hit.score for hit in hits}
    readable = [space.pk for space in spaces]
    statement = _READ.format(
        chunks=", ".join(["%s"] * len(scores)), spaces=", ".join(["%s"] * len(readable))
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [*scores, *readable])
        rows = cursor.fetchall()
    found = {
        chunk: Passage(*[chunk, str(UUID(str(document))), *rest, scores[chunk]])
        for chunk, document, *rest in rows
    }
    return [found[hit.chunk_id] for hit in hits if hit.chunk_id in found]


def _suffices(
    hits: "Sequence[Hit]", passages: Sequence[Passage], model: EmbeddingModel, terms_only: bool
) -> bool:
    kept = {passage.chunk_id for passage in passages}
    own = max((hit.own for hit in hits if hit.chunk_id in kept), default=0.0)
    terms = max((hit.terms for hit in hits if hit.chunk_id in kept), default=0.0)
    if terms_only:
        return terms >= TERMS_ONLY_THRESHOLD
    if settings.SIMILARITY_THRESHOLD is not None:
        return own >= float(settings.SIMILARITY_THRESHOLD)
    return own >= THRESHOLDS[model.provider] or terms >= TERMS_SUFFICE
