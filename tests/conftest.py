"""What every test may use: a store, spaces and people, documents that are ready at once."""

from collections.abc import AsyncIterator, Callable, Iterator
from functools import wraps

import aiohttp
import httpx2
import pytest
import pytest_asyncio
from django.db import connection
from pytest_django import Settings

from backend.accounts.models import Membership, Role, User
from backend.accounts.spaces import home, personal_key, space_for, team_key
from backend.ingesting import finish
from knowledge.embedding import embedder
from knowledge.index.cache import indexes
from knowledge.ingestion import add_document
from knowledge.models import DocumentVersion, Space
from knowledge.providers import aclose_chat_models, chat_model
from knowledge.providers.fallback import breaker
from tests.simulators.gemini import GeminiSimulator
from tests.simulators.openai import OpenAISimulator

AddText = Callable[..., DocumentVersion]
# And the method by which each sends a request.
HTTP_CLIENTS: dict[type, str] = {
    httpx2.Client: "send",
    httpx2.AsyncClient: "send",
    aiohttp.ClientSession: "_request",
}


@pytest.fixture(autouse=True)
def fresh_process() -> None:
    """What a process keeps between questions is forgotten between tests."""
    indexes.clear()
    breaker.cache_clear()
    chat_model.cache_clear()


@pytest_asyncio.fixture
async def closing_clients() -> AsyncIterator[None]:
    """For asynchronous tests that talk to a model: its connections are closed with the loop."""
    yield
    await aclose_chat_models()


@pytest.fixture(autouse=True)
def no_transaction_spans_http(monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise 25: nothing holds a transaction open while it talks to a model."""
    for client, name in HTTP_CLIENTS.items():
        send = getattr(client, name)

        @wraps(send)  # google-genai reads the signature
        def checked(self: object, *args: object, _send: object = send, **kwargs: object) -> object:
            assert not connection.in_atomic_block, "a transaction spans a network call"
            return _send(self, *args, **kwargs)  # type: ignore[operator]

        monkeypatch.setattr(client, name, checked)


@pytest.fixture(autouse=True)
def originals(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Files of a test lie in folders of its own."""
    folder = tmp_path_factory.mktemp("store")
    settings.MEDIA_ROOT = folder / "originals"
    settings.SNAPSHOT_DIR = folder / "snapshots"


@pytest.fixture
def team(db: None) -> Space:
    """Home's team space."""
    return space_for(team_key(home()))


@pytest.fixture
def admin(db: None) -> User:
    """An admin of home."""
    user = User.objects.for_email("admin@example.org")
    Membership.objects.create(user=user, workspace=home(), role=Role.ADMIN)
    return user


@pytest.fixture
def member(db: None) -> User:
    """A member of home."""
    user = User.objects.for_email("member@example.org")
    Membership.objects.create(user=user, workspace=home())
    return user


@pytest.fixture
def personal(member: User) -> Space:
    """The member's personal space."""
    return space_for(personal_key(home(), member))


@pytest.fixture
def add_text(team: Space) -> AddText:
    """Add a text to a space and take it through the pipeline."""

    def add(text: str, name: str = "notes.txt", space: Space = team) -> DocumentVersion:
        version = finish(add_document(space, name, text.encode()).version)
        assert version.state == "ready", version.reason
        return version

    return add


@pytest.fixture
def gemini(settings: Settings) -> Iterator[GeminiSimulator]:
    """A simulated Gemini that the settings point to."""
    with GeminiSimulator(key="gemini-key") as simulator:
        settings.GOOGLE_API_KEY, settings.GEMINI_BASE_URL = "gemini-key", simulator.url
        embedder.cache_clear()
        yield simulator
    embedder.cache_clear()


@pytest.fixture
def openai(settings: Settings) -> Iterator[OpenAISimulator]:
    """A simulated OpenAI that the settings point to."""
    with OpenAISimulator(key="openai-key") as simulator:
        settings.OPENAI_API_KEY, settings.OPENAI_BASE_URL = "openai-key", simulator.url
        embedder.cache_clear()
        yield simulator
    embedder.cache_clear()


@pytest.fixture
def talking(settings: Settings) -> Iterator[OpenAISimulator]:
    """A model that repeats every word that it was told, with the local model for searching."""
    with OpenAISimulator(key="openai-key") as simulator:
        settings.OPENAI_API_KEY, settings.OPENAI_BASE_URL = "openai-key", simulator.url
        settings.EMBEDDINGS = "local"
        simulator.faults.answer = lambda told: f"I was told: {' '.join(told.split())} [1]"
        yield simulator
