"""What documents there are, for lists."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import OuterRef, Subquery

from knowledge.models import Chunking, Document, DocumentVersion, Space, VersionState

STATUS = {
    VersionState.RECEIVED: "waiting",
    VersionState.CLAIMED: "reading",
    VersionState.READY: "ready",
    VersionState.FAILED: "failed",
    VersionState.REMOVED: "removed",
}


@dataclass(frozen=True)
class Entry:
    """A document and the state of its latest version: `pages_done` of `pages` are read, `done` of
    `total` passages embedded. `passages` are those that are searched."""

    document: Document
    version: int
    status: str
    reason: str
    notice: str
    pages: int | None
    pages_done: int
    done: int
    total: int
    passages: int


def catalogue(spaces: Sequence[Space]) -> list[Entry]:
    """The documents of these spaces by name."""
    standing = DocumentVersion.objects.exclude(state=VersionState.REMOVED)
    latest = standing.filter(document=OuterRef("pk")).order_by("-number")
    live = Chunking.objects.filter(
        version=OuterRef("current"), published_revision__isnull=False, withdrawn_revision=None
    )
    documents = (
        Document.objects.kept()
        .filter(space__in=spaces)
        .select_related("space")
        .annotate(latest=Subquery(latest.values("pk")[:1]))
        .annotate(searched=Subquery(live.values("passages")[:1]))
        .order_by("name", "created_at")
    )
    versions = DocumentVersion.objects.in_bulk([document.latest for document in documents])
    return [_entry(document, versions[document.latest]) for document in documents]


def _entry(document: Document, version: DocumentVersion) -> Entry:
    return Entry(
        document,
        version.number,
        STATUS[VersionState(version.state)],
        version.reason,
        version.notice,
        version.pages,
        version.pages_done,
        version.done,
        version.total,
        getattr(document, "searched", None) or 0,
    )
