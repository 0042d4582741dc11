"""A restore: what it replaces, and that it happens whole or not at all."""

import hashlib
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as configured
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from backend.accounts.models import Forgotten
from backend.chat.removal import remove
from backend.ingesting import finish
from backend.storage import originals_storage
from knowledge.index import loading
from knowledge.index.cache import indexes
from knowledge.ingestion import add_document
from knowledge.models import Document, DocumentVersion, Space
from management.backing_up import back_up
from management.errors import BackupFailed, RestoreFailed, StoreInUse
from management.occupying import leave
from management.restoring import restore
from tests.management.stores import counts, found, originals, put, without_room
from tests.simulators.cloudinary import CloudinarySimulator
from tests.simulators.s3 import S3Simulator

pytestmark = pytest.mark.usefixtures("data", "fake")


def test_what_was_added_since_is_gone_and_its_original_as_well(
    data: Path, its_team: Space, filled: dict[str, Document]
) -> None:
    done = back_up()
    put(its_team, "The lynx hides in the forest.", "lynx.txt")
    restore(done.path)
    assert not Document.objects.filter(name="lynx.txt").exists()
    assert len(originals()) == 3


def test_a_restore_ends_every_session(data: Path, its_team: Space) -> None:
    Session.objects.create(session_key="k", session_data="", expire_date=timezone.now())
    restore(back_up().path)
    assert not Session.objects.exists()


