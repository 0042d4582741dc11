"""Put a backup in the place of the store.

Everything is made ready beside the store first: the database checked, brought up to date and
without what was removed since. Then one rename puts it in place; until that the store is as it
was, and after it the backup is restored, however this process ends.
"""

import os
import secrets
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryFile

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from knowledge.faults import faults
from knowledge.index import snapshot_files
from knowledge.leftovers import stored
from knowledge.models import DocumentVersion
from management.archives import ORIGINALS, Archive, Manifest, Member, opened
from management.backing_up import counts_in, migrations_in
from management.errors import DamagedBackup, NewerBackup, NotSqlite, RestoreFailed, StoreInUse
from management.occupying import alone
from management.removed_since import Applied, apply
from management.replaced import UNREADABLE, born, read_replaced
from management.scratch import database_at

SCRATCH = ".restoring-"


@dataclass(frozen=True)
class Restored:
    """A backup that is in place, and what of the replaced store was applied to it.

    `removals_known` where that was a later state of the same store; `unread` names what of it
    could not be read, or not all of it, as in `Replaced`.
    """

    manifest: Manifest
    applied: Applied
    removals_known: bool
    unread: Sequence[str]


def restore(path: Path) -> Restored:
    """Replace the store by the backup at `path`. Raises StoreError, and then changes nothing."""
    if connection.vendor != "sqlite":
        raise NotSqlite()
    connection.close()
    expected: tuple[type[Exception], ...] = (sqlite3.Error, *faults())
    with alone(), opened(path) as archive:
        try:
            with _scratch() as folder:
                return _restore(archive, folder)
        except expected as error:
            raise RestoreFailed(getattr(error, "strerror", None) or str(error)) from error


def _restore(archive: Archive, folder: Path) -> Restored:
    manifest, store = archive.manifest, Path(connection.settings_dict["NAME"])
    _check_room(archive, folder)
    archive.verify()
    staged = folder / "database.sqlite3"
    _write(archive, manifest.database, staged)
    replaced = read_replaced(store, _checked(staged, manifest))
    _empty_log(store)
    with database_at(staged):
        applied = apply(replaced, datetime.fromisoformat(manifest.made_at))
        kept = _without_missing(manifest)
    _add_originals(archive, kept, folder)
    snapshot_files.delete_every()
    _put_in_place(staged, store)
    _delete_strays(kept)
    known = replaced is not None and replaced.later is not None
    return Restored(manifest, applied, known, replaced.unread if replaced else ())


@contextmanager
def _scratch() -> Iterator[Path]:
    """A folder beside the store. No other restore runs, so what lies there was broken off."""
    parent = Path(settings.DATA_DIR)
    for left in parent.glob(f"{SCRATCH}*"):
        shutil.rmtree(left, ignore_errors=True)
    folder = parent / f"{SCRATCH}{secrets.token_hex(6)}"
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _check_room(archive: Archive, folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < archive.size:
        raise RestoreFailed(f"it takes {archive.size / 1e9:.1f} GB, and {free / 1e9:.1f} are free")


def _write(archive: Archive, member: Member, target: Path) -> None:
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        for block in archive.blocks(member):
            file.write(block)


def _checked(staged: Path, manifest: Manifest) -> str:
    """Check that the database is whole, what the manifest says, and not of a newer version; when
    it was made."""
    try:
        with closing(sqlite3.connect(staged)) as rows:
            if rows.execute("PRAGMA quick_check").fetchone() != ("ok",):
                raise DamagedBackup("its database is not sound")
            migrations = migrations_in(rows)
            if (migrations, counts_in(rows)) != (manifest.migrations, manifest.counts):
                raise DamagedBackup("its database is not the one that its manifest describes")
            made = born(rows)
    except UNREADABLE as error:
        raise DamagedBackup("its database can't be read") from error
    known = {f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations}
    if unknown := set(migrations) - known:
        raise NewerBackup(f"this version does not know {min(unknown)}")
    return made


def _without_missing(manifest: Manifest) -> set[str]:
    """The originals that the store keeps; those that could not be backed up are its no more."""
    there = {member.name.removeprefix(ORIGINALS) for member in manifest.originals}
    kept = set(DocumentVersion.objects.exclude(original="").values_list("original", flat=True))
    for name in kept - there:
        DocumentVersion.objects.filter(original=name).update(original="")
    return kept & there


def _add_originals(archive: Archive, kept: set[str], folder: Path) -> None:
    """Beside those of the store; the names are random, so the same name is the same file. What
    was added for a backup that is not restored after all is deleted again."""
    with ExitStack() as undo:
        for member in archive.manifest.originals:
            name = member.name.removeprefix(ORIGINALS)
            if name in kept and not default_storage.exists(name):
                added = _add_original(archive, member, name, folder)
                undo.callback(default_storage.delete, added)
        os.sync()  # before the database says that they are there
        undo.pop_all()


def _add_original(archive: Archive, member: Member, name: str, folder: Path) -> str:
    with TemporaryFile(dir=folder) as file:
        for block in archive.blocks(member):
            file.write(block)
        file.seek(0)
        saved = default_storage.save(name, File(file))
    if saved != name:
        default_storage.delete(saved)
        raise RestoreFailed(f"the original {name} can't be kept under its name")
    return name


def _empty_log(database: Path) -> None:
    """Write what stands in the database's log into the database itself, and close the log."""
    try:
        with closing(sqlite3.connect(database)) as rows:
            rows.execute("PRAGMA journal_mode=DELETE")
    except UNREADABLE as error:
        code = getattr(error, "sqlite_errorcode", None)
        if code == sqlite3.SQLITE_BUSY:  # by a program that isn't ours
            raise StoreInUse() from error


def _put_in_place(staged: Path, store: Path) -> None:
    _empty_log(staged)
    with staged.open("rb") as file:
        os.fsync(file.fileno())
    # Left of a damaged store; it would be taken for the log of the new one.
    for log in ("-wal", "-shm"):
        store.with_name(store.name + log).unlink(missing_ok=True)
    staged.replace(store)
    descriptor = os.open(store.parent, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def _delete_strays(kept: set[str]) -> None:
    """Delete the originals of the store that was replaced."""
    for name in list(stored()):
        if name not in kept:
            default_storage.delete(name)
