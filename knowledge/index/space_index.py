"""A space's index: immutable segments, advanced from one revision to the next.

An index is never changed: advancing makes a new one that shares the old segments, so searches
run on without locks while a document is added or withdrawn.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from knowledge.index.postings import Postings
from knowledge.index.vectors import FlatVectors

# More segments than this, or more withdrawn rows than this share, and they become one.
MAX_SEGMENTS = 6
MAX_DEAD_SHARE = 0.25


@dataclass(frozen=True)
class Segment:
    """Rows that were indexed together, and which of them still stand."""

    chunk_ids: np.ndarray
    chunking_ids: np.ndarray
    vectors: FlatVectors
    postings: Postings
    alive: np.ndarray

    @cached_property
    def dead(self) -> np.ndarray:
        return np.flatnonzero(~self.alive)

    @cached_property
    def count(self) -> int:
        return int(self.alive.sum())

    @cached_property
    def neighbours(self) -> tuple[np.ndarray, np.ndarray]:
        """For each row the one before and the one after it that stands in the same chunking. At
        an end the one neighbour is named twice; a row alone is its own neighbour."""
        rows = np.arange(len(self.alive))
        follows = np.zeros(len(rows) + 1, dtype=bool)  # whether row i goes on from row i - 1
        follows[1:-1] = self.chunking_ids[1:] == self.chunking_ids[:-1]
        follows[1:-1] &= self.alive[1:] & self.alive[:-1]
        before, after = follows[:-1], follows[1:]
        left = np.where(before, rows - 1, np.where(after, rows + 1, rows))
        right = np.where(after, rows + 1, np.where(before, rows - 1, rows))
        return left, right

    def without(self, chunkings: np.ndarray) -> "Segment":
        """The segment with the rows of `chunkings` withdrawn."""
        withdrawn = np.isin(self.chunking_ids, chunkings)
        return replace(self, alive=self.alive & ~withdrawn) if withdrawn.any() else self

    def only(self, chunkings: np.ndarray) -> "Segment":
        """The segment with the rows of `chunkings` alone."""
        return replace(self, alive=self.alive & np.isin(self.chunking_ids, chunkings))

    @property
    def nbytes(self) -> int:
        return self.vectors.matrix.nbytes + self.postings.nbytes + 33 * len(self.chunk_ids)


@dataclass(frozen=True)
class SpaceIndex:
    """What a space shows at `revision`."""

    revision: int
    segments: tuple[Segment, ...] = field(default=())
    # Chunkings that lacked vectors when they were read; they are read again with each advance.
    lacking: frozenset[int] = frozenset()

    @property
    def count(self) -> int:
        return sum(segment.count for segment in self.segments)

    @property
    def nbytes(self) -> int:
        return sum(segment.nbytes for segment in self.segments)

    def only(self, chunkings: Iterable[int]) -> "SpaceIndex":
        """The index of these chunkings alone, for one search."""
        kept = np.array(list(chunkings), dtype=np.int64)
        segments = (segment.only(kept) for segment in self.segments)
        return SpaceIndex(self.revision, tuple(s for s in segments if s.count))

    def advanced(
        self,
        revision: int,
        added: Segment | None,
        withdrawn: Iterable[int],
        lacking: frozenset[int] = frozenset(),
    ) -> "SpaceIndex":
        """The index at a later revision, with segments joined where they have become many."""
        gone = np.array(list(withdrawn), dtype=np.int64)
        segments = [segment.without(gone) for segment in self.segments]
        if added is not None and added.count:
            segments.append(added)
        segments = [segment for segment in segments if segment.count]
        rows = sum(len(segment.chunk_ids) for segment in segments)
        dead = rows - sum(segment.count for segment in segments)
        if len(segments) > MAX_SEGMENTS or dead > MAX_DEAD_SHARE * rows:
            segments = [joined(segments)]
        return SpaceIndex(revision, tuple(segments), lacking)


def joined(segments: list[Segment]) -> Segment:
    """One segment of the rows that stand in these."""
    chunk_ids = np.concatenate([s.chunk_ids[s.alive] for s in segments])
    return Segment(
        chunk_ids,
        np.concatenate([s.chunking_ids[s.alive] for s in segments]),
        FlatVectors(np.concatenate([s.vectors.matrix[s.alive] for s in segments])),
        Postings.merged([(s.postings, s.alive) for s in segments]),
        np.ones(len(chunk_ids), dtype=bool),
    )
