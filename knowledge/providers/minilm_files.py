"""Notice a damaged local model before it is loaded: its files' hashes lie beside them."""

import hashlib
from pathlib import Path

from knowledge.errors import LocalModelMissing

LIST = "SHA256SUMS"


def seal(folder: Path) -> None:
    """Write the list for the folder as it is now."""
    lines = [f"{_sha256(path)}  {path.name}\n" for path in sorted(folder.iterdir())]
    (folder / LIST).write_text("".join(lines))


def verify(folder: Path) -> None:
    """Raise LocalModelMissing unless every listed file is there as it was."""
    try:
        listed = [line.split("  ") for line in (folder / LIST).read_text().splitlines()]
        changed = [name for digest, name in listed if _sha256(folder / name) != digest]
    except OSError as error:
        raise LocalModelMissing(str(error.filename)) from error
    if changed or not listed:
        raise LocalModelMissing(f"{folder}: {', '.join(changed) or 'no files'} changed")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
