"""Where snapshots lie and how they are called: SPACE-MODEL-REVISION-COUNT.index

While one is written, its file ends in `.tmp`.
"""

import logging
from pathlib import Path

from django.conf import settings

from knowledge.models import EmbeddingModel, Space

logger = logging.getLogger(__name__)


def path_for(space: Space, model: EmbeddingModel, revision: int, count: int) -> Path:
    return _folder() / f"{space.identity}-{model.pk}-{revision}-{count}.index"


def files_of(space: Space, model: EmbeddingModel) -> list[Path]:
    """The snapshots of this space and model, the newest first."""
    paths = _folder().glob(f"{space.identity}-{model.pk}-*.index")
    return sorted(paths, key=revision_of, reverse=True)


def revision_of(path: Path) -> int:
    return int(path.stem.split("-")[2])


def count_of(path: Path) -> int:
    return int(path.stem.split("-")[3])


def drop(path: Path, why: str) -> None:
    """Delete a snapshot that is of no use, with a line in the log."""
    logger.warning("snapshot %s %s; the index is rebuilt from the database", path.name, why)
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        logger.warning("snapshot %s can't be deleted: %s", path.name, error)


def delete_all(space: Space) -> None:
    """Delete the space's snapshots: they may hold text that was removed."""
    for path in _folder().glob(f"{space.identity}-*"):
        path.unlink(missing_ok=True)


def delete_every() -> None:
    """Delete the snapshots of all spaces."""
    for path in _folder().glob("*-*"):
        path.unlink(missing_ok=True)


def delete_strangers() -> int:
    """Delete the snapshots of spaces that this database does not have; how many."""
    paths = list(_folder().glob("*-*"))
    known = set(Space.objects.values_list("identity", flat=True))
    strangers = [path for path in paths if path.name.split("-")[0] not in known]
    for path in strangers:
        drop(path, "is of another database")
    return len(strangers)


def _folder() -> Path:
    folder = Path(settings.SNAPSHOT_DIR)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
