"""An earlier content comes back as the newest version, at no cost."""

from pathlib import Path

import pytest
from pytest_django import Settings

from backend.ingesting import finish
from knowledge.errors import Overtaken
from knowledge.leftovers import replaced_chunks
from knowledge.models import DocumentVersion, Space
from knowledge.moving import move_document
from knowledge.removal import remove_document, remove_version
from knowledge.restoring import restore
from knowledge.retrieval import search
from tests.conftest import AddText
from tests.knowledge.fake_embedder import FakeEmbedder

pytestmark = [pytest.mark.usefixtures("fake"), pytest.mark.django_db(transaction=True)]


def nothing(version: DocumentVersion) -> None:
    """Nobody wants to know."""


def test_it_is_neither_read_nor_embedded_again(
    team: Space, add_text: AddText, fake: type[FakeEmbedder]
) -> None:
    old = add_text("The heron eats fish.")
    add_text("The otter eats crabs.")
    embedded = len(fake.embedded)
    version = restore(old, nothing)
    Path(version.original.path).unlink()
    assert finish(version).state == "ready", version.reason
    assert [passage.text for passage in search("heron", [team], 1)] == ["The heron eats fish."]
    assert len(fake.embedded) == embedded


def test_nor_where_the_document_has_moved_since(
    team: Space, personal: Space, add_text: AddText, fake: type[FakeEmbedder]
) -> None:
    old = add_text("The heron eats fish.", space=personal)
    add_text("The otter eats crabs.", space=personal)
    move_document(old.document, team)
    embedded = len(fake.embedded)
    assert finish(restore(old, nothing)).state == "ready"
    assert [passage.text for passage in search("heron", [team], 1)] == ["The heron eats fish."]
    assert len(fake.embedded) == embedded


def test_what_was_purged_since_is_embedded_again(team: Space, add_text: AddText) -> None:
    old = add_text("The heron eats fish.")
    add_text("The otter eats crabs.")
    replaced_chunks().delete()
    assert finish(restore(old, nothing)).state == "ready"
    assert [passage.text for passage in search("heron", [team], 1)] == ["The heron eats fish."]


def test_what_is_noted_and_the_version_come_together_or_not_at_all(
    add_text: AddText, settings: Settings
) -> None:
    old = add_text("The heron eats fish.")
    add_text("The otter eats crabs.")
    stored = {path for path in _originals(settings) if path.is_file()}

    def fault(version: DocumentVersion) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        restore(old, fault)
    assert old.document.versions.count() == 2
    assert {path for path in _originals(settings) if path.is_file()} == stored


@pytest.mark.parametrize("gone", ["document", "version"])
def test_what_was_removed_before_it_was_copied_is_not_brought_back(
    add_text: AddText, gone: str
) -> None:
    old = add_text("The heron eats fish.")
    add_text("The otter eats crabs.")
    if gone == "document":
        remove_document(old.document)
    else:
        remove_version(old)
    with pytest.raises(Overtaken):
        restore(old, nothing)
    assert old.document.versions.count() == 2


def _originals(settings: Settings) -> list[Path]:
    return list(Path(settings.MEDIA_ROOT).rglob("*"))
