"""Snapshot files of large indexes: private to this machine, checked when read, never the truth.

A file is the SHA-256 of its name and of the rest (32 bytes), then NumPy arrays one after the
other. With the name in it, a file that was renamed or copied from another space is not sound.
"""

import hashlib
import io
import logging
import os
import secrets
from pathlib import Path

import numpy as np

from knowledge.index.postings import Postings
from knowledge.index.snapshot_files import count_of, drop, files_of, path_for, revision_of
from knowledge.index.space_index import Segment, SpaceIndex, joined
from knowledge.index.vectors import FlatVectors
from knowledge.models import Chunking, EmbeddingModel, Space

logger = logging.getLogger(__name__)

FORMAT = 2


def write(space: Space, model: EmbeddingModel, index: SpaceIndex) -> None:
    """Keep the index for the next process, and delete the space's older snapshots.

    Where the disk does not let it, a line in the log says so: the index serves without.
    """
    segment = joined(list(index.segments))
    target = path_for(space, model, index.revision, segment.count)
    older = [path for path in files_of(space, model) if revision_of(path) <= index.revision]
    # Of a process that died while it wrote; one that is alive can do without as well.
    broken_off = list(target.parent.glob(f"{space.identity}-{model.pk}-*.tmp"))
    try:
        _write(target, _packed(segment))
        for path in {*older, *broken_off} - {target}:
            path.unlink(missing_ok=True)
        if _purged_since(space, index.revision):
            target.unlink(missing_ok=True)
    except OSError as error:
        logger.warning("snapshot %s can't be written: %s", target.name, error)


def _write(target: Path, payload: memoryview) -> None:
    scratch = target.with_suffix(f".{secrets.token_hex(4)}.tmp")
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(_digest(target.name, payload))
        file.write(payload)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(target)


def _purged_since(space: Space, revision: int) -> bool:
    """Whether a document was removed since, so that its purge may have missed the new file."""
    removed = Chunking.objects.filter(space=space, version__document__removed_at__isnull=False)
    return removed.filter(withdrawn_revision__gt=revision).exists()


def read(space: Space, model: EmbeddingModel) -> SpaceIndex | None:
    """The newest snapshot that is sound; damaged ones are deleted, with a line in the log."""
    for path in files_of(space, model):
        if revision_of(path) > space.revision:
            # Written by a process that is ahead of us, or left of a database that was replaced.
            if revision_of(path) > Space.objects.get(pk=space.pk).revision:
                drop(path, "is of a later revision than the database")
            continue
        try:
            segment = _unpacked(path.name, path.read_bytes())
        except FileNotFoundError:  # another process wrote a newer one
            continue
        except OSError as error:
            logger.warning("snapshot %s can't be read: %s", path.name, error)
            continue
        if segment is not None and segment.count == count_of(path):
            return SpaceIndex(revision_of(path), (segment,))
        drop(path, "is damaged")
    return None


def _digest(name: str, payload: bytes | memoryview) -> bytes:
    digest = hashlib.sha256(name.encode())
    digest.update(payload)
    return digest.digest()


def _packed(segment: Segment) -> memoryview:
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
    return buffer.getbuffer()


def _unpacked(name: str, data: bytes) -> Segment | None:
    """The segment in a file's bytes; None where they are not what was written."""
    if _digest(name, memoryview(data)[32:]) != data[:32]:
        return None
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
