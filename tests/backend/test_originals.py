"""Originals in an S3 bucket, over the protocol: kept, handed out, copied, purged, backed up."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as configured
from django.core.exceptions import ImproperlyConfigured
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from backend.accounts.models import User
from backend.accounts.spaces import home, personal_key, space_for
from backend.chat.removal import remove
from backend.ingesting import finish
from backend.storage import originals_storage
from knowledge import originals
from knowledge.errors import OriginalMissing, StorageFault
from knowledge.faults import storing
from knowledge.ingestion import add_document
from knowledge.leftovers import delete_stray_originals
from knowledge.models import DocumentVersion, Space
from knowledge.restoring import restore
from management.diagnosis import diagnose
from management.ingest_files import Listed, ingest
from management.scratch import scratch_store
from tests.simulators.s3 import S3Simulator

pytestmark = pytest.mark.django_db(transaction=True)

Away = Callable[[], None]
FAULT = "Originals can't be read or written where they are kept: "
TEXT = b"The ferry to Berlenga leaves at ten."


@pytest.fixture
def bucket(settings: Settings) -> Iterator[S3Simulator]:
    """A bucket that the settings point to."""
    with S3Simulator("askwell", key="AKIA") as s3:
        default = originals_storage(
            "s3",
            bucket_name="askwell",
            endpoint_url=s3.url,
            region_name="eu-west-1",
            access_key="AKIA",
            secret_key="secret",
        )
        settings.STORAGES = settings.STORAGES | {"default": default}
        settings.ORIGINALS_STORAGE = "s3"
        yield s3


@pytest.fixture(params=["file", "s3"])
def away(request: pytest.FixtureRequest, settings: Settings, tmp_path: Path) -> Iterator[Away]:
    """Originals can't be reached from when it is called."""
    if request.param == "file":
        (tmp_path / "no folder").touch()
        yield lambda: setattr(settings, "MEDIA_ROOT", tmp_path / "no folder" / "originals")
        return
    s3 = request.getfixturevalue("bucket")
    yield lambda: setattr(s3, "key", "another")


def added(team: Space, data: bytes = TEXT, name: str = "ferry.txt") -> DocumentVersion:
    return finish(add_document(team, name, data).version)


def test_an_original_is_kept_read_and_removed_in_the_bucket(
    bucket: S3Simulator, team: Space
) -> None:
    version = added(team)
    assert version.state == "ready", version.reason
    assert bucket.objects == {str(version.original): TEXT}
    assert "ferry" not in str(version.original)
    with originals.opened(version) as file:
        assert (file.size, file.read()) == (len(TEXT), TEXT)
    remove(version.document)
    assert bucket.objects == {}


def test_an_earlier_original_is_copied(bucket: S3Simulator, team: Space) -> None:
    old = added(team)
    added(team, TEXT + b" Or eleven.")
    back = finish(restore(old, lambda version: None))
    assert back.state == "ready", back.reason
    assert len(bucket.objects) == 3
    assert bucket.objects[str(back.original)] == TEXT


def test_a_large_original_comes_back_whole(bucket: S3Simulator, team: Space) -> None:
    data = bytes(range(256)) * 40_000
    name = originals.keep(data, "ab" * 32)
    assert bucket.objects[name] == data
    version = added(team)
    version.original = name
    with originals.opened(version) as file:
        assert file.read() == data


def test_a_missing_original_is_said(bucket: S3Simulator, team: Space) -> None:
    version = added(team)
    bucket.objects.clear()
    with pytest.raises(OriginalMissing):
        originals.opened(version)


def test_a_document_waits_while_its_original_cannot_be_reached(away: Away, team: Space) -> None:
    version = add_document(team, "ferry.txt", TEXT).version
    away()
    assert finish(version).state == "received"
    assert version.reason.startswith(FAULT)


