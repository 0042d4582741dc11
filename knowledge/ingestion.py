"""Add, replace and remove documents; the steps of the pipeline in their order.

add_document (row and original, at once) → process: extract → chunk → embed → publish.
"""

import hashlib
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, Max, OuterRef

from knowledge import describing, originals, publishing, reading
from knowledge.embedding import models_for
from knowledge.errors import OriginalMissing
from knowledge.extraction import kind_of
from knowledge.models import Document, DocumentVersion, Space, Store, VersionState
from knowledge.names import file_name

# Called with a new version in the transaction that makes it.
Note = Callable[[DocumentVersion], object]


INGESTED, REPLACED, UNCHANGED = "ingested", "replaced", "unchanged"


@dataclass(frozen=True)
class Added:
    """What became of a file that was handed over: "ingested", "replaced" or "unchanged"."""

    version: DocumentVersion
    outcome: str


def add_document(
    space: Space,
    name: str,
    data: bytes,
    *,
    origin: str = "",
    sample: bool = False,
    note: Note | None = None,
) -> Added:
    """Keep the file and queue it to be read. The same bytes in a space are one document.

    A file from the same `origin` (or, handed over, of the same name) becomes a new version, and
    `note` is called with that. Raises FileRefused, and then keeps nothing.
    """
    name = file_name(name)
    kind_of(name, data)
    digest = hashlib.sha256(data).hexdigest()
    if (known := _same_content(space, digest)) is not None:
        if origin:  # handed over first: from now on it counts as this file's
            known_as = Document.objects.filter(pk=known.version.document_id, origin="")
            known_as.update(origin=origin)
        return known
    stored = originals.keep(data, digest)
    with ExitStack() as undo:
        undo.callback(originals.delete, stored)
        with transaction.atomic():
            Space.objects.select_for_update().get(pk=space.pk)
            if (known := _same_content(space, digest)) is not None:
                return known
            added = _add_version(space, name, origin, sample, digest, len(data), stored)
            if note is not None:
                note(added.version)
        undo.pop_all()
    return added


def process(version: DocumentVersion, keep: reading.KeepLease) -> None:
    """Read, cut, embed and publish a claimed version; what a crash left half-done is done again.

    Raises FileRefused (the file's fault) or another KnowledgeError (worth another attempt).
    """
    with transaction.atomic():
        publishing.hold(version)  # of a removed document there is nothing left to read
    sections = reading.sections_of(version, keep)
    keep()
    model, also = models_for(version.document.space)
    sizes = chunk_sizes()
    publishing.discard_unpublished(version)
    cuts = publishing.cut(version.document.name, sections, *sizes)
    built = publishing.build(version, cuts, sizes, model, keep, also)
    publishing.publish(built.chunking, version)


def chunk_sizes() -> tuple[int, int]:
    """Size and overlap in characters: the last rebuild's where it named some, else settings'."""
    store = Store.objects.filter(pk=1).first()
    if store is None or store.chunk_size is None or store.chunk_overlap is None:
        return settings.CHUNK_SIZE, settings.CHUNK_OVERLAP
    return store.chunk_size, store.chunk_overlap


def _same_content(space: Space, digest: str) -> Added | None:
    """The version of these bytes that stands or is on its way; a failed one is tried again. None
    also where some of them were left out, and may be read by now, or where they are lost."""
    if (known := _latest_with(space, digest)) is None or _may_say_more(known) or _is_lost(known):
        return None
    again = DocumentVersion.objects.filter(pk=known.pk, state=VersionState.FAILED).update(
        state=VersionState.RECEIVED, attempts=0, reason="", lease_until=None
    )
    if not again:
        return Added(known, UNCHANGED)
    known.refresh_from_db()
    return Added(known, INGESTED if known.number == 1 else REPLACED)


def _latest_with(space: Space, digest: str) -> DocumentVersion | None:
    """What a document was last, where that is these bytes."""
    standing = DocumentVersion.objects.exclude(state=VersionState.REMOVED)
    later = standing.filter(document=OuterRef("document"), number__gt=OuterRef("number"))
    latest = standing.filter(
        ~Exists(later), sha256=digest, document__space=space, document__removed_at=None
    )
    return latest.order_by("pk").first()


def _is_lost(version: DocumentVersion) -> bool:
    """Its original was not there to be read, and never will be."""
    return version.state == VersionState.FAILED and version.reason == str(OriginalMissing())


def _may_say_more(version: DocumentVersion) -> bool:
    return version.state == VersionState.READY and describing.may_say_more(version.notice)


def _add_version(
    space: Space, name: str, origin: str, sample: bool, digest: str, size: int, stored: str
) -> Added:
    partly_read = _latest_with(space, digest)
    document = partly_read.document if partly_read else _document_to_replace(space, name, origin)
    replaced = document is not None
    if document is None:
        if origin:  # a document that was removed keeps its row; the new one takes its origin over
            space.documents.filter(origin=origin).update(origin="")
        document = Document.objects.create(space=space, name=name, origin=origin, sample=sample)
    else:
        document.sample, document.origin = sample, document.origin or origin
        document.save(update_fields=["sample", "origin"])
    version = document.versions.create(
        number=next_number(document), sha256=digest, size=size, original=stored
    )
    return Added(version, REPLACED if replaced else INGESTED)


def _document_to_replace(space: Space, name: str, origin: str) -> Document | None:
    if origin:
        return space.documents.kept().filter(origin=origin).first()
    return namesake(space, name)


def namesake(space: Space, name: str) -> Document | None:
    """The document of this name, where there is exactly one in the space: what comes under its
    name is a new version of it."""
    found = list(space.documents.kept().filter(name=name)[:2])
    return found[0] if len(found) == 1 else None


def next_number(document: Document) -> int:
    """The number of the version that is added next. Its space's row must be locked."""
    numbers = document.versions.aggregate(latest=Max("number"))
    return (numbers["latest"] or 0) + 1
