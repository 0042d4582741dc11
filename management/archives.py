"""A backup's file: a ZIP of the database, the originals and a manifest that says what they are.

manifest.json       what is in it, with sizes and SHA-256
database.sqlite3
originals/NAME      each under the name that the store keeps it by
"""

import hashlib
import json
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import IO, Any, BinaryIO

from management.errors import DamagedBackup, NewerBackup, NotABackup

FORMAT = 1
MANIFEST, DATABASE, ORIGINALS = "manifest.json", "database.sqlite3", "originals/"
MAX_MANIFEST = 512 * 1024 * 1024
BLOCK = 1024 * 1024
UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,  # a compression or encryption that no backup has
    RuntimeError,
    ValueError,
)


@dataclass(frozen=True)
class Member:
    """A file of the archive: its name there, size in bytes and SHA-256."""

    name: str
    size: int
    sha256: str


@dataclass
class Manifest:
    """What a backup says of itself. `migrations` names those that its database has had, as
    "app.name"; `counts` the rows of each table; `missing` the originals that were not there."""

    made_at: str
    database: Member
    originals: list[Member] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    migrations: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)


class Writer:
    """Writes an archive to an open file."""

    def __init__(self, file: BinaryIO) -> None:
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1)

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, *raised: object) -> None:
        with suppress(OSError):  # of an archive that is given up
            self._zip.close()

    def add(self, name: str, source: IO[bytes]) -> Member:
        digest, size = hashlib.sha256(), 0
        with self._zip.open(name, "w", force_zip64=True) as target:
            while block := source.read(BLOCK):
                digest.update(block)
                size += len(block)
                target.write(block)
        return Member(name, size, digest.hexdigest())

    def finish(self, manifest: Manifest) -> None:
        self._zip.writestr(MANIFEST, json.dumps({"format": FORMAT, **asdict(manifest)}))
        self._zip.close()


class Archive:
    """A backup that is read; nothing in it is trusted. Raises NotABackup where it is not sound."""

    def __init__(self, opened: zipfile.ZipFile) -> None:
        self._zip = opened
        names = opened.namelist()
        if MANIFEST not in names or opened.getinfo(MANIFEST).file_size > MAX_MANIFEST:
            raise NotABackup("it has no manifest")
        try:
            self.manifest = _manifest(opened.read(MANIFEST))
        except (OSError, *UNREADABLE) as error:
            raise NotABackup("its manifest can't be read") from error
        described = [self.manifest.database, *self.manifest.originals]
        if sorted(names) != sorted([MANIFEST, *(member.name for member in described)]):
            raise DamagedBackup("its files are not those that its manifest names")
        for member in self.manifest.originals:
            _check_name(member.name)

    @property
    def size(self) -> int:
        """Bytes of everything in it."""
        return sum(member.size for member in [self.manifest.database, *self.manifest.originals])

    def verify(self) -> None:
        """Read everything once, and keep nothing of it."""
        for member in [self.manifest.database, *self.manifest.originals]:
            for _ in self.blocks(member):
                pass

    def blocks(self, member: Member) -> Iterator[bytes]:
        """The member's bytes. Raises DamagedBackup, at the end at the latest, where they are not
        those that were backed up."""
        digest, size = hashlib.sha256(), 0
        try:
            with self._zip.open(member.name) as file:
                while block := file.read(min(BLOCK, member.size - size + 1)):
                    digest.update(block)
                    size += len(block)
                    if size > member.size:
                        break
                    yield block
        except UNREADABLE as error:
            raise DamagedBackup(f"{member.name} can't be read") from error
        if (size, digest.hexdigest()) != (member.size, member.sha256):
            raise DamagedBackup(f"{member.name} is not what was backed up")


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """The archive at this path. Raises NotABackup, also for what can't be opened."""
    try:
        file = zipfile.ZipFile(path)
    except OSError as error:
        raise NotABackup(f"{path}: {error.strerror}") from error
    except UNREADABLE as error:
        raise NotABackup(str(path)) from error
    with file:
        yield Archive(file)


def _manifest(data: bytes) -> Manifest:
    try:
        fields: dict[str, Any] = json.loads(data)
        if fields.pop("format") > FORMAT:
            raise NewerBackup()
        if datetime.fromisoformat(fields["made_at"]).tzinfo is None:
            raise ValueError("made_at names no time zone")
        fields["database"] = _member(fields["database"])
        fields["originals"] = [_member(member) for member in fields["originals"]]
        return Manifest(**fields)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise NotABackup("its manifest can't be read") from error


def _member(fields: dict[str, Any]) -> Member:
    if not isinstance(fields["size"], int):
        raise TypeError("a size is no number")
    return Member(str(fields["name"]), fields["size"], fields["sha256"])


def _check_name(name: str) -> None:
    """A name is a plain path below originals/, whoever wrote the archive."""
    path = PurePosixPath(name)
    plain = name.startswith(ORIGINALS) and len(path.parts) > 1 and str(path) == name
    if not plain or ".." in path.parts or "\\" in name or "\0" in name:
        raise DamagedBackup(f"it holds a file with an unsafe name, {name!r}")
