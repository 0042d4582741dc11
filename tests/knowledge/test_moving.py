"""One document goes to another space: passages and vectors go along, and indexes follow."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from backend import db
from backend.ingesting import LEASE, finish, work_on_next
from knowledge import ingestion, publishing
from knowledge.errors import LeaseLost, Overtaken
from knowledge.index.cache import indexes
from knowledge.ingestion import add_document
from knowledge.models import (
    Chunk,
    Chunking,
    Document,
    DocumentVersion,
    Embedding,
    EmbeddingModel,
    Space,
)
from knowledge.moving import move_document
from knowledge.removal import (
    delete_forgotten_spaces,
    forget_space,
    purge_removed,
    remove_document,
    remove_version,
)
from knowledge.retrieval import search
from tests.conftest import AddText
from tests.knowledge.fake_embedder import FakeEmbedder
from tests.knowledge.truth import held, published

pytestmark = [pytest.mark.usefixtures("fake"), pytest.mark.django_db(transaction=True)]

TEXT = "The heron eats fish.\n\nThe otter eats crabs."


def found(space: Space) -> list[str]:
    return sorted({passage.document for passage in search("heron fish", [space], 8)})


def index_is_right(space: Space) -> bool:
    """The index that this process holds, advanced, equals the rows and a fresh one."""
    model = EmbeddingModel.objects.get()
    row = Space.objects.get(pk=space.pk)
    kept = held(indexes.at_revision_of(row, model))
    indexes.clear()
    return kept == held(indexes.at_revision_of(row, model)) == published(space)


def test_a_moved_document_is_found_there_and_not_here_and_nothing_is_embedded_again(
    team: Space, personal: Space, add_text: AddText, fake: type[FakeEmbedder]
) -> None:
    version = add_text(TEXT, "birds.txt", personal)
    assert (found(personal), found(team)) == (["birds.txt"], [])
    vectors, embedded = list(Embedding.objects.values_list("pk", "chunk")), len(fake.embedded)

    moved = move_document(version.document, team)

    assert (moved.document, moved.how, moved.instead) == (version.document, "moved", {})
    assert (found(personal), found(team)) == ([], ["birds.txt"])
    assert list(Embedding.objects.values_list("pk", "chunk")) == vectors
    assert len(fake.embedded) == embedded
    assert index_is_right(personal) and index_is_right(team)


def test_both_spaces_step_once(team: Space, personal: Space, add_text: AddText) -> None:
    document = add_text(TEXT, space=personal).document
    before = list(Space.objects.order_by("pk").values_list("revision", flat=True))
    move_document(document, team)
    after = list(Space.objects.order_by("pk").values_list("revision", flat=True))
    assert after == [revision + 1 for revision in before]


def test_an_earlier_version_goes_along(team: Space, personal: Space, add_text: AddText) -> None:
    old = add_text(TEXT, "birds.txt", personal)
    new = add_text(f"{TEXT} And frogs.", "birds.txt", personal)
    move_document(new.document, team)
    new.document.refresh_from_db()
    assert [v.pk for v in new.document.versions.order_by("number")] == [old.pk, new.pk]
    assert (new.document.current, new.document.space) == (new, team)
    assert index_is_right(personal) and index_is_right(team)


def test_the_same_bytes_become_one_document(
    team: Space, personal: Space, add_text: AddText
) -> None:
    stays = add_text(TEXT, "ours.txt")
    goes = add_text(TEXT, "mine.txt", personal)
    moved = move_document(goes.document, team)
    assert (moved.document, moved.how) == (stays.document, "same")
    assert moved.instead == {goes.pk: stays.pk}
    assert (found(personal), found(team)) == ([], ["ours.txt"])
    purge_removed()
    assert not goes.sections.exists() and stays.sections.exists()
    assert index_is_right(personal) and index_is_right(team)


def test_what_was_taken_away_of_it_does_not_count(
    team: Space, personal: Space, add_text: AddText
) -> None:
    ours = add_text(TEXT, "ours.txt")
    mine = add_text(TEXT, "mine.txt", personal)
    remove_version(add_text(f"{TEXT} And frogs.", "mine.txt", personal))
    assert move_document(mine.document, team).instead == {mine.pk: ours.pk}


def test_a_namesake_gets_it_as_its_next_versions(
    team: Space, personal: Space, add_text: AddText
) -> None:
    ours = add_text("The heron sleeps by day.", "birds.txt")
    first = add_text(TEXT, "birds.txt", personal)
    second = add_text(f"{TEXT} And fish.", "birds.txt", personal)
    moved = move_document(second.document, team)
    assert (moved.document, moved.how) == (ours.document, "replaced")
    numbers = moved.document.versions.order_by("number").values_list("pk", "number")
    assert list(numbers) == [(ours.pk, 1), (first.pk, 2), (second.pk, 3)]
    assert moved.document.current == second
    texts = {passage.text for passage in search("heron", [team], 8)}
    assert "The heron sleeps by day." not in texts and texts
    assert [d.pk for d in Document.objects.kept()] == [ours.document.pk]
    purge_removed()
    assert second.sections.exists() and found(team) == ["birds.txt"]
    assert index_is_right(personal) and index_is_right(team)


def test_a_sample_that_gets_it_is_no_sample_any_more(
    team: Space, personal: Space, add_text: AddText
) -> None:
    ours = add_text("The heron sleeps by day.", "birds.txt").document
    Document.objects.filter(pk=ours.pk).update(sample=True)
    move_document(add_text(TEXT, "birds.txt", personal).document, team)
    assert not Document.objects.get(pk=ours.pk).sample


def test_of_two_namesakes_none_is_replaced(team: Space, personal: Space, add_text: AddText) -> None:
    for n in range(2):
        version = add_text(f"The heron sleeps {n}.", f"{n}.txt")
        Document.objects.filter(pk=version.document_id).update(name="birds.txt")
    mine = add_text(TEXT, "birds.txt", personal)
    assert move_document(mine.document, team).how == "moved"
    assert team.documents.kept().filter(name="birds.txt").count() == 3


def test_a_path_stays_with_the_document_that_was_read_from_it(team: Space, personal: Space) -> None:
    ours = add_document(team, "a.txt", b"One.", origin="a.txt").version.document
    mine = add_document(personal, "b.txt", b"Two.", origin="a.txt").version.document
    move_document(mine, team)
    assert Document.objects.get(pk=ours.pk).origin == "a.txt"
    assert Document.objects.get(pk=mine.pk).origin == ""


def test_a_version_that_is_being_read_is_read_again_there(team: Space, personal: Space) -> None:
    version = add_document(personal, "birds.txt", TEXT.encode()).version
    reading = db.claim_row(DocumentVersion.objects.filter(pk=version.pk), LEASE)
    assert reading is not None
    move_document(version.document, team)
    with pytest.raises(LeaseLost):
        ingestion.process(reading, keep=lambda: None)
    assert work_on_next()
    assert (found(personal), found(team)) == ([], ["birds.txt"])


def test_what_was_built_before_is_not_shown_in_the_space_that_it_left(
    team: Space, personal: Space, add_text: AddText
) -> None:
    version = add_text(TEXT, "birds.txt", personal)
    cuts = publishing.cut("birds.txt", list(version.sections.all()), 60, 0)
    model = EmbeddingModel.objects.get()
    built = publishing.build(version, cuts, (60, 0), model, keep=lambda: None)
    move_document(version.document, team)
    with pytest.raises(LeaseLost):
        publishing.publish(built.chunking, version)
    assert (found(personal), found(team)) == ([], ["birds.txt"])
    assert index_is_right(personal) and index_is_right(team)


def test_whoever_removes_it_by_an_older_row_removes_it_where_it_is(
    team: Space, personal: Space, add_text: AddText
) -> None:
    for n in range(3):  # so that the revisions differ
        add_text(f"Filler {n}.", f"{n}.txt", personal)
    older = Document.objects.select_related("space").get(
        pk=add_text(TEXT, "birds.txt", personal).document_id
    )
    move_document(Document.objects.get(pk=older.pk), team)
    assert found(team) == ["birds.txt"]
    remove_document(older)
    assert found(team) == []
    assert index_is_right(personal) and index_is_right(team)


def test_what_was_removed_meanwhile_stays_where_it_is(
    team: Space, personal: Space, add_text: AddText
) -> None:
    document = add_text(TEXT, space=personal).document
    remove_document(document)
    with pytest.raises(Overtaken):
        move_document(document, team)
    assert team.documents.count() == 0 and found(team) == []


def test_what_is_there_already_is_not_moved(team: Space, add_text: AddText) -> None:
    with pytest.raises(Overtaken):
        move_document(add_text(TEXT).document, team)
    assert found(team) == ["notes.txt"]


def test_a_moved_document_outlasts_the_space_that_it_left(
    team: Space, personal: Space, add_text: AddText
) -> None:
    add_text(TEXT, "birds.txt", personal)
    version = add_text(f"{TEXT} And frogs.", "birds.txt", personal)
    move_document(version.document, team)
    forget_space(personal)
    delete_forgotten_spaces()
    assert not Space.objects.filter(pk=personal.pk).exists()
    assert found(team) == ["birds.txt"]
    assert Embedding.objects.count() == Chunk.objects.count() > 0


def test_removed_afterwards_nothing_of_it_is_left(
    team: Space, personal: Space, add_text: AddText
) -> None:
    add_text(TEXT, "birds.txt", personal)
    version = add_text(f"{TEXT} And frogs.", "birds.txt", personal)
    move_document(version.document, team)
    remove_document(version.document)
    purge_removed()
    assert (Chunk.objects.count(), Embedding.objects.count()) == (0, 0)
    assert index_is_right(personal) and index_is_right(team)


def test_a_long_document_moves_by_as_many_statements_as_a_short_one(
    team: Space, personal: Space, fake: type[FakeEmbedder]
) -> None:
    text = "\n\n".join(f"The heron number {n} eats fish." for n in range(3000))
    version = finish(add_document(personal, "birds.txt", text.encode()).version)
    with CaptureQueriesContext(connection) as statements:
        move_document(version.document, team)
    assert len(statements) < 40
    assert not any('knowledge_chunk"' in statement["sql"] for statement in statements)
    assert Chunking.objects.get(withdrawn_revision=None).chunks.count() > 100
