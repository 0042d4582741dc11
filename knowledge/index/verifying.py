"""Compare what a space's index would be on this machine with the rows, and mend its snapshots."""

import logging

import numpy as np
from django.db.models import Q

from knowledge.index import loading, snapshot_files, snapshots
from knowledge.index.space_index import SpaceIndex
from knowledge.models import Chunk, EmbeddingModel, Space

logger = logging.getLogger(__name__)


def mend_snapshot(space: Space, model: EmbeddingModel) -> bool:
    """Whether the space's newest snapshot, brought up to the space's revision, differed from the
    rows; then it was deleted and written anew. Damaged files are deleted on the way."""
    start = snapshots.read(space, model)
    if start is None:
        return False
    index = loading.advance(start, space, model)
    if shown_by(index) == in_rows(space):
        return False
    if Space.objects.get(pk=space.pk).revision != space.revision:
        return False  # it changed while we looked; the next look will tell
    logger.warning("the snapshots of %s differ from the database and are made anew", space)
    snapshot_files.delete_all(space)
    anew = loading.advance(SpaceIndex(0), space, model)
    if anew.count >= loading.SNAPSHOT_CHUNKS:
        snapshots.write(space, model, anew)
    return True


def shown_by(index: SpaceIndex) -> set[int]:
    """The ids of the chunks that an index shows."""
    alive = [segment.chunk_ids[segment.alive] for segment in index.segments]
    return set(np.concatenate(alive).tolist()) if alive else set()


def in_rows(space: Space) -> set[int]:
    """The ids of the chunks that the space shows at this revision."""
    stands = Q(chunking__withdrawn_revision=None) | Q(
        chunking__withdrawn_revision__gt=space.revision
    )
    shown = Chunk.objects.filter(
        stands, chunking__space=space, chunking__published_revision__lte=space.revision
    )
    return set(shown.values_list("pk", flat=True))
