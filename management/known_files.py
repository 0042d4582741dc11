"""What is known of the watched files from the last look at them."""

import os
from collections.abc import Container, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from knowledge.models import Document, DocumentVersion, Space, VersionState, WatchedFile
from management.watching import FileRead

# A file may be written again within the same tick of its clock, which lasts up to two seconds on
# some file systems: what was that young when it was read is not trusted.
TICK_NS = 2_000_000_000
# Rows of one write transaction: the write lock is held for some milliseconds only.
ROWS = 200

# Of a row, what every look compares; the rest is read for changed files only.
STATE = ("size", "modified_ns", "changed_ns", "device", "looked_ns")

State = tuple[int, int, int, int, int]


class KnownFiles:
    """The rows, and the documents of the space that were read from files. A thorough look also
    minds documents without a row, and takes those up that could not be read."""

    def __init__(self, space: Space, thorough: bool) -> None:
        rows = WatchedFile.objects.values_list("origin", *STATE)
        self._rows: dict[str, State] = {row[0]: row[1:] for row in rows.iterator(5000)}
        self._from_files = space.documents.exclude(origin="")
        self._left_alone, self._distrusted = self._removed(space)
        self._without_row: set[str] = set()
        if thorough:
            self._without_row = set(_origins(self._from_files.kept().filter(files=None)))
            self._distrusted |= _unread(space)
        self._noted: dict[str, WatchedFile] = {}

    def _removed(self, space: Space) -> tuple[set[str], set[str]]:
        """Files whose documents were removed: by hand, and those that have one again since."""
        removed = space.documents.exclude(removed_at=None)
        if not (files := set(_origins(removed))):
            return set(), set()
        files |= set(_origins(WatchedFile.objects.filter(document__in=removed)))
        back = files.intersection(_origins(self._from_files.kept()))
        return files - back - {""}, back

    @property
    def origins(self) -> Container[str]:
        return self._rows

    def to_read(self, files: Mapping[str, tuple[str, os.stat_result]]) -> list[str]:
        """Those of these files that are new, may have changed, or are to be tried again."""
        changed = [
            origin
            for origin, (_, state) in files.items()
            if (row := self._rows.get(origin)) is None
            or row[0] != state.st_size
            or row[1] != state.st_mtime_ns
            or row[2] != state.st_ctime_ns
            or row[3] != state.st_dev
            or max(row[1], row[2]) >= row[4] - TICK_NS
        ]
        again = self._distrusted & files.keys()
        return [one for one in dict.fromkeys([*changed, *again]) if one not in self._left_alone]

    def is_same(self, origin: str, digest: str) -> bool:
        """Whether the file held the same bytes, and nothing is to be tried again."""
        row = self._row(origin)
        return row is not None and row.sha256 == digest and origin not in self._distrusted

    def document_of(self, origin: str) -> UUID | None:
        """The document that the file stands for."""
        document = self._from_files.kept().filter(origin=origin).first()
        if document is not None:
            return document.pk
        row = self._row(origin)
        return row.document_id if row is not None else None

    def device_of(self, origin: str) -> int | None:
        row = self._rows.get(origin)
        return row[3] if row is not None else None

    def others_of(self, document: UUID, origin: str) -> list[str]:
        """Other files that stood for the document; they are to be read as if unknown."""
        others = [one for one in self.files_of(document) if one != origin]
        self._distrusted.update(others)
        return others

    def files_of(self, document: UUID) -> list[str]:
        """The files that stand for the document."""
        rows = WatchedFile.objects.filter(document=document).values_list("origin", flat=True)
        noted = [one.origin for one in self._noted.values() if one.document_id == document]
        return sorted({*(one for one in rows if one not in self._noted), *noted})

    def not_in(self, files: Mapping[str, object]) -> list[str]:
        """The places that are known, by a row or a document, and are not among these files."""
        return sorted((self._rows.keys() | self._without_row) - files.keys())

    def note(self, origin: str, read: FileRead, digest: str, document: UUID | None = None) -> None:
        """The file was read now; without a document it stands for what it stood for before."""
        self._noted[origin] = WatchedFile(
            origin=origin,
            size=read.state.st_size,
            modified_ns=read.state.st_mtime_ns,
            changed_ns=read.state.st_ctime_ns,
            device=read.state.st_dev,
            looked_ns=read.looked_ns,
            sha256=digest,
            document_id=document or self.document_of(origin),
        )

    def save(self) -> None:
        """Keep what was noted."""
        noted = iter(self._noted.values())
        while rows := list(islice(noted, ROWS)):
            WatchedFile.objects.bulk_create(
                rows,
                update_conflicts=True,
                unique_fields=["origin"],
                update_fields=[*STATE, "sha256", "document"],
            )

    def forget(self, origins: Sequence[str]) -> None:
        """Keep nothing of what was known of these."""
        for first in range(0, len(origins), ROWS):
            WatchedFile.objects.filter(origin__in=origins[first : first + ROWS]).delete()

    def _row(self, origin: str) -> WatchedFile | None:
        if origin in self._noted:
            return self._noted[origin]
        return WatchedFile.objects.filter(origin=origin).first() if origin in self._rows else None


def _origins(rows: QuerySet[Any]) -> Iterable[str]:
    return rows.values_list("origin", flat=True)


def _unread(space: Space) -> set[str]:
    """Where documents come from whose latest version failed or still waits."""
    unready = Document.objects.kept().filter(space=space).exclude(origin="")
    unready = unready.exclude(versions__in=_latest().filter(state=VersionState.READY))
    return set(unready.values_list("origin", flat=True))


def _latest() -> QuerySet[DocumentVersion]:
    later = DocumentVersion.objects.filter(
        document=OuterRef("document"), number__gt=OuterRef("number")
    )
    return DocumentVersion.objects.filter(~Exists(later))
