"""Places to ask from."""

import pytest

from backend.accounts.audience import Place
from backend.accounts.models import User
from backend.accounts.spaces import home


@pytest.fixture
def mine(member: User) -> Place:
    """The member's page."""
    return Place(home(), user=member)
