"""Backups (promise 37): while others write, of what is there, and with no room."""

import hashlib
import json
import os
import random
import shutil
import sqlite3
import stat
import subprocess
import sys
import zipfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as configured
from django.core.management import CommandError, call_command
from django.db import connection, connections
from pytest_django import Settings

from backend.chat.removal import remove
from knowledge.models import Document, Space
from management import wording
from management.archives import MANIFEST
from management.backing_up import back_up, back_up_nightly, counts_in, kept_backups
from management.errors import BackupFailed
from management.restoring import restore
from tests.knowledge.killing import Store
from tests.management.stores import TEXTS, counts, found, originals, wipe, without_room

pytestmark = pytest.mark.usefixtures("data", "fake")


def test_after_a_wipe_a_restore_brings_back_the_same(
    data: Path, filled: dict[str, Document]
) -> None:
    before = counts(), originals(), found("heron river"), found("badger night")
    done = back_up()
    wipe(data)

    restored = restore(done.path)

    assert (counts(), originals(), found("heron river"), found("badger night")) == before
    assert not restored.removals_known
    assert counts() == done.manifest.counts


def test_a_backup_is_for_its_owner_only_and_holds_no_key(
    data: Path, filled: dict[str, Document]
) -> None:
    (data / "secret_key").write_text("canary-of-the-key")
    done = back_up()
    assert stat.S_IMODE(done.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(done.path.parent.stat().st_mode) == 0o700
    with zipfile.ZipFile(done.path) as archive:
        assert not any(b"canary-of-the-key" in archive.read(name) for name in archive.namelist())
    wipe(data)
    (data / "secret_key").write_text("another")
    restore(done.path)
    assert (data / "secret_key").read_text() == "another"


WRITER = """
import sqlite3, sys, time
rows = sqlite3.connect(sys.argv[1], timeout=20, isolation_level=None)
rows.execute("PRAGMA synchronous=FULL")
rows.execute("CREATE TABLE IF NOT EXISTS pairs (a INTEGER, b INTEGER)")
print("ready", flush=True)
number = 0
while not __import__("select").select([sys.stdin], [], [], 0)[0]:
    number += 1
    rows.execute("BEGIN IMMEDIATE")
    rows.execute("INSERT INTO pairs (a, b) VALUES (?, ?)", (number, number))
    rows.execute("UPDATE pairs SET b = ? WHERE a % 7 = 0", (number,))
    rows.execute("UPDATE pairs SET a = a WHERE a % 7 = 0")
    rows.execute("COMMIT")
    time.sleep(0.002)
print(number)
"""


def test_a_backup_is_one_moment_of_a_store_that_is_written_to(
    data: Path, filled: dict[str, Document]
) -> None:
    """Each transaction sets all of some rows to one number: a copy that mixes two moments has
    rows of different numbers."""
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(data / "askwell.sqlite3")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert writer.stdout is not None and writer.stdout.readline() == "ready\n"
    while counts().get("pairs", 0) < 20:
        pass
    taken = [back_up(data / f"{number}.zip") for number in range(5)]
    written = writer.communicate("stop\n")[0]
    assert writer.returncode == 0

    seen = []
    for done in taken:
        restore(done.path)
        with closing(sqlite3.connect(data / "askwell.sqlite3")) as rows:
            values = [b for (b,) in rows.execute("SELECT DISTINCT b FROM pairs WHERE a % 7 = 0")]
            (last,) = rows.execute("SELECT max(a) FROM pairs").fetchone()
        assert values == [last] and counts()["pairs"] == last
        assert counts() == done.manifest.counts
        seen.append(last)
    assert seen == sorted(seen) and seen[-1] <= int(written)
    assert found("heron")[0][1] == TEXTS["heron.txt"]


def test_a_backup_without_space_says_so_and_leaves_the_old_ones(
    data: Path, filled: dict[str, Document]
) -> None:
    old = back_up()
    kept = old.path.read_bytes()
    error = without_room(data, back_up_nightly)
    assert isinstance(error, BackupFailed)
    assert str(error).startswith("The backup could not be written")
    assert [path.name for path in old.path.parent.iterdir()] == [old.path.name]
    assert old.path.read_bytes() == kept


def test_an_original_that_is_missing_is_said_and_the_rest_backed_up(
    data: Path, filled: dict[str, Document]
) -> None:
    version = Document.objects.get(name="heron.txt").current
    assert version is not None
    Path(version.original.path).unlink()
    done = back_up()
    assert "1 originals are missing" in wording.backed_up(done)
    restore(done.path)
    assert found("heron")[0][1] == TEXTS["heron.txt"]
    assert len(originals()) == 2


def test_no_night_fails_where_the_store_is_not_on_sqlite(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(connections["default"], "vendor", "postgresql")
        told = back_up_nightly()
    assert "use PostgreSQL's own tools" in told
    assert not kept_backups()


def test_a_store_in_a_folder_with_an_odd_name_is_backed_up(
    data: Path, its_team: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = data / "50% #1?"
    odd.mkdir()
    store = Path(connection.settings_dict["NAME"])
    connection.close()
    shutil.copy(store, odd / store.name)
    monkeypatch.setitem(connection.settings_dict, "NAME", str(odd / store.name))
    assert back_up().manifest.counts["knowledge_space"] == 1


def test_the_latest_nightly_backups_are_kept(
    data: Path, filled: dict[str, Document], settings: Settings
) -> None:
    settings.BACKUP_KEEP = 2
    for day in (1, 2, 3):
        (data / "backups").mkdir(exist_ok=True)
        (data / "backups" / f"askwell-2020010{day}-000000.zip").write_bytes(b"")
    told = back_up_nightly()
    assert told.endswith("; 2 older ones were deleted.")
    assert [path.name for path in kept_backups()][1:] == ["askwell-20200103-000000.zip"]


def test_no_other_file_pushes_out_the_backup_that_was_just_made(
    data: Path, its_team: Space, settings: Settings
) -> None:
    settings.BACKUP_KEEP = 1
    (data / "backups").mkdir()
    theirs = {"askwell-20991231-000000.zip", "askwell-before-upgrade.zip"}
    for name in (*theirs, "askwell-20200101-000000.zip"):
        (data / "backups" / name).write_bytes(b"")

    assert "1 older ones were deleted" in back_up_nightly()

    left = {path.name: path.stat().st_size for path in (data / "backups").iterdir()}
    assert theirs < left.keys() and len(left) == 3
    assert max(left.values()) > 0


def test_a_file_that_is_no_backup_is_not_overwritten(data: Path, its_team: Space) -> None:
    thesis = data / "thesis.pdf"
    thesis.write_text("years of work")
    with pytest.raises(BackupFailed, match="exists and is no backup"):
        back_up(thesis)
    assert thesis.read_text() == "years of work"
    again = back_up(data / "mine.zip")
    assert back_up(again.path).path == again.path


def test_a_place_that_cannot_be_is_said(data: Path, its_team: Space) -> None:
    with pytest.raises(BackupFailed, match="File name too long"):
        back_up(data / ("long" * 100))
    with pytest.raises(BackupFailed, match=f"there is no folder {data}/none; make it"):
        back_up(data / "none" / "mine.zip")
    assert not (data / "none").exists()


def test_the_commands_say_what_they_did(
    data: Path, filled: dict[str, Document], capsys: Any
) -> None:
    call_command("backup", str(data / "mine.zip"))
    assert capsys.readouterr().out.startswith("3 originals and the database are in ")
    remove(Document.objects.get(name="badger.txt"))
    call_command("restore", str(data / "mine.zip"))
    told = capsys.readouterr().out
    assert "3 documents, 3 originals" in told and "removed again: 1 documents" in told
    with pytest.raises(CommandError, match="no backup of Askwell's"):
        call_command("restore", str(data / "askwell.sqlite3"))


def managed(folder: Path, *command: str) -> None:
    """Run a command on the store in this folder."""
    ours = {"DATA_DIR": str(folder), "DJANGO_SETTINGS_MODULE": "backend.settings"}
    done = subprocess.run(
        [sys.executable, "manage.py", *command],
        env={**os.environ, **ours},
        cwd=configured.BASE_DIR,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.soak
def test_backups_while_five_processes_write_are_whole_and_what_they_say(
    tmp_path: Path, migrated: Path
) -> None:
    """Promise 37: documents come, change and go; each backup is restored beside, and compared."""
    busy = tmp_path / "busy"
    busy.mkdir()
    shutil.copy(migrated, busy)
    store, chosen, held = Store(busy), random.Random(37), 0
    for taken in range(20):
        writers = [
            store.start("add", name=f"{taken}-{n}.txt", text=f"The heron {taken}/{n} eats. " * 40)
            for n in range(3)
        ]
        writers += [store.start("work"), store.start("work")]
        if taken > 3:
            name = f"{chosen.randrange(taken - 3)}-{chosen.randrange(3)}.txt"
            writers.append(store.start("take_away", name=name))
        managed(busy, "backup", str(tmp_path / "one.zip"))
        statuses = [writer.wait() for writer in writers]
        assert statuses[:5] == [0] * 5  # what is taken away may be gone already
        held += compare(tmp_path / "one.zip", tmp_path / f"restored-{taken}")
    store.close()
    assert "database is locked" not in (busy / "stderr.txt").read_text()
    print(f"\n20 backups while processes write: {held} originals and every row are equal")


def compare(backup: Path, folder: Path) -> int:
    """Restore the backup, and compare rows and originals with what it says; how many originals."""
    folder.mkdir()
    managed(folder, "restore", str(backup))
    with zipfile.ZipFile(backup) as archive:
        manifest = json.loads(archive.read(MANIFEST))
    with closing(sqlite3.connect(folder / "askwell.sqlite3")) as rows:
        assert counts_in(rows) == manifest["counts"]
        named = "SELECT original, sha256 FROM knowledge_documentversion WHERE original != ''"
        kept = list(rows.execute(named))
    for name, sha256 in kept:
        assert hashlib.sha256((folder / "originals" / name).read_bytes()).hexdigest() == sha256
    restored = Store(folder)
    assert restored.do("settle")["problems"] == []
    restored.close()
    return len(kept)
