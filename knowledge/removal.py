"""Take documents away: out of every search at once, then out of the database in batches."""

import logging
import time
from functools import lru_cache

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from knowledge import batches, originals
from knowledge.errors import StorageFault
from knowledge.index import snapshot_files
from knowledge.models import (
    Chunk,
    Chunking,
    Document,
    DocumentVersion,
    Section,
    Space,
    VersionState,
)

logger = logging.getLogger(__name__)

# Seconds after which no more originals are tried, once one could not be deleted: a storage that
# is away may let each of them wait.
PATIENCE = 10.0
# States of versions that are shown, or were, or will be.
STANDING = (VersionState.RECEIVED, VersionState.CLAIMED, VersionState.READY)


def remove_document(document: Document) -> None:
    """Withdraw the document from its space. Its text and vectors are purged by `purge_removed`."""
    with transaction.atomic():
        _withdraw(document, document.step_space().revision)


def remove_version(version: DocumentVersion) -> None:
    """Withdraw one version of a document. Was it the one that is shown, the latest of the others
    is published again; is there no other, the document is removed. `purge_removed` deletes what is
    left."""
    with transaction.atomic():
        document = Document.objects.get(versions=version.pk)
        revision = document.step_space().revision
        document.refresh_from_db(fields=["current"])
        others = document.versions.exclude(pk=version.pk).filter(state__in=STANDING)
        if not others.exists():
            _withdraw(document, revision)
            return
        ours = DocumentVersion.objects.filter(pk=version.pk)
        ours.update(state=VersionState.REMOVED, token="", lease_until=None)
        _withdraw_chunkings(Chunking.objects.filter(version=version), revision)
        if document.current_id == version.pk:
            _show_latest(document, others)


def _show_latest(document: Document, versions: QuerySet[DocumentVersion]) -> None:
    """Have the latest of these published; one that is on its way is anyway."""
    Document.objects.filter(pk=document.pk).update(current=None)
    latest = versions.order_by("-number").values_list("pk", flat=True)[:1]
    DocumentVersion.objects.filter(pk__in=list(latest), state=VersionState.READY).update(
        state=VersionState.RECEIVED, attempts=0
    )


def _withdraw(document: Document, revision: int) -> None:
    if Document.objects.kept().filter(pk=document.pk).update(removed_at=timezone.now()):
        _withdraw_chunkings(Chunking.objects.filter(version__document=document), revision)


def _withdraw_chunkings(chunkings: QuerySet[Chunking], revision: int) -> None:
    shown = chunkings.filter(published_revision__isnull=False, withdrawn_revision=None)
    shown.update(withdrawn_revision=revision)


def purge_removed() -> int:
    """Delete what is left of removed documents and versions; of how many of both nothing is left
    now. Safe to repeat: an original that can't be deleted is tried again the next time."""
    waiting = Document.objects.filter(removed_at__isnull=False, purged_at=None)
    removed = DocumentVersion.objects.filter(state=VersionState.REMOVED, document__removed_at=None)
    documents = [
        (Document.objects.filter(pk=pk), DocumentVersion.objects.filter(document=pk))
        for pk in waiting.values_list("pk", flat=True)
    ]
    versions = [
        (Document.objects.none(), DocumentVersion.objects.filter(pk=pk))
        for pk in removed.exclude(sha256="").values_list("pk", flat=True)
    ]
    for _, each in documents + versions:
        _delete_text(each)
    purged, until = 0, time.monotonic() + PATIENCE
    for document, each in documents + versions:
        if _delete_originals(each):
            document.update(purged_at=timezone.now(), current=None)
            purged += 1
        elif time.monotonic() > until:
            break
    return purged


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
    _withdraw_chunkings(Chunking.objects.filter(space=space), revision)


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
    batches.delete_in_batches(Chunk.objects.filter(chunking__space=space))
    _delete_withdrawn(space.documents.exclude(purged_at=None))
    if not space.documents.exists():
        _delete_withdrawn(space.chunkings.all())  # of documents that were moved elsewhere
    with transaction.atomic():
        Space.objects.select_for_update().get(pk=space.pk)
        if not space.documents.exists() and not space.chunkings.exists():
            space.delete()


def _delete_withdrawn(rows: QuerySet[batches.Row]) -> None:
    """Delete these rows with all that hangs on them, for nobody hangs anything on them unnoticed
    while the lock is held."""

    def batch(most: int) -> int:
        with batches.resting(), transaction.atomic():
            pks = list(rows.select_for_update().values_list("pk", flat=True)[:most])
            rows.model._default_manager.filter(pk__in=pks).delete()
        return len(pks)

    batches.in_batches(batch)


def _delete_text(versions: QuerySet[DocumentVersion]) -> None:
    """Chunks with their vectors, sections and snapshots."""
    batches.delete_in_batches(Chunk.objects.filter(chunking__version__in=versions))
    batches.delete_in_batches(Section.objects.filter(version__in=versions))
    for space in Space.objects.filter(chunkings__version__in=versions).distinct():
        snapshot_files.delete_all(space)


def _delete_originals(versions: QuerySet[DocumentVersion]) -> bool:
    """Whether all of them are gone. The rows stay, without a hash: turns that drew on them are
    found by these."""
    left = [each for each in versions.exclude(original="") if not _delete_original(each)]
    if not left:
        versions.update(original="", sha256="", size=0)
    return not left


def _delete_original(version: DocumentVersion) -> bool:
    name = str(version.original)
    try:
        originals.delete(name)
    except StorageFault as error:
        _tell(name, str(error))
        return False
    return True


@lru_cache(maxsize=1000)
def _tell(name: str, reason: str) -> None:
    """Once: it is tried again every few seconds."""
    logger.warning("The original %s can't be deleted. %s", name, reason)
