"""Files of folders: which there are, and what they are called in the store."""

import os
import stat
import time
from collections.abc import Container
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings

from knowledge.extraction import MAX_BYTES, supported
from knowledge.ingestion import add_document
from knowledge.models import DocumentVersion, Space


def files_in(folder: Path) -> list[Path]:
    """The files below the folder whose type can be read."""
    return sorted(Path(path) for path, _ in scan(folder).files.values())


def origin_of(path: Path) -> str:
    """How a file's place is kept: within the project's own folder it moves with that."""
    path = path.resolve()
    if path.is_relative_to(settings.BASE_DIR):
        path = path.relative_to(settings.BASE_DIR)
    return _as_text(str(path))


def _as_text(path: str) -> str:
    """Two paths differ as text, too, when they are not UTF-8."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def shown(path: Path | str) -> str:
    """A path as text; a name that is not UTF-8 keeps what can be shown of it."""
    return os.fsencode(path).decode("utf-8", "replace")


@dataclass
class Scan:
    """What a folder holds: path and state of each file whose type can be read, by origin.
    `unreadable` holds the origins of what could not be looked at, with the reason."""

    root: str
    prefix: str
    files: dict[str, tuple[str, os.stat_result]] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)
    # Regular files of any type.
    count: int = 0

    def holds(self, origin: str) -> bool:
        """Whether this is a place below the folder, be anything there or not."""
        return origin.startswith(f"{self.prefix}/")

    def path_of(self, origin: str) -> str:
        return self.root + origin[len(self.prefix) :]


def scan(folder: Path, known: Container[str] = (), *, every: bool = False) -> Scan:
    """Look at everything below the folder, reading nothing. Links to folders are not followed,
    so there are no loops; what is hidden is left out. Types of `known` origins aren't asked, and
    with `every` those of none."""
    found = Scan(str(folder.resolve()), origin_of(folder))
    folders = [(found.root, found.prefix)]
    while folders:
        path, place = folders.pop()
        try:
            with os.scandir(path) as entries:
                for entry in entries:
                    name = entry.name
                    if name.startswith("."):
                        continue
                    origin = f"{place}/{name if name.isascii() else _as_text(name)}"
                    if entry.is_dir(follow_symlinks=False):
                        folders.append((entry.path, origin))
                    else:
                        _note(entry, origin, found, every or origin in known)
        except OSError as error:
            found.unreadable[place] = _reason(error)
    return found


def _note(entry: "os.DirEntry[str]", origin: str, found: Scan, known: bool) -> None:
    try:
        state = entry.stat()
    except PermissionError as error:
        found.unreadable[origin] = _reason(error)
        return
    except OSError:  # gone since, or a link that leads nowhere
        return
    if stat.S_ISREG(state.st_mode):
        found.count += 1
        if known or supported(entry.name):
            found.files[origin] = entry.path, state


def _reason(error: OSError) -> str:
    return error.strerror or str(error)


@dataclass(frozen=True)
class FileRead:
    """A file's bytes, its state just before they were read, and the time then."""

    data: bytes
    state: os.stat_result
    looked_ns: int


def read_file(path: Path | str) -> FileRead:
    """Read a regular file, at most a byte more than is allowed: that tells as much as all of it.

    Raises OSError, also for a pipe or device, which would be waited for.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        looked, state = time.time_ns(), os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode):
            raise OSError(0, "This is no regular file", str(path))
        return FileRead(file.read(MAX_BYTES + 1), state, looked)


def add_file(space: Space, path: Path) -> "tuple[DocumentVersion, str]":
    """Add or replace the document of this file; its version and outcome. Raises FileRefused."""
    data = read_file(path).data
    added = add_document(
        space, shown(path.name), data, origin=origin_of(path), sample=is_sample(path)
    )
    return added.version, added.outcome


def is_sample(path: Path) -> bool:
    return path.resolve().is_relative_to(settings.BASE_DIR / "documents")
