"""Spaces, and the models that they are embedded with."""

import secrets

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
