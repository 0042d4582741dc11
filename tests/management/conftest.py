"""Stores in folders of their own, which a test may back up, wipe and restore, or schedule for."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings as configured
from pytest_django import DjangoDbBlocker, Settings

from backend.accounts.spaces import home, space_for, team_key
from knowledge.embedding import EMBEDDERS, embedder
from knowledge.models import Document, Space
from management.scratch import database_at
from tests.knowledge import fake_embedder
from tests.knowledge.fake_embedder import FakeEmbedder
from tests.management.schedulers import Schedulers
from tests.management.stores import TEXTS, put


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker) -> Path:
    """An empty store's database, to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "askwell.sqlite3"
    with django_db_blocker.unblock(), database_at(path):
        space_for(team_key(home()))
    return path


@pytest.fixture
def data(
    migrated: Path, tmp_path: Path, settings: Settings, django_db_blocker: DjangoDbBlocker
) -> Iterator[Path]:
    """The folder of a store with nothing in it."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    settings.DATA_DIR = folder
    settings.MEDIA_ROOT, settings.SNAPSHOT_DIR = folder / "originals", folder / "snapshots"
    assert folder != configured.BASE_DIR / "var"
    shutil.copy(migrated, folder)
    with django_db_blocker.unblock(), database_at(folder / "askwell.sqlite3"):
        yield folder


@pytest.fixture
def its_team(data: Path) -> Space:
    """Its team space."""
    return space_for(team_key(home()))


@pytest.fixture
def filled(its_team: Space) -> dict[str, Document]:
    """The documents of TEXTS."""
    return {name: put(its_team, text, name) for name, text in TEXTS.items()}


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[FakeEmbedder]]:
    """A fake in the local model's place."""
    monkeypatch.setitem(EMBEDDERS, "local", fake_embedder.DOTTED)
    embedder.cache_clear()
    fake_embedder.forget()
    yield FakeEmbedder
    fake_embedder.forget()
    embedder.cache_clear()


@pytest.fixture(scope="session")
def scheduled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an empty store, to be copied."""
    folder = tmp_path_factory.mktemp("scheduled")
    made = Schedulers(folder)
    assert made.manage("migrate", "-v0") == 0
    made.close()
    return folder


@pytest.fixture
def schedulers(scheduled: Path, tmp_path: Path) -> Iterator[Schedulers]:
    shutil.copytree(scheduled, tmp_path, dirs_exist_ok=True)
    made = Schedulers(tmp_path)
    yield made
    made.close()
