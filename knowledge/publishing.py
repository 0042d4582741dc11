"""Cut and embed a version's text into rows that nobody sees yet, then show them all at once."""

import hashlib
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from knowledge.chunking import chunk
from knowledge.embedding import embed, searched_model
from knowledge.errors import KnowledgeError, LeaseLost, ModelChanged, Overtaken
from knowledge.models import (
    Chunk,
    Chunking,
    Document,
    DocumentVersion,
    Embedding,
    EmbeddingModel,
    Section,
    Space,
    VersionState,
)
from knowledge.passages import text_to_embed

logger = logging.getLogger(__name__)

# Rows of one write transaction: the write lock is held for some milliseconds only.
BATCH = 128


@dataclass(frozen=True)
class Cut:
    """A chunk to be: `section.text[start:end]`, and the hash of what is embedded for it."""

    section: Section
    start: int
    end: int
    to_embed: str

    @property
    def text(self) -> str:
        return self.section.text[self.start : self.end]

    @property
    def embedded_sha256(self) -> str:
        return hashlib.sha256(self.to_embed.encode()).hexdigest()


@dataclass(frozen=True)
class Built:
    """A chunking that is written and not yet shown, and how many of its chunks had to be
    embedded for it."""

    chunking: Chunking
    embedded: int


def cut(name: str, sections: Sequence[Section], size: int, overlap: int) -> list[Cut]:
    """Every chunk of the document `name`; sizes in characters. Chunks never cross sections."""
    return [
        Cut(section, start, end, text_to_embed(name, section.heading, section.text[start:end]))
        for section in sections
        for start, end in chunk(section.text, size, overlap)
    ]


def build(
    version: DocumentVersion,
    cuts: Sequence[Cut],
    sizes: tuple[int, int],
    model: EmbeddingModel,
    keep: Callable[[], None],
    also: EmbeddingModel | None = None,
) -> Built:
    """Write chunks and vectors, unpublished; vectors of `also` as well, where it can be reached.
    Calls `keep` before each batch is written.

    Raises LeaseLost where the version was taken over or its document removed.
    """
    embedded = 0
    with transaction.atomic():
        hold(version)
        chunking = Chunking.objects.create(
            version=version,
            space=Space.objects.get(documents=version.document_id),
            size=sizes[0],
            overlap=sizes[1],
            passages=len(cuts),
        )
        DocumentVersion.objects.filter(pk=version.pk).update(done=0, total=len(cuts))
    for first in range(0, len(cuts), BATCH):
        batch = cuts[first : first + BATCH]
        vectors, anew = _vectors(batch, chunking, model)
        embedded += anew
        others = _vectors_if_reached(batch, chunking, also) if also else []
        keep()
        with transaction.atomic():
            hold(version, chunking)
            chunks = Chunk.objects.bulk_create(_rows(chunking, batch, first))
            Embedding.objects.bulk_create(
                Embedding(chunk=row, model=model, vector=vector.tobytes())
                for row, vector in zip(chunks, vectors, strict=True)
            )
            Embedding.objects.bulk_create(
                Embedding(chunk=row, model=also, vector=vector.tobytes())
                for row, vector in zip(chunks, others, strict=False)
            )
            DocumentVersion.objects.filter(pk=version.pk).update(done=first + len(batch))
    return Built(chunking, embedded)


def publish(chunking: Chunking, version: DocumentVersion) -> None:
    """Make the chunking what its document shows, in one small transaction.

    Raises LeaseLost, and changes nothing, where the version was taken over, overtaken by a newer
    one, or its document removed, and ModelChanged where the space is searched with another model
    by now than it was embedded with.
    """
    with transaction.atomic():
        try:
            revision = chunking.space.step()
        except Space.DoesNotExist:
            # Its documents were moved to another.
            raise LeaseLost(version.document.name) from None
        document = Document.objects.select_for_update().get(pk=version.document_id)
        if document.space_id != chunking.space_id:
            raise LeaseLost(document.name)
        hold(version, chunking)
        if document.current is not None and document.current.number > version.number:
            raise Overtaken(document.name)
        model = searched_model([chunking.space])
        if model is not None and without_vector(chunking.chunks.all(), model).exists():
            raise ModelChanged()
        DocumentVersion.objects.filter(pk=version.pk).update(
            state=VersionState.READY, lease_until=None, reason=""
        )
        Chunking.objects.filter(
            version__document=document, published_revision__isnull=False, withdrawn_revision=None
        ).update(withdrawn_revision=revision)
        Chunking.objects.filter(pk=chunking.pk).update(published_revision=revision)
        document.current = version
        document.save(update_fields=["current"])


