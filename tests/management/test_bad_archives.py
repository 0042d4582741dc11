"""Archives that are damaged, forged, cut off, too new, or none at all, are refused."""

import hashlib
import io
import itertools
import json
import random
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from knowledge.models import Document
from management.archives import MANIFEST, Manifest, Writer, opened
from management.backing_up import back_up
from management.errors import DamagedBackup, NewerBackup, NotABackup, StoreError
from management.restoring import restore
from tests.management.stores import found, originals, refused

pytestmark = pytest.mark.usefixtures("data", "fake")


def rewritten(source: Path, target: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """The archive with its files changed."""
    with zipfile.ZipFile(source) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    change(files)
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return target


def edit_manifest(**fields: Any) -> Callable[[dict[str, bytes]], None]:
    def change(files: dict[str, bytes]) -> None:
        files[MANIFEST] = json.dumps(json.loads(files[MANIFEST]) | fields).encode()

    return change


def traversal(files: dict[str, bytes]) -> None:
    manifest = json.loads(files[MANIFEST])
    member = manifest["originals"][0]
    files["originals/../../evil"] = files.pop(member["name"])
    member["name"] = "originals/../../evil"
    files[MANIFEST] = json.dumps(manifest).encode()


def other_original(files: dict[str, bytes]) -> None:
    name = json.loads(files[MANIFEST])["originals"][0]["name"]
    files[name] = b"x" * len(files[name])


def forged_database(files: dict[str, bytes]) -> None:
    """Its hash is right, and it is no database."""
    manifest = json.loads(files[MANIFEST])
    files["database.sqlite3"] = b"SQLite format 3\0" + b"x" * 5000
    manifest["database"] |= {
        "size": len(files["database.sqlite3"]),
        "sha256": hashlib.sha256(files["database.sqlite3"]).hexdigest(),
    }
    files[MANIFEST] = json.dumps(manifest).encode()


BAD: list[tuple[Callable[[dict[str, bytes]], Any], type[StoreError]]] = [
    (lambda files: files.pop(MANIFEST), NotABackup),
    (lambda files: files.update({MANIFEST: b"{"}), NotABackup),
    (lambda files: files.update({MANIFEST: b"[]"}), NotABackup),
    (lambda files: files.update({MANIFEST: b'{"format": 1}'}), NotABackup),
    (edit_manifest(made_at="yesterday"), NotABackup),
    (edit_manifest(database={"name": "database.sqlite3"}), NotABackup),
    (edit_manifest(format=2), NewerBackup),
    (edit_manifest(counts={"knowledge_document": 99}), DamagedBackup),
    (edit_manifest(originals=[]), DamagedBackup),
    (lambda files: files.update({"extra": b"x"}), DamagedBackup),
    (lambda files: files.update({"database.sqlite3": b"x"}), DamagedBackup),
    (other_original, DamagedBackup),
    (traversal, DamagedBackup),
    (forged_database, DamagedBackup),
]


@pytest.mark.parametrize("number", range(len(BAD)))
def test_a_bad_archive_changes_nothing(
    data: Path, filled: dict[str, Document], tmp_path: Path, number: int
) -> None:
    change, error = BAD[number]
    bad = rewritten(back_up().path, tmp_path / "bad.zip", change)
    refused(bad, data, error)


def test_what_is_no_archive_at_all_changes_nothing(
    data: Path, filled: dict[str, Document], tmp_path: Path
) -> None:
    refused(tmp_path / "missing.zip", data, NotABackup)
    refused(tmp_path, data, NotABackup)
    (tmp_path / "words.zip").write_text("words")
    refused(tmp_path / "words.zip", data, NotABackup)


def test_an_archive_that_is_cut_off_or_has_a_flipped_bit_is_refused_or_harmless(
    data: Path, filled: dict[str, Document], tmp_path: Path
) -> None:
    whole = back_up().path.read_bytes()
    bad, chosen = tmp_path / "bad.zip", random.Random(37)
    for _ in range(8):
        bad.write_bytes(whole[: chosen.randrange(len(whole))])
        refused(bad, data, NotABackup)
    expected = found("heron river"), originals()
    for _ in range(25):
        flipped = bytearray(whole)
        flipped[chosen.randrange(len(whole))] ^= 1 << chosen.randrange(8)
        bad.write_bytes(flipped)
        with suppress(NotABackup):
            restore(bad)
        assert (found("heron river"), originals()) == expected


def test_an_archive_whose_manifest_has_any_flipped_byte_is_refused_or_harmless(
    tmp_path: Path,
) -> None:
    bad = tmp_path / "bad.zip"
    with bad.open("wb") as file:
        writer = Writer(file)
        database = writer.add("database.sqlite3", io.BytesIO(b"rows"))
        writer.finish(Manifest(timezone.now().isoformat(), database))
    whole, refusals = bad.read_bytes(), 0
    for place, mask in itertools.product(range(len(whole)), (0x01, 0x40, 0xFF)):
        flipped = bytearray(whole)
        flipped[place] ^= mask
        bad.write_bytes(flipped)
        try:
            with opened(bad) as archive:
                assert archive.manifest.database.name == "database.sqlite3"
        except NotABackup:
            refusals += 1
    assert refusals > len(whole)


def test_an_archive_of_a_newer_version_is_refused(
    data: Path, filled: dict[str, Document], tmp_path: Path
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO django_migrations (app, name, applied) "
            "VALUES ('knowledge', '9999_later', '2030-01-01')"
        )
    newer = back_up().path
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE name = '9999_later'")
    refused(newer, data, NewerBackup)
