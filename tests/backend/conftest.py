"""Places to ask from, and a model that repeats what it was told."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from backend.accounts.audience import Place
from backend.accounts.models import User
from backend.accounts.spaces import home
from tests.simulators.openai import OpenAISimulator


@pytest.fixture
def mine(member: User) -> Place:
    """The member's page."""
    return Place(home(), user=member)


@pytest.fixture
def talking(settings: Settings) -> Iterator[OpenAISimulator]:
    """A model that repeats every word that it was told, with the local model for searching."""
    with OpenAISimulator(key="openai-key") as simulator:
        settings.OPENAI_API_KEY, settings.OPENAI_BASE_URL = "openai-key", simulator.url
        settings.EMBEDDINGS = "local"
        simulator.faults.answer = lambda told: f"I was told: {' '.join(told.split())} [1]"
        yield simulator
