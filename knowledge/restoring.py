"""Bring back what a document held before, as its newest version."""

from contextlib import ExitStack

from django.db import transaction

from knowledge import originals
from knowledge.errors import Overtaken
from knowledge.ingestion import Note, next_number
from knowledge.models import Document, DocumentVersion, Space, VersionState


def restore(old: DocumentVersion, note: Note) -> DocumentVersion:
    """A new version with the content of `old`, on its way to be published; `note` is called with
    it. Its text is taken over from that one, and what is known of it is not embedded again.

    Raises OriginalMissing, and Overtaken where it was removed meanwhile.
    """
    stored = originals.copy_of(old)
    with ExitStack() as undo:
        undo.callback(originals.delete, stored)
        with transaction.atomic():
            version = _add(old, stored)
            note(version)
        undo.pop_all()
    return version


def _add(old: DocumentVersion, stored: str) -> DocumentVersion:
    Space.objects.select_for_update().get(documents__versions=old.pk)
    kept = Document.objects.kept().select_for_update().filter(versions=old.pk)
    ready = DocumentVersion.objects.filter(pk=old.pk, state=VersionState.READY)
    if (document := kept.first()) is None or not ready.exists():
        raise Overtaken(old.document.name)
    return document.versions.create(
        number=next_number(document),
        sha256=old.sha256,
        size=old.size,
        original=stored,
        pages=old.pages,
        pages_done=old.pages_done,
        notice=old.notice,
    )
