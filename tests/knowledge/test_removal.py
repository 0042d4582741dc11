"""What is left of removed documents is deleted in small transactions."""

import pytest

from backend.ingesting import finish
from knowledge import batches
from knowledge.ingestion import add_document
from knowledge.models import Chunk, Document, Embedding, Section, Space
from knowledge.removal import (
    delete_forgotten_spaces,
    forget_space,
    purge_removed,
    remove_document,
)
from tests.conftest import AddText
from tests.transactions import rows_written

pytestmark = [pytest.mark.usefixtures("fake"), pytest.mark.django_db(transaction=True)]


def test_a_long_document_is_purged_in_small_transactions(
    team: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "BATCH_SECONDS", 0.0)  # as if the first were slow already
    version = finish(add_document(team, "a.md", b"# Leave\n\nSixteen weeks.\n\n" * 200).version)
    assert Chunk.objects.count() == Embedding.objects.count() == 200
    remove_document(version.document)
    with rows_written() as rows:
        purge_removed()
    assert sum(rows) >= 600 and max(rows) <= 40
    assert (Chunk.objects.count(), Section.objects.count()) == (0, 0)


def test_a_forgotten_space_is_deleted_in_small_transactions(
    personal: Space, add_text: AddText, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "BATCH_SECONDS", 0.0)
    for number in range(25):
        add_text(f"Locker {number} is mine.", f"{number}.txt", personal)
    forget_space(personal)
    with rows_written() as rows:
        delete_forgotten_spaces()
    assert sum(rows) >= 75 and max(rows) <= 60
    assert not Document.objects.exists() and not Space.objects.filter(pk=personal.pk).exists()
