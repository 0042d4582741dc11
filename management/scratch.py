"""A store that is thrown away: for measurements that must not touch the real one."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.test.utils import override_settings

from backend.storage import FILE, originals_storage
from knowledge.index.cache import indexes


@contextmanager
def scratch_store() -> Iterator[Path]:
    """Inside, the database, originals and snapshots are in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="askwell-scratch-") as name:
        folder = Path(name)
        paths = {"MEDIA_ROOT": folder / "originals", "SNAPSHOT_DIR": folder / "snapshots"}
        storages = settings.STORAGES | {"default": originals_storage(FILE)}
        with override_settings(STORAGES=storages, **paths), database_at(folder / "scratch.sqlite3"):
            yield folder


@contextmanager
def database_at(path: Path) -> Iterator[None]:
    """Inside, the database is this file, made where there is none and brought up to date."""
    original = connections.settings["default"]
    try:
        _use({**original, "NAME": str(path)})
        indexes.clear()  # its rows have the numbers of the real store's
        call_command("migrate", verbosity=0)
        yield
    finally:
        _use(original)
        indexes.clear()


def _use(database: dict[str, object]) -> None:
    """Make new connections, of every thread, go to `database`."""
    connections["default"].close()
    connections.settings["default"] = database
    del connections["default"]
