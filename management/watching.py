"""Load the files of the watched folders into home's team space."""

import os
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from backend.accounts.spaces import home, space_for, team_key
from knowledge.errors import FileRefused
from knowledge.extraction import MAX_BYTES, supported
from knowledge.ingestion import add_document
from knowledge.models import DocumentVersion, Space


def walk(folder: Path) -> list[Path]:
    """Every file below the folder, hidden ones and those in hidden folders left out."""
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]


def files_in(folder: Path) -> list[Path]:
    """Those of them whose type can be read."""
    return [path for path in walk(folder) if supported(path.name)]


def origin_of(path: Path) -> str:
    """How a file's place is kept: within the project's own folder it moves with that."""
    path = path.resolve()
    if path.is_relative_to(settings.BASE_DIR):
        return shown(path.relative_to(settings.BASE_DIR))
    return shown(path)


def shown(path: Path | str) -> str:
    """A path as text; a name that is not UTF-8 keeps what can be shown of it."""
    return os.fsencode(path).decode("utf-8", "replace")


def add_file(space: Space, path: Path) -> "tuple[DocumentVersion, str]":
    """Add or replace the document of this file; its version and outcome. Raises FileRefused."""
    origin = origin_of(path)
    sample = path.resolve().is_relative_to(settings.BASE_DIR / "documents")
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)  # one more than is allowed tells as much as all of it
    added = add_document(space, shown(path.name), data, origin=origin, sample=sample)
    return added.version, added.outcome


def add_watched() -> Iterator[tuple[Path, DocumentVersion | None, str]]:
    """Add what is new or changed in the watched folders: path, version and outcome or reason.

    A file whose document was removed by hand is left alone, also when it changes.
    """
    space = space_for(team_key(home()))
    removed = space.documents.exclude(removed_at=None).exclude(origin="")
    left_alone = set(removed.values_list("origin", flat=True))
    for folder in settings.WATCH_FOLDERS:
        for path in files_in(folder):
            if origin_of(path) in left_alone:
                continue
            try:
                yield path, *add_file(space, path)
            except (FileRefused, OSError) as error:
                yield path, None, str(error)
