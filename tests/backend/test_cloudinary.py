"""Originals at Cloudinary, over its API and SDK: kept, handed out, copied, deleted, backed up."""

import logging
import re
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from cloudinary.utils import private_download_url
from django.conf import settings as configured
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import default_storage
from django.utils import timezone
from pytest_django import Settings

from backend.accounts.models import User
from backend.chat.removal import remove
from backend.ingesting import finish
from backend.library.bringing import bring
from backend.logs import RedactingFormatter
from backend.storage import originals_storage
from knowledge import originals
from knowledge.errors import OriginalMissing, StorageFault, TooLarge
from knowledge.ingestion import add_document
from knowledge.leftovers import delete_stray_originals
from knowledge.models import DocumentVersion, Space
from knowledge.restoring import restore
from management.diagnosis import diagnose
from tests.backend.people import user
from tests.console.test_library import body, client_of, original
from tests.simulators.cloudinary import RAW_LIMIT, CloudinarySimulator

pytestmark = pytest.mark.django_db(transaction=True)

TEXT = b"The ferry to Berlenga leaves at ten."
CANARY = "canary-of-cloudinary"


@pytest.fixture
def cloud(settings: Settings) -> Iterator[CloudinarySimulator]:
    """A cloud that the settings point to."""
    with CloudinarySimulator("acme", key="1234", secret=CANARY) as simulator:
        point_to(simulator, settings)
        yield simulator


def point_to(
    cloud: CloudinarySimulator, settings: Settings, secret: str = CANARY, name: str = "acme"
) -> None:
    settings.ORIGINALS_STORAGE = "cloudinary"
    settings.CLOUDINARY_CLOUD_NAME, settings.CLOUDINARY_API_SECRET = name, secret
    default = originals_storage(
        "cloudinary", cloud_name=name, api_key="1234", api_secret=secret, api_url=cloud.url
    )
    settings.STORAGES = settings.STORAGES | {"default": default}


def added(team: Space, data: bytes = TEXT, name: str = "ferry.txt") -> DocumentVersion:
    version = finish(add_document(team, name, data).version)
    assert version.state == "ready", version.reason
    return version


def test_an_original_is_kept_read_and_removed(cloud: CloudinarySimulator, team: Space) -> None:
    version = added(team)
    assert cloud.objects == {f"askwell/{version.original}": TEXT}
    with originals.opened(version) as file:
        assert (file.size, file.read()) == (len(TEXT), TEXT)
    name = str(version.original)
    assert default_storage.exists(name) and default_storage.size(name) == len(TEXT)
    remove(version.document)
    assert cloud.objects == {}
    assert not default_storage.exists(name)
    default_storage.delete(name)  # safe to repeat


def test_nothing_of_a_file_is_told_but_its_bytes(cloud: CloudinarySimulator, team: Space) -> None:
    added(team)
    sent = b"".join(request.raw for request in cloud.requests)
    assert TEXT in sent and b"ferry.txt" not in sent and CANARY.encode() not in sent


def test_it_is_kept_without_a_backup_and_fetched_by_an_address_of_a_minute(
    cloud: CloudinarySimulator, team: Space
) -> None:
    added(team)
    upload, *_, download = (request for request in cloud.requests if "/raw/" in request.path)
    assert re.search(rb'name="backup"\r\n\r\n0\r\n', upload.raw)
    assert download.path.endswith("/raw/download")
    assert float(download.query["expires_at"]) <= time.time() + 60


def test_whoever_may_read_it_downloads_it_through_us(
    cloud: CloudinarySimulator, member: User, team: Space
) -> None:
    version = finish(bring(team, "ferry.txt", TEXT, member).version)
    answer = client_of(member).get(original(version))
    assert body(answer) == TEXT
    assert "attachment" in answer["Content-Disposition"] and "Location" not in answer
    assert client_of(user(role=None)).get(original(version)).status_code == 404


def test_nobody_gets_it_without_our_signature_or_after_its_time(
    cloud: CloudinarySimulator, team: Space
) -> None:
    name = f"askwell/{added(team).original}"
    shown = httpx2.get(f"{cloud.url}/acme/raw/authenticated/v1/{name}")
    assert shown.status_code == 401
    own = {"cloud_name": "acme", "api_key": "1234", "upload_prefix": cloud.url}
    for secret, until in (("guessed", 60), (CANARY, -1)):
        address = private_download_url(
            name,
            "",
            resource_type="raw",
            type="authenticated",
            expires_at=int(time.time()) + until,
            api_secret=secret,
            **own,
        )
        assert httpx2.get(address).status_code == 401


def test_an_earlier_original_is_copied(cloud: CloudinarySimulator, team: Space) -> None:
    old = added(team)
    added(team, TEXT + b" Or eleven.")
    back = finish(restore(old, lambda version: None))
    assert back.state == "ready", back.reason
    assert len(cloud.objects) == 3
    assert cloud.objects[f"askwell/{back.original}"] == TEXT


def test_a_large_original_comes_back_whole(cloud: CloudinarySimulator, team: Space) -> None:
    version, data = added(team), bytes(range(256)) * 40_000
    version.original = originals.keep(data, "ab" * 32)
    with originals.opened(version) as file:
        assert (file.size, file.read()) == (len(data), data)


