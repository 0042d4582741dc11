"""Where snapshots lie and how they are called: SPACE-MODEL-REVISION-COUNT.index"""

from pathlib import Path

from django.conf import settings

from knowledge.models import EmbeddingModel, Space


def path_for(space: Space, model: EmbeddingModel, revision: int, count: int) -> Path:
    return _folder() / f"{space.identity}-{model.pk}-{revision}-{count}.index"


def files_of(space: Space, model: EmbeddingModel) -> list[Path]:
    """The snapshots up to the space's revision, the newest first."""
    paths = _folder().glob(f"{space.identity}-{model.pk}-*.index")
    known = [path for path in paths if revision_of(path) <= space.revision]
    return sorted(known, key=revision_of, reverse=True)


def revision_of(path: Path) -> int:
    return int(path.stem.split("-")[2])


def count_of(path: Path) -> int:
    return int(path.stem.split("-")[3])


def delete_all(space: Space) -> None:
    """Delete the space's snapshots: they may hold text that was removed."""
    for path in _folder().glob(f"{space.identity}-*.index"):
        path.unlink(missing_ok=True)


def _folder() -> Path:
    folder = Path(settings.SNAPSHOT_DIR)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
