"""What a store no longer needs, though nobody removed it: what was replaced, and stray files."""

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.core.files.storage import default_storage
from django.db.models import QuerySet

from knowledge import originals
from knowledge.models import Chunk, Chunking, DocumentVersion

logger = logging.getLogger(__name__)

# A file is kept before its row; younger ones may be waiting for theirs.
STRAY_AFTER = timedelta(days=1)
NAMES = 200


def replaced_chunks() -> QuerySet[Chunk]:
    """The passages of chunkings that were withdrawn. The chunkings' own rows stay: indexes learn
    from them what to leave out."""
    withdrawn = Chunking.objects.filter(withdrawn_revision__isnull=False)
    return Chunk.objects.filter(chunking__in=withdrawn)


def delete_stray_originals(now: datetime) -> int:
    """Delete stored files that no version has; how many."""
    count = 0
    names: list[str] = []
    for name in stored():
        names.append(name)
        if len(names) == NAMES:
            count += _delete_strays(names, now)
            names = []
    return count + _delete_strays(names, now)


def stored() -> Iterator[str]:
    """The names of all stored originals. What else lies there is none of ours."""
    for folder in filter(originals.FOLDER.fullmatch, _listed("")[0]):
        names = (f"{folder}/{name}" for name in _listed(folder)[1])
        yield from filter(originals.NAME.fullmatch, names)


def _listed(folder: str) -> tuple[list[str], list[str]]:
    """The folders and the files of a folder."""
    try:
        return default_storage.listdir(folder)
    except FileNotFoundError:  # nothing was stored yet
        return [], []


def _delete_strays(names: list[str], now: datetime) -> int:
    known = set(
        DocumentVersion.objects.filter(original__in=names).values_list("original", flat=True)
    )
    strays = [name for name in names if name not in known and _is_old(name, now)]
    for name in strays:
        default_storage.delete(name)
    return len(strays)


def _is_old(name: str, now: datetime) -> bool:
    try:
        return default_storage.get_modified_time(name) < now - STRAY_AFTER
    except FileNotFoundError:  # removed meanwhile
        return False
