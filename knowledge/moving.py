"""Give documents to another space: no text is read and nothing embedded again."""

from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from knowledge.errors import Overtaken
from knowledge.ingestion import namesake, next_number
from knowledge.models import Chunking, Document, DocumentVersion, Space, VersionState

MOVED, REPLACED, SAME = "moved", "replaced", "same"


@dataclass(frozen=True)
class Moved:
    """What became of a document: `document` is where its content is now.

    `how` is "moved"; "replaced" where the other space had a document of that name, whose next
    versions it became; "same" where it had the same bytes. `instead` names, for each version that
    was given up, the one with the same bytes.
    """

    document: Document
    how: str
    instead: dict[int, int]


def move_documents(source: Space, target: Space) -> dict[int, int]:
    """Everything of `source` is `target`'s from now on, with versions, passages and vectors.

    The same bytes in both become one document: that of `target`. Returns the version of it for
    each version that was given up; `purge_removed` deletes what is left of those. The source is to
    be deleted: its revisions tell nobody what has left it.
    """
    with transaction.atomic():
        _step_both(source, target)
        theirs = list(source.documents.select_for_update())
        same = _same(source.documents.kept(), target)
        _give_up(source, same)
        _part_from_origins(source.documents.all(), target)
        _move_chunkings(source, target)
        source.documents.update(space=target)
        _read_again(theirs)
    return same


def move_document(document: Document, target: Space) -> Moved:
    """The document is `target`'s from now on, with versions, passages and vectors.

    The same bytes in both become one document: that of `target`. A namesake there gets it as its
    next versions, as if it had been handed over there. Raises Overtaken where the document was
    removed or moved meanwhile.
    """
    with transaction.atomic():
        source = Space.objects.get(documents=document.pk)
        _step_both(source, target)
        kept = Document.objects.kept().filter(pk=document.pk, space=source)
        if source == target or not kept.select_for_update().exists():
            raise Overtaken(document.name)
        if same := _same(kept, target):
            _give_up(source, same)
            stays = Document.objects.get(versions__in=list(same.values()))
            return Moved(stays, SAME, same)
        there = namesake(target, document.name)
        _show_in(target, document, source, there)
        _read_again([document])
        if there is not None:
            _become_versions(document, there)
            return Moved(there, REPLACED, {})
        _part_from_origins(kept, target)
        kept.update(space=target)
    document.refresh_from_db()
    return Moved(document, MOVED, {})


def holds(space: Space, document: Document) -> bool:
    """Whether the space has the same bytes already: a document that is moved there becomes that."""
    return bool(_same(Document.objects.filter(pk=document.pk), space))


def _step_both(source: Space, target: Space) -> None:
    """In an order that all keep, so that none waits for another who waits."""
    for space in sorted((source, target), key=lambda space: space.pk):
        space.step()


def _same(documents: QuerySet[Document], target: Space) -> dict[int, int]:
    """Latest versions of these with the same bytes as one of `target` that is no failure."""
    there = {version.sha256: version.pk for version in _latest(target.documents.kept())}
    return {
        version.pk: there[version.sha256]
        for version in _latest(documents)
        if version.sha256 in there
    }


def _latest(documents: QuerySet[Document]) -> list[DocumentVersion]:
    versions = DocumentVersion.objects.filter(document__in=documents).exclude(
        state=VersionState.REMOVED
    )
    latest = {version.document_id: version for version in versions.order_by("document", "number")}
    return [version for version in latest.values() if version.state != VersionState.FAILED]


def _give_up(source: Space, same: dict[int, int]) -> None:
    given_up = Document.objects.filter(versions__in=list(same))
    Chunking.objects.filter(
        version__document__in=given_up, published_revision__isnull=False, withdrawn_revision=None
    ).update(withdrawn_revision=source.revision)
    Document.objects.filter(pk__in=list(given_up.values_list("pk", flat=True))).update(
        removed_at=timezone.now()
    )


def _part_from_origins(documents: QuerySet[Document], target: Space) -> None:
    """A path that a document of `target` was read from stays that one's."""
    origins = target.documents.exclude(origin="").values_list("origin", flat=True)
    documents.filter(origin__in=list(origins)).update(origin="")


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


def _show_in(target: Space, document: Document, source: Space, instead_of: Document | None) -> None:
    """Publish what the document shows in `target`, instead of what its namesake shows there. In
    the source a withdrawn row is left, from which every process learns that it has gone."""
    live = Chunking.objects.filter(published_revision__isnull=False, withdrawn_revision=None)
    for shown in live.filter(version__document=document):
        if instead_of is not None:
            live.filter(version__document=instead_of).update(withdrawn_revision=target.revision)
        Chunking.objects.create(
            version_id=shown.version_id,
            space=source,
            size=shown.size,
            overlap=shown.overlap,
            passages=shown.passages,
            published_revision=shown.published_revision,
            withdrawn_revision=source.revision,
            left=shown,
        )
        Chunking.objects.filter(pk=shown.pk).update(
            space=target, published_revision=target.revision
        )


def _read_again(documents: list[Document]) -> None:
    """Whoever reads one of them right now believes it to be elsewhere."""
    DocumentVersion.objects.filter(
        document__in=[document.pk for document in documents], state=VersionState.CLAIMED
    ).update(state=VersionState.RECEIVED, token="", lease_until=None, attempts=0)


def _become_versions(document: Document, there: Document) -> None:
    """All versions of the document are the next ones of `there`, and nothing is left of it."""
    document.refresh_from_db(fields=["current"])
    for number, version in enumerate(
        document.versions.order_by("number"), start=next_number(there)
    ):
        DocumentVersion.objects.filter(pk=version.pk).update(document=there, number=number)
    Document.objects.filter(pk=there.pk).update(
        current=document.current_id or there.current_id, sample=document.sample
    )
    Document.objects.filter(pk=document.pk).update(current=None, removed_at=timezone.now())
    there.refresh_from_db()
