"""Bring a space's index up to a revision: from a snapshot or another index, and from the rows."""

import numpy as np
from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from knowledge.index import snapshots
from knowledge.index.postings import Postings
from knowledge.index.space_index import Segment, SpaceIndex
from knowledge.index.terms import content_terms
from knowledge.index.vectors import FlatVectors
from knowledge.models import Chunk, Chunking, Embedding, EmbeddingModel, Space
from knowledge.passages import text_to_search

# Spaces below this many chunks are read from rows quickly enough.
SNAPSHOT_CHUNKS = 2000


def load(space: Space, model: EmbeddingModel) -> SpaceIndex:
    """The space's index at its revision, read from the newest sound snapshot and from rows."""
    start = snapshots.read(space, model) or SpaceIndex(0)
    index = advance(start, space, model)
    if index.count >= SNAPSHOT_CHUNKS and index.revision > start.revision and not index.lacking:
        snapshots.write(space, model, index)
    return index


def prepare(space: Space, model: EmbeddingModel) -> None:
    """Write the snapshot of a large space, for those who will search it with the model."""
    shown = Chunking.objects.filter(space=space, withdrawn_revision=None)
    passages = shown.exclude(published_revision=None).aggregate(total=Sum("passages"))["total"]
    if (passages or 0) >= SNAPSHOT_CHUNKS:
        load(space, model)


def advance(index: SpaceIndex, space: Space, model: EmbeddingModel) -> SpaceIndex:
    """The index at the space's revision: what was published since is read, the rest goes."""
    chunkings = Chunking.objects.filter(space=space)
    new = chunkings.filter(
        Q(withdrawn_revision=None) | Q(withdrawn_revision__gt=space.revision),
        Q(published_revision__gt=index.revision) | Q(pk__in=index.lacking),
        published_revision__lte=space.revision,
    )
    withdrawn = chunkings.filter(
        withdrawn_revision__gt=index.revision, withdrawn_revision__lte=space.revision
    )
    segment, lacking = _segment(new, model)
    gone = [*withdrawn.values_list(Coalesce("left", "pk"), flat=True), *index.lacking]
    return index.advanced(space.revision, segment, gone, lacking)


def _segment(
    chunkings: QuerySet[Chunking], model: EmbeddingModel
) -> tuple[Segment | None, frozenset[int]]:
    """The rows of these chunkings, a document's side by side in their order, and the chunkings
    that lack a vector of this model: a chunk without one is found by terms."""
    rows = list(
        Chunk.objects.filter(chunking__in=chunkings)
        .order_by("chunking", "position")
        .values_list(
            "pk", "chunking_id", "section__heading", "text", "chunking__version__document__name"
        )
    )
    if not rows:
        return None, frozenset()
    row_of = {row[0]: number for number, row in enumerate(rows)}
    matrix = np.zeros((len(rows), model.dimensions), dtype=np.float32)
    lacks = np.ones(len(rows), dtype=bool)
    vectors = Embedding.objects.filter(model=model, chunk__chunking__in=chunkings)
    for chunk_id, vector in vectors.values_list("chunk_id", "vector").iterator(1000):
        if chunk_id in row_of:
            matrix[row_of[chunk_id]] = np.frombuffer(vector, dtype="<f4")
            lacks[row_of[chunk_id]] = False
    chunking_ids = np.array([row[1] for row in rows], dtype=np.int64)
    segment = Segment(
        np.array([row[0] for row in rows], dtype=np.int64),
        chunking_ids,
        FlatVectors(matrix),
        Postings.of(
            content_terms(text_to_search(name, heading, text)) for _, _, heading, text, name in rows
        ),
        np.ones(len(rows), dtype=bool),
    )
    return segment, frozenset(chunking_ids[lacks].tolist())
