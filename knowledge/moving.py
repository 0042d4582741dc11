"""Give one space's documents to another: no text is read and nothing embedded again."""

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from knowledge.models import Chunking, Document, DocumentVersion, Space, VersionState


def move_documents(source: Space, target: Space) -> dict[int, int]:
    """Everything of `source` is `target`'s from now on, with versions, passages and vectors.

    The same bytes in both become one document: that of `target`. Returns the version of it for
    each version that was given up; `purge_removed` deletes what is left of those.
    """
    with transaction.atomic():
        for space in sorted((source, target), key=lambda space: space.pk):
            space.step()
        theirs = list(source.documents.select_for_update())
        same = _same(source, target)
        _give_up(source, same)
        origins = target.documents.exclude(origin="").values_list("origin", flat=True)
        source.documents.filter(origin__in=list(origins)).update(origin="")
        _move_chunkings(source, target)
        source.documents.update(space=target)
        # Whoever reads one of them right now believes it to be elsewhere.
        DocumentVersion.objects.filter(
            document__in=[document.pk for document in theirs], state=VersionState.CLAIMED
        ).update(state=VersionState.RECEIVED, token="", lease_until=None, attempts=0)
    return same


def _same(source: Space, target: Space) -> dict[int, int]:
    """Latest versions of `source` with the same bytes as one of `target` that is no failure."""
    there = {version.sha256: version.pk for version in _latest(target)}
    return {
        version.pk: there[version.sha256] for version in _latest(source) if version.sha256 in there
    }


def _latest(space: Space) -> list[DocumentVersion]:
    versions = DocumentVersion.objects.filter(
        document__space=space, document__removed_at=None
    ).order_by("document", "number")
    latest = {version.document_id: version for version in versions}
    return [version for version in latest.values() if version.state != VersionState.FAILED]


def _give_up(source: Space, same: dict[int, int]) -> None:
    given_up = Document.objects.filter(versions__in=list(same))
    Chunking.objects.filter(
        version__document__in=given_up, published_revision__isnull=False, withdrawn_revision=None
    ).update(withdrawn_revision=source.revision)
    Document.objects.filter(pk__in=list(given_up.values_list("pk", flat=True))).update(
        removed_at=timezone.now()
    )


def _move_chunkings(source: Space, target: Space) -> None:
    """What stood published in the one is published in the other, at its new revision."""
    shown = Q(published_revision__isnull=False)
    chunkings = Chunking.objects.filter(space=source)
    withdrawn = chunkings.filter(shown, withdrawn_revision__isnull=False)
    withdrawn.update(
        space=target, published_revision=target.revision, withdrawn_revision=target.revision
    )
    chunkings.filter(shown).update(space=target, published_revision=target.revision)
    chunkings.update(space=target)