def test_a_restore_deletes_snapshots_and_their_names_are_not_used_again(
    data: Path, its_team: Space, filled: dict[str, Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "SNAPSHOT_CHUNKS", 1)
    found("heron")
    assert list((data / "snapshots").iterdir())
    before = Space.objects.get(pk=its_team.pk).identity
    restore(back_up().path)
    assert not list((data / "snapshots").iterdir())
    assert Space.objects.get(pk=its_team.pk).identity != before


def test_a_store_that_is_damaged_is_replaced(data: Path, filled: dict[str, Document]) -> None:
    before = found("heron river")
    done = back_up()
    Document.objects.update(name="renamed.txt")
    log = (data / "askwell.sqlite3-wal").read_bytes()
    connection.close()
    (data / "askwell.sqlite3").write_bytes(b"no database" * 1000)
    (data / "askwell.sqlite3-wal").write_bytes(log)
    assert log and not restore(done.path).removals_known
    assert found("heron river") == before


HOLDER = "import manage, os, django; os.environ.setdefault('DJANGO_SETTINGS_MODULE', "


HOLDER += "'backend.settings'); django.setup(); print('up', flush=True); input()"


def test_a_store_in_use_is_not_restored_and_nothing_starts_meanwhile(
    data: Path, filled: dict[str, Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    done = back_up()
    before = counts(), originals()
    environment = {
        **os.environ,
        "DATA_DIR": str(data),
        "DJANGO_SETTINGS_MODULE": "backend.settings",
    }
    start = [sys.executable, "-c", HOLDER]
    holder = subprocess.Popen(
        start,
        env=environment,
        cwd=configured.BASE_DIR,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None and holder.stdout.readline() == "up\n"
    with pytest.raises(StoreInUse):
        restore(done.path)
    assert (counts(), originals()) == before
    holder.communicate("\n")

    late: list[subprocess.CompletedProcess[str]] = []
    verify = zipfile.ZipFile.namelist

    def slowly(archive: zipfile.ZipFile) -> list[str]:
        command = [sys.executable, "manage.py", "documents"]
        late.append(
            subprocess.run(
                command, env=environment, cwd=configured.BASE_DIR, capture_output=True, text=True
            )
        )
        return verify(archive)

    monkeypatch.setattr(zipfile.ZipFile, "namelist", slowly)
    restore(done.path)
    assert late[0].returncode == 1
    assert late[0].stderr == (
        "Askwell can't start: a backup is being restored; start again when that is done\n"
    )


def test_a_restore_without_space_leaves_the_store_as_it_was(
    data: Path, filled: dict[str, Document]
) -> None:
    done = back_up()
    remove(Document.objects.get(name="badger.txt"))
    before = counts(), originals(), found("heron river")
    connection.close()
    without_room(data, lambda: restore(done.path))
    assert (counts(), originals(), found("heron river")) == before
    assert not list(data.glob(".restoring-*"))


@pytest.fixture
def bucket(settings: Settings) -> Iterator[S3Simulator]:
    """A bucket, where originals are kept from now on."""
    with S3Simulator("askwell", key="AKIA") as s3:
        default = originals_storage(
            "s3",
            bucket_name="askwell",
            endpoint_url=s3.url,
            region_name="eu-west-1",
            access_key="AKIA",
            secret_key="secret",
        )
        settings.ORIGINALS_STORAGE = "s3"
        settings.STORAGES = settings.STORAGES | {"default": default}
        yield s3


@pytest.fixture
def cloud(settings: Settings) -> Iterator[CloudinarySimulator]:
    """A cloud at Cloudinary, where originals are kept from now on."""
    with CloudinarySimulator("acme", key="1234", secret="secret") as simulator:
        default = originals_storage(
            "cloudinary",
            cloud_name="acme",
            api_key="1234",
            api_secret="secret",
            api_url=simulator.url,
        )
        settings.ORIGINALS_STORAGE = "cloudinary"
        settings.STORAGES = settings.STORAGES | {"default": default}
        yield simulator


@pytest.mark.parametrize("elsewhere", ["bucket", "cloud"])
def test_a_backup_takes_originals_to_another_storage_and_back(
    data: Path,
    its_team: Space,
    filled: dict[str, Document],
    request: pytest.FixtureRequest,
    elsewhere: str,
) -> None:
    kept = originals()
    done = back_up()
    objects: dict[str, bytes] = request.getfixturevalue(elsewhere).objects

    def there() -> dict[str, str]:
        return {
            name.removeprefix("askwell/"): hashlib.sha256(file).hexdigest()
            for name, file in objects.items()
        }

    restore(done.path)
    assert there() == kept
    put(its_team, "The lynx hides in the forest.", "lynx.txt")
    assert len(objects) == 4
    restore(back_up(data / "again.zip").path)
    assert len(objects) == 4
    restore(done.path)
    assert there() == kept


def test_a_restore_leaves_what_others_keep_in_the_bucket(
    data: Path, filled: dict[str, Document], request: pytest.FixtureRequest
) -> None:
    done = back_up()
    bucket: S3Simulator = request.getfixturevalue("bucket")
    bucket.objects["finance/2025/report.pdf"] = b"Figures."
    restore(done.path)
    assert bucket.objects["finance/2025/report.pdf"] == b"Figures."


def test_a_storage_that_refuses_leaves_everything_as_it_was(
    data: Path, filled: dict[str, Document], request: pytest.FixtureRequest, settings: Settings
) -> None:
    done, before = back_up(), (counts(), found("heron river"))
    bucket: S3Simulator = request.getfixturevalue("bucket")
    refused = originals_storage(
        "s3", bucket_name="other", endpoint_url=bucket.url, access_key="B", secret_key="C"
    )
    settings.STORAGES = settings.STORAGES | {"default": refused}
    with pytest.raises(BackupFailed):
        back_up(data / "none.zip")
    with pytest.raises(RestoreFailed):
        restore(done.path)
    assert not (data / "none.zip").exists()
    assert (counts(), found("heron river")) == before


def killed_at(step: int, action: Callable[[], object]) -> bool:
    """Whether a process that kills itself at this step, a file that it writes, renames or
    deletes, got so far."""
    if (child := os.fork()) == 0:
        left = step

        def count(event: str, arguments: tuple[Any, ...]) -> None:
            nonlocal left
            writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & 3
            if writes or event in ("os.rename", "os.remove", "sqlite3.connect"):
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        try:
            action()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def test_a_restore_that_is_killed_has_happened_or_not(
    data: Path, its_team: Space, filled: dict[str, Document]
) -> None:
    done = back_up()
    old = found("heron river")
    added = finish(add_document(its_team, "heron.txt", b"The heron reads the river news.").version)
    assert added.state == "ready"
    new = found("heron river")
    assert new != old
    again = back_up(data / "new.zip")
    outcomes = []
    for step in range(1, 60, 3):
        connection.close()
        leave()
        if not killed_at(step, lambda: restore(done.path)):
            break
        indexes.clear()  # as in a process that starts now
        outcomes.append(found("heron river"))
        assert outcomes[-1] in (old, new)
        for version in DocumentVersion.objects.exclude(original=""):
            assert Path(version.original.path).exists()
        restore(again.path)
        assert found("heron river") == new and originals()
        assert not list(data.glob(".restoring-*"))
    assert old in outcomes and new in outcomes


def test_an_archive_of_an_older_version_is_brought_up_to_date(data: Path, its_team: Space) -> None:
    call_command("migrate", "accounts", "0003", verbosity=0)
    old = back_up()
    call_command("migrate", verbosity=0)
    restore(old.path)
    assert Forgotten.objects.count() == 0  # the table is there
    assert "accounts.0004_forgotten" not in old.manifest.migrations
