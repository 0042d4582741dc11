"""Copy the database and the originals into one file, while everything goes on."""

import os
import secrets
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import connection
from django.utils import timezone

from knowledge.faults import faults
from knowledge.models import DocumentVersion
from management import wording
from management.archives import DATABASE, ORIGINALS, Manifest, Writer, opened
from management.errors import BackupFailed, NotABackup, NotSqlite

# What is being written is called so until it is whole.
SCRATCH = ".askwell-backup-"
NAME = "askwell-%Y%m%d-%H%M%S.zip"
DATED = f"askwell-{'[0-9]' * 8}-{'[0-9]' * 6}.zip"


@dataclass(frozen=True)
class Backup:
    """A backup that was written."""

    path: Path
    size: int
    manifest: Manifest


def back_up(path: Path | None = None) -> Backup:
    """Back the store up: to `path`, into it if it is a folder, or into DATA_DIR/backups.

    The database is copied as it is at one moment, whoever writes meanwhile. A backup that stands
    at `path` is replaced when the new one is whole. Raises StoreError, and then leaves nothing.
    """
    if connection.vendor != "sqlite":
        raise NotSqlite()
    expected: tuple[type[Exception], ...] = (sqlite3.Error, *faults())
    try:
        target = _target(path)
        with _scratch(target.parent) as folder:
            manifest = _write(folder)
            size = (folder / "whole").stat().st_size
            (folder / "whole").replace(target)
            _sync_folder(target.parent)
    except expected as error:
        raise BackupFailed(getattr(error, "strerror", None) or str(error)) from error
    return Backup(target, size, manifest)


def back_up_nightly() -> str:
    """Back up into DATA_DIR/backups and keep the latest BACKUP_KEEP there. Raises StoreError.

    Those of a clock that ran ahead stay, and count as none, until their time has come.
    """
    try:
        done = back_up()
    except NotSqlite as error:  # no fault, and the same every night
        return str(error)
    before = [path for path in kept_backups() if path.name < done.path.name]
    old = before[settings.BACKUP_KEEP - 1 :]
    for path in old:
        path.unlink(missing_ok=True)
    return wording.backed_up_nightly(done, len(old))


def kept_backups() -> list[Path]:
    """The dated backups in DATA_DIR/backups, the latest first."""
    return sorted(_folder().glob(DATED), reverse=True)


def _folder() -> Path:
    folder = Path(settings.DATA_DIR) / "backups"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _target(path: Path | None) -> Path:
    dated = timezone.now().strftime(NAME)
    if path is None:
        return _folder() / dated
    if path.is_dir():
        return path / dated
    if not path.parent.is_dir():
        raise BackupFailed(wording.NO_FOLDER_THERE.format(path=path.parent))
    if path.exists():
        try:
            with opened(path):
                pass
        except NotABackup:
            raise BackupFailed(wording.NO_BACKUP_THERE.format(path=path)) from None
    return path


@contextmanager
def _scratch(parent: Path) -> Iterator[Path]:
    """A folder beside the target; what a killed backup left is deleted a day later."""
    for left in parent.glob(f"{SCRATCH}*"):
        if timezone.now().timestamp() - left.stat().st_mtime > 24 * 3600:
            shutil.rmtree(left, ignore_errors=True)
    folder = parent / f"{SCRATCH}{secrets.token_hex(6)}"
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _write(folder: Path) -> Manifest:
    copy, whole = folder / "database", folder / "whole"
    made_at = timezone.now().isoformat()
    _copy_database(copy)
    descriptor = os.open(whole, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file, Writer(file) as writer:
        with copy.open("rb") as database:
            manifest = Manifest(made_at, writer.add(DATABASE, database))
        with closing(sqlite3.connect(copy)) as rows:
            manifest.migrations = migrations_in(rows)
            manifest.counts = counts_in(rows)
            _add_originals(writer, manifest, rows)
        writer.finish(manifest)
        file.flush()
        os.fsync(file.fileno())
    return manifest


def _copy_database(target: Path) -> None:
    """In one step, which waits for no writer and lets all go on: with many steps, each write in
    between would begin it anew."""
    target.touch(mode=0o600)
    source = f"{Path(connection.settings_dict['NAME']).absolute().as_uri()}?mode=ro"
    with (
        closing(sqlite3.connect(source, uri=True, timeout=20)) as store,
        closing(sqlite3.connect(target)) as copy,
    ):
        store.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, with no log beside it


def migrations_in(rows: sqlite3.Connection) -> list[str]:
    found = rows.execute("SELECT app || '.' || name FROM django_migrations ORDER BY id")
    return [name for (name,) in found]


def counts_in(rows: sqlite3.Connection) -> dict[str, int]:
    """The rows of each table."""
    tables = rows.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    return {
        name: rows.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # noqa: S608
        for (name,) in tables
    }


def _add_originals(writer: Writer, manifest: Manifest, rows: sqlite3.Connection) -> None:
    kept = "SELECT DISTINCT original, sha256 FROM knowledge_documentversion WHERE original != ''"
    for name, sha256 in rows.execute(kept):
        try:
            with default_storage.open(name) as file:
                member = writer.add(f"{ORIGINALS}{name}", file)
        except FileNotFoundError:
            # Else its document was purged since the database was copied.
            if DocumentVersion.objects.filter(original=name).exists():
                manifest.missing.append(name)
            continue
        manifest.originals.append(member)
        if member.sha256 != sha256:
            manifest.missing.append(name)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