def hold(version: DocumentVersion, chunking: Chunking | None = None) -> None:
    """Lock document and version, and the chunking that is being written, for this transaction.

    Raises LeaseLost where the document was removed, the version taken over or the chunking
    discarded: who purges or takes over must find nothing written after it.
    """
    kept = Document.objects.kept().select_for_update()
    if not kept.filter(pk=version.document_id).exists():
        raise Overtaken(version.document.name)
    ours = DocumentVersion.objects.select_for_update().filter(
        pk=version.pk, state=version.state, token=version.token
    )
    if not ours.exists():
        raise LeaseLost(version.document.name)
    if chunking is not None:
        written = Chunking.objects.select_for_update().filter(pk=chunking.pk)
        if not written.exists():
            raise LeaseLost(version.document.name)


def discard_unpublished(version: DocumentVersion) -> None:
    """Drop what an earlier attempt left half-done."""
    for chunking in version.chunkings.filter(published_revision=None):
        while pks := list(chunking.chunks.values_list("pk", flat=True)[:BATCH]):
            Chunk.objects.filter(pk__in=pks).delete()
        chunking.delete()


def discard_failed() -> None:
    """Drop what versions left half-done that are set aside for good. Safe to repeat."""
    unpublished = Chunking.objects.filter(published_revision=None)
    failed = DocumentVersion.objects.filter(
        state=VersionState.FAILED, pk__in=unpublished.values("version")
    )
    for version in failed:
        discard_unpublished(version)


def _rows(chunking: Chunking, batch: Sequence[Cut], first: int) -> Iterator[Chunk]:
    for position, piece in enumerate(batch, start=first):
        yield Chunk(
            chunking=chunking,
            section=piece.section,
            position=position,
            start=piece.start,
            end=piece.end,
            text=piece.text,
            embedded_sha256=piece.embedded_sha256,
        )


def without_vector(chunks: QuerySet[Chunk], model: EmbeddingModel) -> QuerySet[Chunk]:
    """Those of the chunks that have no vector of this model."""
    return chunks.filter(~Exists(Embedding.objects.filter(chunk=OuterRef("pk"), model=model)))


def _vectors_if_reached(
    batch: Sequence[Cut], chunking: Chunking, model: EmbeddingModel
) -> list[np.ndarray]:
    try:
        return _vectors(batch, chunking, model)[0]
    except KnowledgeError as error:
        logger.info("left to be embedded with %s later: %s", model, error)
        return []


def _vectors(
    batch: Sequence[Cut], chunking: Chunking, model: EmbeddingModel
) -> tuple[list[np.ndarray], int]:
    """A vector for each piece, and how many were embedded: what the space has is not again, nor
    what the document brought along from another."""
    known = {
        digest: np.frombuffer(vector, dtype="<f4")
        for digest, vector in Embedding.objects.filter(
            Q(chunk__chunking__space=chunking.space)
            | Q(chunk__chunking__version__document=chunking.version.document_id),
            model=model,
            chunk__embedded_sha256__in={piece.embedded_sha256 for piece in batch},
        ).values_list("chunk__embedded_sha256", "vector")
    }
    missing = {
        piece.embedded_sha256: piece.to_embed
        for piece in batch
        if piece.embedded_sha256 not in known
    }
    if missing:
        vectors = embed(list(missing.values()), model).astype("<f4")
        known |= dict(zip(missing, vectors, strict=True))
    return [known[piece.embedded_sha256] for piece in batch], len(missing)
