"""What is known: spaces, documents, their versions and passages, and the vectors.

The database is the truth. A chunk is visible in its space from its chunking's
`published_revision` on and until its `withdrawn_revision`; every index follows from these rows.
"""

import secrets
import uuid

from django.db import models
from django.db.models import Q


def random_identity() -> str:
    return secrets.token_hex(8)


class Space(models.Model):
    """A set of documents with the same readers. Who they are is the business of higher layers."""

    key = models.CharField(max_length=255, unique=True)
    revision = models.PositiveBigIntegerField(default=0)
    # While the store's embedding model changes: the next one, once all of the space is embedded
    # with it.
    swapped_to = models.ForeignKey(
        "EmbeddingModel", null=True, on_delete=models.PROTECT, related_name="+"
    )
    # Names the space's files, so that those of an earlier database are never taken for its own.
    identity = models.CharField(max_length=16, default=random_identity, editable=False)

    def __str__(self) -> str:
        return self.key

    def step(self) -> int:
        """Lock the space's row, advance its revision and return the new one.

        Call it inside the transaction that publishes or withdraws.
        """
        row = Space.objects.select_for_update().get(pk=self.pk)
        row.revision = self.revision = row.revision + 1
        row.save(update_fields=["revision"])
        return row.revision


class EmbeddingModel(models.Model):
    """An embedding model that vectors were made with. Vectors of two models never meet."""

    provider = models.CharField(max_length=20)
    name = models.CharField(max_length=200)
    dimensions = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "name", "dimensions"], name="one_row_a_model"
            )
        ]

    def __str__(self) -> str:
        return f"{self.provider}/{self.name}"


class Store(models.Model):
    """The one row that says how this store embeds and cuts; changed by command only."""

    embedding_model = models.ForeignKey(EmbeddingModel, null=True, on_delete=models.PROTECT)
    # What it changes to, and what it last was: that one's vectors are kept for a way back.
    next_model = models.ForeignKey(
        EmbeddingModel, null=True, on_delete=models.PROTECT, related_name="+"
    )
    previous_model = models.ForeignKey(
        EmbeddingModel, null=True, on_delete=models.PROTECT, related_name="+"
    )
    chunk_size = models.PositiveIntegerField(null=True)
    chunk_overlap = models.PositiveIntegerField(null=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="only_one_store")]

    def __str__(self) -> str:
        return "store"


class DocumentQuerySet(models.QuerySet["Document"]):
    def kept(self) -> "DocumentQuerySet":
        return self.filter(removed_at=None)


class Document(models.Model):
    """A named document of one space. Removed, its row stays so that no job brings it back."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    space = models.ForeignKey(Space, on_delete=models.PROTECT, related_name="documents")
    name = models.CharField(max_length=255)
    # The path that it was read from; empty where it was handed over.
    origin = models.CharField(max_length=1000, blank=True)
    sample = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    removed_at = models.DateTimeField(null=True)
    purged_at = models.DateTimeField(null=True)
    current = models.ForeignKey(
        "DocumentVersion", null=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects = DocumentQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["space", "origin"]), models.Index(fields=["space", "name"])]

    def __str__(self) -> str:
        return self.name

    def step_space(self) -> Space:
        """Lock the document's space, whichever that is by now, and the document; advance the
        space's revision and return it.

        Call it inside the transaction that publishes or withdraws.
        """
        while True:
            space = Space.objects.get(documents=self.pk)
            space.step()
            if Document.objects.select_for_update().filter(pk=self.pk, space=space).exists():
                return space


class VersionState(models.TextChoices):
    RECEIVED = "received"
    CLAIMED = "claimed"
    READY = "ready"
    FAILED = "failed"
    REMOVED = "removed"


class DocumentVersion(models.Model):
    """One content of a document, and the queue row of its ingestion (see backend/db.py)."""

    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64, db_index=True)
    size = models.PositiveBigIntegerField()
    original = models.FileField(upload_to="%Y/%m", max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)
    # Pages, and how many of them are read; then passages.
    pages = models.PositiveIntegerField(null=True)
    pages_done = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)

    state = models.CharField(
        max_length=10, choices=VersionState.choices, default=VersionState.RECEIVED, db_index=True
    )
    lease_until = models.DateTimeField(null=True)
    token = models.CharField(max_length=32, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    reason = models.TextField(blank=True)
    # What was left out, though the rest could be read.
    notice = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["document", "number"], name="one_row_a_version")
        ]

    def __str__(self) -> str:
        return f"{self.document_id} v{self.number}"


class Section(models.Model):
    """A stretch of a version's text under one page and heading, in reading order."""

    version = models.ForeignKey(DocumentVersion, on_delete=models.CASCADE, related_name="sections")
    position = models.PositiveIntegerField()
    page = models.PositiveIntegerField(null=True)
    heading = models.CharField(max_length=500, blank=True)
    text = models.TextField()

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["version", "position"], name="one_row_a_section")
        ]

    def __str__(self) -> str:
        return f"{self.version_id}/{self.position}"


