"""Take documents away: out of every search at once, then out of the database in batches."""

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from knowledge.index import snapshot_files
from knowledge.models import Chunk, Chunking, Document, DocumentVersion, Section, Space

BATCH = 500


def remove_document(document: Document) -> None:
    """Withdraw the document from its space. Its text and vectors are purged by `purge_removed`."""
    with transaction.atomic():
        revision = document.step_space().revision
        removed = Document.objects.kept().filter(pk=document.pk).update(removed_at=timezone.now())
        if not removed:
            return
        Chunking.objects.filter(
            version__document=document, published_revision__isnull=False, withdrawn_revision=None
        ).update(withdrawn_revision=revision)


def purge_removed() -> int:
    """Delete what is left of removed documents; how many were purged. Safe to repeat."""
    waiting = list(Document.objects.filter(removed_at__isnull=False, purged_at=None))
    for document in waiting:
        _delete_text(document)
        for space in Space.objects.filter(chunkings__version__document=document).distinct():
            snapshot_files.delete_all(space)
        Document.objects.filter(pk=document.pk).update(purged_at=timezone.now(), current=None)
    return len(waiting)


# How the keys of spaces begin that nobody has any more.
FORGOTTEN = "forgotten:"


def forget_space(space: Space) -> None:
    """Withdraw everything of the space, which is nobody's from now on. `purge_removed` and
    `delete_forgotten_spaces` delete it."""
    with transaction.atomic():
        revision = space.step()
        space.key = f"{FORGOTTEN}{space.identity}"
        space.save(update_fields=["key"])
        _withdraw_all(space, revision)


def _withdraw_all(space: Space, revision: int) -> None:
    space.documents.filter(removed_at=None).update(removed_at=timezone.now())
    Chunking.objects.filter(
        space=space, published_revision__isnull=False, withdrawn_revision=None
    ).update(withdrawn_revision=revision)


def delete_forgotten_spaces() -> None:
    """Delete what is left of forgotten spaces, names included. Safe to repeat."""
    for space in Space.objects.filter(key__startswith=FORGOTTEN):
        try:
            _delete_forgotten(space)
        except Space.DoesNotExist:  # another process was quicker
            continue


def _delete_forgotten(space: Space) -> None:
    with transaction.atomic():  # what somebody was just about to add
        _withdraw_all(space, space.step())
    purge_removed()
    snapshot_files.delete_all(space)
    _delete_chunks(Chunk.objects.filter(chunking__space=space))
    with transaction.atomic():
        Space.objects.select_for_update().get(pk=space.pk)
        if not space.documents.filter(purged_at=None).exists():
            space.documents.all().delete()
            space.chunkings.all().delete()  # of documents that were moved elsewhere
            space.delete()


def _delete_text(document: Document) -> None:
    """Chunks with their vectors, sections and originals. The version rows stay, without a hash:
    turns that drew on them are found by these."""
    _delete_chunks(Chunk.objects.filter(chunking__version__document=document))
    sections = Section.objects.filter(version__document=document)
    while pks := list(sections.values_list("pk", flat=True)[:BATCH]):
        Section.objects.filter(pk__in=pks).delete()
    for version in document.versions.exclude(original=""):
        version.original.delete(save=False)
    DocumentVersion.objects.filter(document=document).update(original="", sha256="", size=0)


def _delete_chunks(chunks: QuerySet[Chunk]) -> None:
    while pks := list(chunks.values_list("pk", flat=True)[:BATCH]):
        Chunk.objects.filter(pk__in=pks).delete()
