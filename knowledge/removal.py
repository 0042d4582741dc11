"""Take documents away: out of every search at once, then out of the database in batches."""

from django.db import transaction
from django.utils import timezone

from knowledge.index import snapshot_files
from knowledge.models import Chunk, Chunking, Document, DocumentVersion, Section

BATCH = 500


def remove_document(document: Document) -> None:
    """Withdraw the document from its space. Its text and vectors are purged by `purge_removed`."""
    with transaction.atomic():
        revision = document.space.step()
        removed = Document.objects.kept().filter(pk=document.pk).update(removed_at=timezone.now())
        if not removed:
            return
        Chunking.objects.filter(
            version__document=document, published_revision__isnull=False, withdrawn_revision=None
        ).update(withdrawn_revision=revision)


def purge_removed() -> int:
    """Delete what is left of removed documents; how many were purged. Safe to repeat."""
    waiting = list(
        Document.objects.filter(removed_at__isnull=False, purged_at=None).select_related("space")
    )
    for document in waiting:
        _delete_text(document)
        snapshot_files.delete_all(document.space)
        Document.objects.filter(pk=document.pk).update(purged_at=timezone.now(), current=None)
    return len(waiting)


def _delete_text(document: Document) -> None:
    """Chunks with their vectors, sections and originals. The version rows stay, without a hash:
    turns that drew on them are found by these."""
    chunks = Chunk.objects.filter(chunking__version__document=document)
    while pks := list(chunks.values_list("pk", flat=True)[:BATCH]):
        Chunk.objects.filter(pk__in=pks).delete()
    sections = Section.objects.filter(version__document=document)
    while pks := list(sections.values_list("pk", flat=True)[:BATCH]):
        Section.objects.filter(pk__in=pks).delete()
    for version in document.versions.exclude(original=""):
        version.original.delete(save=False)
    DocumentVersion.objects.filter(document=document).update(original="", sha256="", size=0)
