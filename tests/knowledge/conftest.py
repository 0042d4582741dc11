"""Fixtures of the engine's tests."""

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

import certifi
import pytest
from django.utils.module_loading import import_string
from pytest_django import Settings

from backend.accounts.spaces import space_for
from knowledge.embedding import EMBEDDERS, embedder
from knowledge.models import Space
from knowledge.providers import CHAT_MODELS, fallback
from tests.conftest import AddText
from tests.knowledge import fake_embedder
from tests.knowledge.fake_embedder import OTHER, FakeEmbedder, OtherFake
from tests.knowledge.killing import Store
from tests.knowledge.talking import LEAVE, VISIT


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
def one_certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("certificates") / "one.pem"
    lines = Path(certifi.where()).read_text().splitlines(keepends=True)
    begun = itertools.dropwhile(lambda line: not line.startswith("-----BEGIN"), lines)
    inside = itertools.takewhile(lambda line: not line.startswith("-----END"), begun)
    path.write_text("".join(inside) + "-----END CERTIFICATE-----\n")
    return path


@pytest.fixture
def few_certificates(one_certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDKs load every certificate for each client, which takes longer than most tests."""
    monkeypatch.setenv("SSL_CERT_FILE", str(one_certificate))


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deadlines that a test can wait for."""
    for provider in ("gemini", "openai"):
        import_string(CHAT_MODELS[provider])  # loading an SDK takes longer
    monkeypatch.setattr(fallback, "FIRST_TOKEN", 0.8)
    monkeypatch.setattr(fallback, "IDLE", 0.5)
    monkeypatch.setattr(fallback, "SHORT_WAIT", 0.3)


@pytest.fixture
def embedded_here(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Documents are embedded by the local model, so that only questions reach a provider. It is
    loaded once for all tests."""
    settings.EMBEDDINGS = "local"
    monkeypatch.setitem(EMBEDDERS, "local", "tests.knowledge.talking.loaded_minilm")


@pytest.fixture
def handbook(embedded_here: None, add_text: AddText) -> None:
    """What the team's documents say."""
    add_text(LEAVE, "leave.txt")
    add_text(VISIT, "visits.txt")
    add_text("Contractors get ten days of parental leave, and it is unpaid.", "contractors.txt")


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an empty store, to be copied."""
    folder = tmp_path_factory.mktemp("migrated")
    made = Store(folder)
    made.do("migrate")
    made.close()
    return folder


@pytest.fixture
def store(migrated: Path, tmp_path: Path) -> Iterator[Store]:
    shutil.copytree(migrated, tmp_path, dirs_exist_ok=True)
    made = Store(tmp_path)
    yield made
    made.close()


@pytest.fixture
def other(
    fake: type[FakeEmbedder], monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> Iterator[type[OtherFake]]:
    """Another fake in Gemini's place, and the store begins with the local one."""
    monkeypatch.setitem(EMBEDDERS, "gemini", OTHER)
    settings.EMBEDDINGS, settings.GEMINI_BASE_URL = "local", "http://127.0.0.1:9"
    yield OtherFake


@pytest.fixture
def wide(team: Space) -> Space:
    return space_for("channel:slack/T1/C1")
