"""Passages with their vectors.

A chunk is visible in its space from its chunking's `published_revision` on and until its
`withdrawn_revision`; every index follows from these rows.
"""

from django.db import models

from knowledge.models.documents import DocumentVersion, Section
from knowledge.models.spaces import EmbeddingModel, Space


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
