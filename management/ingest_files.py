"""What `ingest` does with each path."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from backend.ingesting import finish
from knowledge.errors import FileRefused, StorageFault, UnsupportedType
from knowledge.models import Space, VersionState
from management.watching import add_file, scan, shown


@dataclass(frozen=True)
class Outcome:
    """What became of a file: ingested, unchanged, replaced, skipped or failed, and why."""

    path: str
    document: str
    id: str | None
    outcome: str
    reason: str | None


@dataclass(frozen=True)
class Listed:
    """A file to ingest; inside a folder an unsupported one is skipped, not failed. With the reason
    where the file, or a folder in its place, can't be looked at."""

    path: Path
    in_folder: bool
    unreadable: str = ""


def listed(paths: Sequence[Path]) -> list[Listed]:
    """The paths with every folder replaced by the files below it."""
    files: list[Listed] = []
    for path in paths:
        if _is_folder(path):
            files.extend(_below(path))
        else:
            files.append(Listed(path, in_folder=False))
    return files


def _below(folder: Path) -> list[Listed]:
    found = scan(folder, every=True)
    files = [(path, "") for path, _ in found.files.values()]
    files += [(found.path_of(origin), reason) for origin, reason in found.unreadable.items()]
    return [
        Listed(folder / Path(path).relative_to(found.root), in_folder=True, unreadable=reason)
        for path, reason in sorted(files)
    ]


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name too long, for one; reading it will tell
        return False


def ingest(space: Space, file: Listed) -> Outcome:
    """Add the file and take it through the pipeline."""
    path, called = shown(file.path), shown(file.path.name)
    if file.unreadable:
        return Outcome(path, called, None, "failed", f"{file.unreadable}: {path}")
    try:
        version, outcome = add_file(space, file.path)
    except UnsupportedType as error:
        skipped = "skipped" if file.in_folder else "failed"
        return Outcome(path, called, None, skipped, str(error))
    except (FileRefused, StorageFault) as error:
        return Outcome(path, called, None, "failed", str(error))
    except OSError as error:
        return Outcome(path, called, None, "failed", f"{error.strerror}: {path}")
    version = finish(version)
    name, pk = version.document.name, str(version.document_id)
    if version.state != VersionState.READY:
        return Outcome(path, name, pk, "failed", version.reason)
    return Outcome(path, name, pk, outcome, None)
