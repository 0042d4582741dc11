"""`rebuild_vectorstore`: everything anew from the stored text, and nothing that need not be."""

from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from django.conf import settings as configured

from backend.chat.removal import remove
from backend.ingesting import finish
from knowledge import publishing
from knowledge.embedding import choose_model
from knowledge.ingestion import add_document, chunk_sizes
from knowledge.models import Chunk, Chunking, DocumentVersion, Embedding, Space
from knowledge.rebuilding import Stats, rebuild
from knowledge.retrieval import search
from tests.conftest import AddText
from tests.knowledge.fake_embedder import FakeEmbedder

TEXT = " ".join(f"Sentence {number} tells of the heron and the otter." for number in range(40))


def rebuilt(size: int | None = None, overlap: int | None = None) -> Stats:
    return rebuild(size, overlap, lambda rows: rows)


@pytest.fixture
def documents(
    fake: type[FakeEmbedder], add_text: AddText, personal: Space
) -> list[DocumentVersion]:
    made = [add_text(f"{TEXT} Number {number}.", name=f"{number}.txt") for number in range(3)]
    made.append(add_text(TEXT, space=personal))
    fake.embedded.clear()
    return made


def revisions() -> list[int]:
    return list(Space.objects.order_by("pk").values_list("revision", flat=True))


def test_an_unchanged_collection_embeds_nothing_and_changes_no_revision(
    documents: list[DocumentVersion], fake: type[FakeEmbedder]
) -> None:
    before, chunks = revisions(), set(Chunk.objects.values_list("pk", flat=True))

    stats = rebuilt()

    assert (stats.documents, stats.recut, stats.embedded) == (4, 0, 0)
    assert fake.embedded == [] and revisions() == before
    assert set(Chunk.objects.values_list("pk", flat=True)) == chunks
    assert stats.passages == len(chunks)


def test_every_index_is_rebuilt_and_tried(documents: list[DocumentVersion]) -> None:
    stats = rebuilt()

    assert len(stats.spaces) == 2
    assert stats.found == stats.searched > 0


def test_other_sizes_cut_anew_and_stay_until_the_next_rebuild(
    documents: list[DocumentVersion], team: Space, fake: type[FakeEmbedder]
) -> None:
    stats = rebuilt(size=120, overlap=0)

    assert stats.recut == 4 and stats.embedded == len(fake.embedded) > 0
    assert all(len(passage.text) <= 120 for passage in search("heron", [team], 50))
    finish(add_document(team, "later.txt", (TEXT + " Later.").encode()).version)
    assert (
        max(
            len(chunk.text)
            for chunk in Chunk.objects.filter(chunking__version__document__name="later.txt")
        )
        <= 120
    )

    rebuilt()
    assert chunk_sizes() == (configured.CHUNK_SIZE, configured.CHUNK_OVERLAP)
    assert max(len(passage.text) for passage in search("heron", [team], 50)) > 120


def test_one_size_may_be_named_alone(documents: list[DocumentVersion]) -> None:
    rebuilt(size=200)
    assert chunk_sizes() == (200, configured.CHUNK_OVERLAP)
    rebuilt(overlap=100)
    assert chunk_sizes() == (configured.CHUNK_SIZE, 100)


def test_chunks_that_another_cut_had_too_are_not_embedded_again(
    documents: list[DocumentVersion], fake: type[FakeEmbedder]
) -> None:
    rebuilt(size=120, overlap=0)
    fake.embedded.clear()

    assert rebuilt().recut == 4
    assert fake.embedded == []


@pytest.mark.parametrize(
    ("size", "overlap"), [(49, 0), (0, 0), (-5, 0), (20_001, 0), (100, 100), (100, -1), (None, 500)]
)
def test_sizes_that_make_no_sense_are_refused(
    documents: list[DocumentVersion], size: int | None, overlap: int | None
) -> None:
    before = revisions()

    with pytest.raises(ValueError, match="can't be used"):
        rebuilt(size, overlap)

    assert revisions() == before and chunk_sizes() == (500, 50)


def test_only_what_lacks_a_vector_is_embedded(
    documents: list[DocumentVersion], fake: type[FakeEmbedder]
) -> None:
    chunk = Chunk.objects.filter(chunking__version=documents[0]).first()
    assert chunk is not None
    Embedding.objects.filter(chunk=chunk).delete()

    stats = rebuilt()

    assert (stats.recut, stats.embedded) == (1, len(fake.embedded))
    assert len(fake.embedded) == 1


def test_removed_documents_stay_removed(documents: list[DocumentVersion], team: Space) -> None:
    remove(documents[0].document)

    assert rebuilt(size=150).documents == 3
    assert "0.txt" not in {passage.document for passage in search("heron", [team], 50)}


def test_a_document_removed_during_a_rebuild_does_not_stop_it(
    documents: list[DocumentVersion], team: Space
) -> None:
    def progress(rows: Sequence[Any]) -> Iterable[Any]:
        for row in rows:
            if row.pk == documents[1].pk:
                remove(row.document)
            yield row

    stats = rebuild(150, 0, progress)

    assert (stats.documents, stats.recut) == (3, 3)
    assert {passage.document for passage in search("heron", [team], 50)} == {"0.txt", "2.txt"}
    assert not Chunking.objects.filter(published_revision=None).exists()


def test_a_document_replaced_during_a_rebuild_keeps_its_new_text(
    documents: list[DocumentVersion], team: Space
) -> None:
    def progress(rows: Sequence[Any]) -> Iterable[Any]:
        for row in rows:
            if row.pk == documents[1].pk:
                finish(add_document(team, "1.txt", b"The lynx is new.").version)
            yield row

    rebuild(150, 0, progress)

    assert [p.text for p in search("lynx", [team], 1)] == ["The lynx is new."]
    texts = {p.text for p in search("heron", [team], 60) if p.document == "1.txt"}
    assert texts <= {"The lynx is new."}


def test_what_a_broken_off_rebuild_left_is_dropped(documents: list[DocumentVersion]) -> None:
    version = documents[0]
    cuts = publishing.cut("0.txt", list(version.sections.all()), 100, 0)
    publishing.build(version, cuts, (100, 0), choose_model(), lambda: None)

    rebuilt()

    assert not Chunking.objects.filter(published_revision=None).exists()


def test_a_store_without_documents_is_rebuilt(db: None, fake: type[FakeEmbedder]) -> None:
    stats = rebuilt()

    assert (stats.documents, stats.searched, stats.spaces) == (0, 0, [])
    assert all(isinstance(label, str) for label, _ in stats.lines())
