"""Stores of their own for schedulers."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.management.schedulers import Schedulers


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an empty store, to be copied."""
    folder = tmp_path_factory.mktemp("migrated")
    made = Schedulers(folder)
    assert made.manage("migrate", "-v0") == 0
    made.close()
    return folder


@pytest.fixture
def schedulers(migrated: Path, tmp_path: Path) -> Iterator[Schedulers]:
    shutil.copytree(migrated, tmp_path, dirs_exist_ok=True)
    made = Schedulers(tmp_path)
    yield made
    made.close()