def test_the_page_says_that_originals_cannot_be_reached(
    away: Away, member: User, client: Client
) -> None:
    client.force_login(member)
    space = space_for(personal_key(home(), member))
    version = added(space)
    added(space, TEXT + b" Or eleven.")
    away()
    path = f"/documents/{version.document_id}/versions/1/"
    for answer in (
        client.post("/documents/", {"file": SimpleUploadedFile("new.txt", b"New.")}),
        client.get(f"{path}original/"),
        client.post(f"{path}restore/"),
    ):
        assert (answer.status_code, answer.json()["error"][: len(FAULT)]) == (503, FAULT)


def test_ingest_says_that_originals_cannot_be_reached(
    away: Away, team: Space, tmp_path: Path
) -> None:
    (tmp_path / "ferry.txt").write_bytes(TEXT)
    away()
    outcome = ingest(team, Listed(tmp_path / "ferry.txt", in_folder=False))
    assert (outcome.outcome, str(outcome.reason)[: len(FAULT)]) == ("failed", FAULT)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (OSError("The cloud refuses its key."), "The cloud refuses its key."),
        (OSError(28, "No space left on device"), "No space left on device"),
        (OSError(), "unexpected OSError"),
    ],
)
def test_the_storages_own_words_are_told(fault: OSError, words: str) -> None:
    with pytest.raises(StorageFault) as told, storing():
        raise fault
    assert str(told.value) == FAULT + words


def test_strays_are_found_in_the_bucket(bucket: S3Simulator, team: Space) -> None:
    version = added(team)
    stray = originals.keep(b"stray", "cd" * 32)
    assert delete_stray_originals(timezone.now() + timedelta(days=400)) == 1
    assert str(version.original) in bucket.objects and stray not in bucket.objects


def test_a_scratch_store_touches_no_bucket(bucket: S3Simulator) -> None:
    with scratch_store() as folder:
        name = originals.keep(TEXT, "ab" * 32)
        assert (folder / "originals" / name).read_bytes() == TEXT
    assert bucket.objects == {}


def test_without_a_bucket_the_start_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="S3_BUCKET"):
        originals_storage("s3", bucket_name="", endpoint_url="")


def test_without_its_packages_the_start_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.storage.find_spec", lambda name: None)
    with pytest.raises(ImproperlyConfigured, match=r"requirements-s3\.txt"):
        originals_storage("s3", bucket_name="askwell", endpoint_url="")


def test_s3_is_loaded_only_where_it_is_set() -> None:
    told = (
        "import django, sys; django.setup(); from django.core.files.storage import default_storage;"
        "default_storage.exists('a'); print({'boto3', 'storages'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", told],
        cwd=configured.BASE_DIR,
        env={"DJANGO_SETTINGS_MODULE": "tests.settings", "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "set()"


def test_the_doctor_tries_the_bucket(bucket: S3Simulator, settings: Settings) -> None:
    settings.ORIGINALS_STORAGE, settings.S3_BUCKET = "s3", "askwell"
    told = {finding.what: finding.level for finding in diagnose()}
    assert told["originals are kept in the bucket askwell"] == "ok"
    default = originals_storage(
        "s3", bucket_name="other", endpoint_url=bucket.url, access_key="B", secret_key="C"
    )
    settings.STORAGES = settings.STORAGES | {"default": default}
    refused = [finding for finding in diagnose() if "can't be used" in finding.what]
    assert [finding.level for finding in refused] == ["fail"]


def test_the_doctor_finds_originals_in_the_place_that_they_left(
    team: Space, settings: Settings, request: pytest.FixtureRequest
) -> None:
    version = added(team)
    old = Path(version.original.path)
    request.getfixturevalue("bucket")
    settings.ORIGINALS_STORAGE, settings.S3_BUCKET = "s3", "askwell"
    told = [finding.what for finding in diagnose()]
    assert any(f"still lie in {settings.MEDIA_ROOT}" in one for one in told)
    old.unlink()
    assert not any("still lie" in finding.what for finding in diagnose())