class Chunking(models.Model):
    """One way in which a version was cut into chunks; published and withdrawn as a whole."""

    version = models.ForeignKey(DocumentVersion, on_delete=models.CASCADE, related_name="chunkings")
    space = models.ForeignKey(Space, on_delete=models.PROTECT, related_name="chunkings")
    size = models.PositiveIntegerField()
    overlap = models.PositiveIntegerField()
    passages = models.PositiveIntegerField(default=0)
    published_revision = models.PositiveBigIntegerField(null=True)
    withdrawn_revision = models.PositiveBigIntegerField(null=True)
    # The chunking that has left this space for another; this one holds its place, withdrawn, so
    # that every index of the space learns of it.
    left = models.ForeignKey("self", null=True, on_delete=models.CASCADE, related_name="+")

    class Meta:
        indexes = [
            models.Index(fields=["space", "published_revision"]),
            models.Index(fields=["space", "withdrawn_revision"]),
        ]

    def __str__(self) -> str:
        return f"{self.version_id} in {self.size}/{self.overlap}"


class Chunk(models.Model):
    """A passage: `section.text[start:end]`, a few sentences long."""

    chunking = models.ForeignKey(Chunking, on_delete=models.CASCADE, related_name="chunks")
    section = models.ForeignKey(Section, on_delete=models.CASCADE, related_name="+")
    position = models.PositiveIntegerField()
    start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()
    text = models.TextField()
    # Of the text that is embedded, which also names document and heading.
    embedded_sha256 = models.CharField(max_length=64, db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["chunking", "position"], name="one_row_a_chunk")
        ]

    def __str__(self) -> str:
        return f"{self.chunking_id}/{self.position}"


class Embedding(models.Model):
    """A chunk's unit vector, float32 little-endian."""

    chunk = models.ForeignKey(Chunk, on_delete=models.CASCADE, related_name="embeddings")
    model = models.ForeignKey(EmbeddingModel, on_delete=models.PROTECT, related_name="+")
    vector = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["chunk", "model"], name="one_vector_a_model")
        ]

    def __str__(self) -> str:
        return f"{self.chunk_id} by {self.model_id}"


class WatchedFile(models.Model):
    """A file as it was when it was last looked at, so that an unchanged one is not read again."""

    # As in Document.origin.
    origin = models.CharField(max_length=1000, unique=True)
    size = models.PositiveBigIntegerField()
    modified_ns = models.BigIntegerField()
    changed_ns = models.BigIntegerField()
    device = models.BigIntegerField()
    # When it was read; what was written about then may have been written after.
    looked_ns = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    # None where the file was refused.
    document = models.ForeignKey(
        Document, null=True, on_delete=models.SET_NULL, related_name="files"
    )

    def __str__(self) -> str:
        return self.origin
