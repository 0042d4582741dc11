"""Snapshot files of large indexes: private to this machine, checked when read, never the truth.

A file is SHA-256 of the rest (32 bytes), then NumPy arrays one after the other.
"""

import hashlib
import io
import logging
import os
import tempfile
from pathlib import Path

import numpy as np

from knowledge.index.postings import Postings
from knowledge.index.snapshot_files import count_of, files_of, path_for, revision_of
from knowledge.index.space_index import Segment, SpaceIndex, joined
from knowledge.index.vectors import FlatVectors
from knowledge.models import EmbeddingModel, Space

logger = logging.getLogger(__name__)

FORMAT = 1


def write(space: Space, model: EmbeddingModel, index: SpaceIndex) -> None:
    """Keep the index for the next process, and drop the space's older snapshots."""
    segment = joined(list(index.segments))
    payload = _packed(segment)
    older = files_of(space, model)
    target = path_for(space, model, index.revision, segment.count)
    with tempfile.NamedTemporaryFile(dir=target.parent, suffix=".tmp", delete=False) as file:
        file.write(hashlib.sha256(payload).digest())
        file.write(payload)
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).replace(target)
    for path in older:
        if path != target:
            path.unlink(missing_ok=True)


def read(space: Space, model: EmbeddingModel) -> SpaceIndex | None:
    """The newest snapshot that is sound; damaged ones are deleted, with a line in the log."""
    for path in files_of(space, model):
        try:
            data = path.read_bytes()
        except FileNotFoundError:  # another process wrote a newer one
            continue
        segment = _unpacked(data) if hashlib.sha256(data[32:]).digest() == data[:32] else None
        if segment is not None and segment.count == count_of(path):
            return SpaceIndex(revision_of(path), (segment,))
        logger.warning("snapshot %s is damaged; the index is rebuilt from the database", path.name)
        path.unlink(missing_ok=True)
    return None


def _packed(segment: Segment) -> bytes:
    postings = segment.postings
    vocabulary = "\n".join(postings.vocabulary).encode()
    buffer = io.BytesIO()
    for array in (
        np.array([FORMAT]),
        segment.chunk_ids,
        segment.chunking_ids,
        segment.vectors.matrix,
        np.frombuffer(vocabulary, dtype=np.uint8),
        postings.starts,
        postings.rows,
        postings.counts,
        postings.lengths,
    ):
        np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def _unpacked(data: bytes) -> Segment | None:
    buffer = io.BytesIO(data[32:])
    if np.load(buffer)[0] != FORMAT:
        return None
    chunk_ids, chunking_ids, matrix, words, *columns = (np.load(buffer) for _ in range(8))
    vocabulary = words.tobytes().decode().split("\n") if words.size else []
    return Segment(
        chunk_ids,
        chunking_ids,
        FlatVectors(matrix),
        Postings({word: number for number, word in enumerate(vocabulary)}, *columns),
        np.ones(len(chunk_ids), dtype=bool),
    )