def test_what_is_too_large_for_the_plan_is_refused_with_a_sentence(
    cloud: CloudinarySimulator, team: Space
) -> None:
    with pytest.raises(TooLarge, match="at most 10 MB on your plan"):
        add_document(team, "large.txt", b"a" * (RAW_LIMIT + 1))
    assert not DocumentVersion.objects.exists() and not cloud.objects


def test_a_missing_original_is_said(cloud: CloudinarySimulator, team: Space) -> None:
    version = added(team)
    cloud.objects.clear()
    with pytest.raises(OriginalMissing):
        originals.opened(version)


def test_strays_are_found_and_others_files_left_alone(
    cloud: CloudinarySimulator, team: Space
) -> None:
    cloud.page = 2
    kept = [f"askwell/{added(team, b'%d' % n, f'{n}.txt').original}" for n in range(3)]
    stray = originals.keep(b"stray", "cd" * 32)
    others = {"logo": b"1", "askwell/readme": b"2"}
    cloud.objects |= others
    asked = len(cloud.requests)
    assert delete_stray_originals(timezone.now() + timedelta(days=400)) == 1
    assert set(cloud.objects) == {*kept, *others}
    assert f"askwell/{stray}" not in cloud.objects
    assert len(cloud.requests) - asked == 4  # three pages and what was deleted


@pytest.mark.parametrize(("secret", "name"), [("k3y-of-another", "acme"), (CANARY, "other")])
def test_a_wrong_key_is_said_and_the_secret_is_not(
    cloud: CloudinarySimulator,
    settings: Settings,
    team: Space,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    secret: str,
    name: str,
) -> None:
    version = added(team)
    point_to(cloud, settings, secret, name)
    for attempt in (
        lambda: originals.keep(TEXT, "ab" * 32),
        lambda: originals.opened(version),
        lambda: originals.delete(str(version.original)),
    ):
        with pytest.raises(StorageFault, match="refuses the key; check CLOUDINARY") as fault:
            attempt()
        assert secret not in "".join(traceback.format_exception(fault.value))
    (refused,) = [one for one in diagnose() if "can't be used" in one.what]
    assert refused.level == "fail" and f"cloud {name} can't" in refused.what
    assert secret not in caplog.text + "".join(capfd.readouterr()) + refused.what


def test_a_cloud_that_is_away_is_said_without_the_signed_address(
    cloud: CloudinarySimulator, settings: Settings, team: Space, caplog: pytest.LogCaptureFixture
) -> None:
    version = added(team)
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        address = f"http://127.0.0.1:{nobody.getsockname()[1]}"
    away = settings.STORAGES["default"]["OPTIONS"] | {"api_url": address}
    settings.STORAGES = settings.STORAGES | {"default": originals_storage("cloudinary", **away)}
    for attempt in (
        lambda: originals.keep(TEXT, "ab" * 32),
        lambda: originals.opened(version),
        lambda: originals.delete(str(version.original)),
    ):
        with pytest.raises(StorageFault, match="Cloudinary can't be reached") as fault:
            attempt()
        told = "".join(traceback.format_exception(fault.value)) + caplog.text
        line = RedactingFormatter().format(logging.makeLogRecord({"msg": told}))
        assert not re.search("signature=[0-9a-f]", line)


def test_the_doctor_tries_the_cloud(cloud: CloudinarySimulator) -> None:
    told = {finding.what: finding.level for finding in diagnose()}
    assert told["originals are kept in Cloudinary's cloud acme"] == "ok"


@pytest.mark.parametrize("missing", ["cloud_name", "api_key", "api_secret"])
def test_without_a_key_the_start_is_refused(missing: str) -> None:
    given = {"cloud_name": "acme", "api_key": "1", "api_secret": "s", "api_url": ""}
    with pytest.raises(ImproperlyConfigured, match="CLOUDINARY_API_SECRET"):
        originals_storage("cloudinary", **given | {missing: ""})


def test_without_its_package_the_start_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.storage.find_spec", lambda name: None)
    with pytest.raises(ImproperlyConfigured, match=r"requirements-cloudinary\.txt"):
        originals_storage("cloudinary", cloud_name="acme", api_key="1", api_secret="s")


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [("file", "FileSystemStorage False"), ("cloudinary", "CloudinaryStorage True")],
)
def test_the_settings_choose_it_and_else_nothing_of_it_is_loaded(
    tmp_path: Path, chosen: str, expected: str
) -> None:
    told = (
        "import django, sys; django.setup(); from django.core.files.storage import default_storage;"
        "default_storage._setup(); print(type(default_storage._wrapped).__name__, "
        "'cloudinary' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", told],
        cwd=configured.BASE_DIR,
        env={
            "DJANGO_SETTINGS_MODULE": "backend.settings",
            "DATA_DIR": str(tmp_path),
            "PATH": "",
            "ORIGINALS_STORAGE": chosen,
            "CLOUDINARY_CLOUD_NAME": "acme",
            "CLOUDINARY_API_KEY": "1234",
            "CLOUDINARY_API_SECRET": CANARY,
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == expected
