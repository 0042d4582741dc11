"""What is written is shown all at once, and only by who still owns it."""

import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from django.conf import settings as configured
from django.db import connection

from backend.chat.removal import remove, sweep_removed
from knowledge import publishing
from knowledge.embedding import choose_model
from knowledge.errors import LeaseLost
from knowledge.ingestion import add_document, chunk_sizes
from knowledge.models import Chunk, Chunking, Document, DocumentVersion, Embedding, Section, Space
from knowledge.removal import remove_document
from knowledge.retrieval import search
from tests.conftest import AddText
from tests.knowledge.fake_embedder import FakeEmbedder
from tests.knowledge.truth import published

pytestmark = pytest.mark.usefixtures("fake")


def built(version: DocumentVersion, text: str = "") -> publishing.Built:
    """A chunking of the version's sections that is not shown yet."""
    section = version.sections.first() or Section.objects.create(
        version=version, position=0, text=text
    )
    cuts = publishing.cut(version.document.name, [section], *chunk_sizes())
    return publishing.build(version, cuts, chunk_sizes(), choose_model(), lambda: None)


def revision_of(space: Space) -> int:
    space.refresh_from_db()
    return space.revision


def test_each_publish_and_removal_steps_the_revision_once(team: Space, add_text: AddText) -> None:
    assert revision_of(team) == 0
    version = add_text("The heron eats fish.")
    assert revision_of(team) == 1
    add_text("The otter eats crabs.")
    assert revision_of(team) == 2
    remove(version.document)
    assert revision_of(team) == 3


def test_what_is_not_published_yet_is_not_found(team: Space) -> None:
    version = add_document(team, "a.txt", b"The heron eats fish.").version
    ready = built(version, "The heron eats fish.")
    assert Embedding.objects.exists() and search("heron", [team], 5) == []

    publishing.publish(ready.chunking, version)

    assert [passage.text for passage in search("heron", [team], 5)] == ["The heron eats fish."]


def test_one_chunking_of_a_document_stands_at_a_time(team: Space, add_text: AddText) -> None:
    version = add_text("The heron eats fish.")
    again = built(version)
    publishing.publish(again.chunking, version)

    live = Chunking.objects.filter(withdrawn_revision=None)
    assert [chunking.pk for chunking in live] == [again.chunking.pk]
    assert len(search("heron", [team], 5)) == 1


@pytest.mark.parametrize("how", ["taken over", "removed", "discarded"])
def test_who_lost_the_version_publishes_and_writes_nothing(team: Space, how: str) -> None:
    version = add_document(team, "a.txt", b"The heron eats fish.").version
    lost = built(version, "The heron eats fish.")
    if how == "taken over":
        DocumentVersion.objects.filter(pk=version.pk).update(token="another")
    elif how == "removed":
        remove_document(version.document)
    else:
        publishing.discard_unpublished(version)
    before, chunks = revision_of(team), Chunk.objects.count()

    with pytest.raises(LeaseLost):
        publishing.publish(lost.chunking, version)
    if how != "discarded":
        with pytest.raises(LeaseLost):
            built(version)

    assert revision_of(team) == before and Chunk.objects.count() == chunks
    assert published(team) == set()
    assert Document.objects.get().current is None


def test_a_chunking_that_another_discards_is_not_written_on(
    team: Space, fake: type[FakeEmbedder]
) -> None:
    """As when two rebuilds run at once: the loser is told, and no row is left without a parent."""
    version = add_document(team, "a.txt", b"The heron eats fish.").version
    fake.before = lambda texts: publishing.discard_unpublished(version)

    with pytest.raises(LeaseLost):
        built(version, "The heron eats fish.")

    assert not Chunk.objects.exists()


def test_the_write_lock_is_held_for_a_batch_at_a_time(team: Space) -> None:
    version = add_document(team, "a.txt", b"text").version
    text = "\n\n".join(f"Sentence {number} {'word ' * 60}." for number in range(300))
    steps: list[int] = []
    Section.objects.create(version=version, position=0, text=text)
    cuts = publishing.cut("a.txt", list(version.sections.all()), *chunk_sizes())

    def keep() -> None:
        steps.append(Chunk.objects.count())

    publishing.build(version, cuts, chunk_sizes(), choose_model(), keep)

    assert steps == [0, 128, 256]
    assert Chunk.objects.count() == len(cuts) == 300


def test_nothing_is_embedded_while_a_transaction_is_open(
    team: Space, fake: type[FakeEmbedder], transactional_db: None, add_text: AddText
) -> None:
    open_ones: list[bool] = []
    fake.before = lambda texts: open_ones.append(connection.in_atomic_block)

    add_text("The heron eats fish.")

    assert open_ones and not any(open_ones)


def test_a_removed_document_is_never_found_and_its_text_is_purged(
    team: Space, add_text: AddText
) -> None:
    version = add_text("The heron eats fish.")
    stays = add_text("The otter eats crabs.", name="other.txt")
    original = Path(configured.MEDIA_ROOT, str(version.original))

    remove_document(version.document)
    assert [passage.document for passage in search("heron", [team], 5)] == ["other.txt"]

    sweep_removed()
    assert not original.exists()
    assert {chunk.text for chunk in Chunk.objects.all()} == {"The otter eats crabs."}
    assert {section.version_id for section in Section.objects.all()} == {stays.pk}
    version.refresh_from_db()
    assert (version.sha256, version.size, str(version.original)) == ("", 0, "")


def test_a_removal_is_done_once(team: Space, add_text: AddText) -> None:
    version = add_text("The heron eats fish.")
    remove(version.document)
    when = Document.objects.get().removed_at
    remove(version.document)

    assert Document.objects.get().removed_at == when


def test_removed_text_leaves_the_database_file(
    team: Space, transactional_db: None, add_text: AddText
) -> None:
    version = add_text("The quetzalcoatlus eats fish.")
    remove(version.document)
    connection.close()

    name = str(connection.settings_dict["NAME"])
    with sqlite3.connect(name) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    assert b"quetzalcoatlus" not in Path(name).read_bytes()


def test_discarding_leaves_what_is_published(team: Space, add_text: AddText) -> None:
    version = add_text("The heron eats fish.")
    built(version)
    publishing.discard_unpublished(version)

    assert Chunking.objects.count() == 1
    assert len(search("heron", [team], 5)) == 1


def test_what_failed_versions_left_is_dropped(team: Space, add_text: AddText) -> None:
    ready = add_text("The heron eats fish.")
    failed = add_document(team, "b.txt", b"text").version
    built(ready)
    built(failed, "The otter eats crabs.")
    DocumentVersion.objects.filter(pk=failed.pk).update(state="failed")

    publishing.discard_failed()

    assert not failed.chunkings.exists()
    assert ready.chunkings.count() == 2, "a rebuild may be writing this one"


Queries = Callable[[int], AbstractContextManager[object]]


def test_publishing_is_one_small_transaction(
    team: Space, django_assert_max_num_queries: Queries
) -> None:
    version = add_document(team, "a.txt", b"text").version
    ready = built(version, "The heron eats fish.")

    with django_assert_max_num_queries(15):
        publishing.publish(ready.chunking, version)
