"""What the rows say, to compare with what an index holds."""

from knowledge.index.space_index import SpaceIndex
from knowledge.models import Chunk, Space


def published(space: Space) -> set[int]:
    """The chunks that stand in the space at this moment."""
    return set(
        Chunk.objects.filter(
            chunking__space=space,
            chunking__published_revision__isnull=False,
            chunking__withdrawn_revision=None,
            chunking__version__document__removed_at=None,
        ).values_list("pk", flat=True)
    )


def held(index: SpaceIndex) -> set[int]:
    """The chunks that stand in the index; none twice."""
    ids = [int(pk) for segment in index.segments for pk in segment.chunk_ids[segment.alive]]
    assert len(ids) == len(set(ids)) == index.count
    return set(ids)
