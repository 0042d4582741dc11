"""Looking at watched folders in which nothing has changed, against a bare walk."""

import os
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from time import time_ns

from django.test.utils import override_settings

from backend.accounts.spaces import home, space_for, team_key
from knowledge.models import Document, DocumentVersion, WatchedFile
from management.reindexing import look_again
from management.scratch import scratch_store
from management.watching import scan
from tests.bench.table import Row, seconds, show

FILES, FOLDERS, ROUNDS = 10_000, 100, 9
LATER_NS = 60 * 10**9


def measure() -> list[Row]:
    return show(f"Reindexing {FILES:,} unchanged files in {FOLDERS} folders", _rows())


def _rows() -> Iterator[Row]:
    with scratch_store() as store:
        folder = store / "watched"
        _fill(folder)
        with override_settings(WATCH_FOLDERS=[folder]):
            look_again()
            bare, ours = [], []
            for _ in range(ROUNDS):
                bare.append(seconds(lambda: _walk(folder)))
                ours.append(seconds(look_again))
            unchanged = look_again().unchanged
        yield Row(
            "its time, as a multiple of a bare walk that stats them",
            median(ours) / median(bare),
            at_most=3,
            detail=f"{median(ours) * 1e3:.0f} ms; {median(bare) * 1e3:.0f} ms",
        )
        yield Row("files that are known to be unchanged", unchanged, at_least=FILES)
        yield Row(
            "files that were queued to be embedded", DocumentVersion.objects.count(), at_most=0
        )


def _fill(folder: Path) -> None:
    """Files, and what is known of them once they have been read."""
    for number in range(FILES):
        path = folder / str(number % FOLDERS) / f"{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"The heron number {number} eats fish.")
    space, found = space_for(team_key(home())), scan(folder).files
    documents = Document.objects.bulk_create(
        Document(space=space, name=Path(origin).name, origin=origin) for origin in found
    )
    WatchedFile.objects.bulk_create(
        WatchedFile(
            origin=document.origin,
            size=(state := found[document.origin][1]).st_size,
            modified_ns=state.st_mtime_ns,
            changed_ns=state.st_ctime_ns,
            device=state.st_dev,
            looked_ns=time_ns() + LATER_NS,
            sha256="",
            document=document,
        )
        for document in documents
    )


def _walk(folder: Path) -> int:
    return sum(
        os.stat(os.path.join(path, name)).st_size  # noqa: PTH116, PTH118
        for path, _, names in os.walk(folder)
        for name in names
    )
