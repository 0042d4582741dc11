"""Bring home's team space up to what the watched folders hold.

A file that has size, times and device of the last look is unchanged, and costs no more than that
look. One that differs is read; only if its bytes differ as well does anything follow. What can't
be seen at the moment is left as it is: a folder that is missing, unreadable or reads empty, and a
disk that isn't there, delete nothing.
"""

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from django.conf import settings

from backend.accounts.spaces import home, space_for, team_key
from backend.chat.removal import sweep_removed
from knowledge.errors import FileRefused, KnowledgeError
from knowledge.ingestion import add_document
from knowledge.models import Document, DocumentVersion, Space, VersionState
from knowledge.removal import remove_document
from knowledge.renaming import follow
from management import wording
from management.known_files import KnownFiles
from management.watching import FileRead, is_sample, read_file, scan, shown

# No file, no folder that could hold it, a link that leads to itself.
NOTHING_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)


@dataclass
class Reindexed:
    """What came of a look at the watched folders; `waiting` holds the versions to be read."""

    waiting: list[DocumentVersion] = field(default_factory=list)
    new: int = 0
    changed: int = 0
    moved: int = 0
    removed: int = 0
    unchanged: int = 0
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return wording.reindexed(self)


def reindex() -> str:
    """Queue what is new or changed in WATCH_FOLDERS for the worker, and remove what was deleted
    there; what was done and what could not be."""
    return str(look_again())


def look_again(*, thorough: bool = False) -> Reindexed:
    """As `reindex`; a thorough look tries again what could not be read, and minds documents of
    which nothing is known but where they were read from."""
    return _Look(space_for(team_key(home())), thorough).run()


class _Look:
    def __init__(self, space: Space, thorough: bool) -> None:
        self._space = space
        self._known = KnownFiles(space, thorough)
        self._scans = [scan(folder, self._known.origins) for folder in settings.WATCH_FOLDERS]
        self._files: dict[str, tuple[str, os.stat_result]] = {}
        for each in self._scans:
            self._files |= each.files
        self._done = Reindexed()
        # Documents that a file has stopped to stand for, and the places that these had.
        self._left: set[UUID] = set()
        self._places: set[str] = set()

    def run(self) -> Reindexed:
        changed = self._known.to_read(self._files)
        for origin in changed:  # grows: see _take
            self._read(origin, changed)
        gone = list(self._gone())
        self._leave(gone)
        for document in Document.objects.kept().filter(pk__in=self._left):
            self._settle(document)
        self._known.save()
        self._known.forget(gone)
        done = self._done
        if done.removed:
            sweep_removed()
        done.unchanged = len(self._files) - done.new - done.changed - done.moved
        return done

    def _read(self, origin: str, changed: list[str]) -> None:
        path, _ = self._files[origin]
        try:
            read = read_file(path)
        except OSError as error:
            self._tell_unreadable(origin, error)
            return
        digest = hashlib.sha256(read.data).hexdigest()
        if self._known.is_same(origin, digest):
            self._known.note(origin, read, digest)
            return
        self._take(origin, read, digest, changed)

    def _take(self, origin: str, read: FileRead, digest: str, changed: list[str]) -> None:
        path, before = Path(self._files[origin][0]), self._known.document_of(origin)
        try:
            added = add_document(
                self._space,
                shown(path.name),
                read.data,
                origin=origin,
                sample=is_sample(path),
            )
        except FileRefused as error:
            self._done.problems.append(wording.REFUSED.format(place=origin, reason=error))
            self._known.note(origin, read, digest)
            return
        document = added.version.document_id
        if added.outcome == "replaced":
            self._done.changed += 1
            # Other files of the same bytes stood for the document, too.
            changed += [
                one for one in self._known.others_of(document, origin) if one in self._files
            ]
        elif added.outcome == "ingested":
            self._done.new += 1
        if added.version.state == VersionState.RECEIVED:
            self._done.waiting.append(added.version)
        if before is not None and before != document:
            self._left.add(before)
            self._places.add(origin)
        self._known.note(origin, read, digest, document)

    def _gone(self) -> Iterator[str]:
        """Places where a file was, below a folder that can be read, and where none is now. What
        lies in several watched folders has to be gone from all."""
        missing = self._known.not_in(self._files)
        unseen = self._unseen(missing)
        self._done.problems += unseen.values()
        for origin in missing:
            if any(origin == place or origin.startswith(f"{place}/") for place in unseen):
                continue
            scans = [each for each in self._scans if each.holds(origin)]
            there = scans and all(Path(each.root).is_dir() for each in scans)
            if there and self._is_gone(scans[0].path_of(origin), origin):
                yield origin

    def _unseen(self, missing: list[str]) -> dict[str, str]:
        """The places that can't be looked at or read empty, with what to say of them."""
        unseen: dict[str, str] = {}
        for each in self._scans:
            for place, reason in each.unreadable.items():
                unseen[place] = wording.UNREADABLE.format(place=place, reason=reason)
            if not each.count and not each.unreadable and any(map(each.holds, missing)):
                unseen[each.prefix] = wording.READS_EMPTY.format(place=each.prefix)
        return unseen

    def _is_gone(self, path: str, origin: str) -> bool:
        try:
            if stat.S_ISREG(Path(path).stat().st_mode):  # written anew just now
                return False
        except OSError as error:
            if error.errno not in NOTHING_THERE:  # the disk may be failing
                self._tell_unreadable(origin, error)
                return False
            if os.path.lexists(path):
                self._done.problems.append(wording.LEADS_NOWHERE.format(place=origin))
                return False
        device = self._known.device_of(origin)
        if device is not None and device != _device_above(path):
            self._done.problems.append(wording.OTHER_DISK.format(place=origin))
            return False
        return True

    def _tell_unreadable(self, origin: str, error: OSError) -> None:
        reason = error.strerror
        self._done.problems.append(wording.UNREADABLE.format(place=origin, reason=reason))

    def _leave(self, gone: list[str]) -> None:
        self._places.update(gone)
        self._left.update(
            document for origin in gone if (document := self._known.document_of(origin))
        )

    def _settle(self, document: Document) -> None:
        """A document whose file is gone or says something else now: it follows to another file
        of its bytes, or is removed."""
        files = [one for one in self._known.files_of(document.pk) if one in self._files]
        if document.origin in files or document.origin not in self._places:
            return  # else it was read from elsewhere, and the file was a copy
        if files:
            self._follow(document, files[0])
            return
        remove_document(document)
        # Removed with its file, not by hand: should the file come back, it is read again.
        Document.objects.filter(pk=document.pk).update(origin="")
        self._done.removed += 1

    def _follow(self, document: Document, origin: str) -> None:
        try:
            version = follow(document, origin, shown(Path(self._files[origin][0]).name))
        except KnowledgeError as error:
            self._done.problems.append(wording.REFUSED.format(place=origin, reason=error))
            return
        if version is not None:
            self._done.waiting.append(version)
        self._done.moved += 1


def _device_above(path: str) -> int:
    """The device of the nearest folder that is there."""
    above = Path(path).parent
    while not above.is_dir() and above != above.parent:
        above = above.parent
    return above.stat().st_dev
