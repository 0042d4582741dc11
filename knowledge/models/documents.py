"""Documents, their versions and the text of these, and the files that they are read from."""

import uuid

from django.db import models

from knowledge.models.spaces import Space


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
