"""How far the reading of a version is, for whoever waits for it."""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import IntegerField, OuterRef, QuerySet, Subquery

from knowledge.catalogue import STATUS
from knowledge.models import Chunking, DocumentVersion, VersionState

REMOVED = "removed"


@dataclass(frozen=True)
class Reading:
    """A version as it is now. `status` is waiting, reading, ready, failed or removed.

    `pages_done` of `pages` are read, `done` of `total` passages embedded; `passages` counts those
    that the version was cut into. `replaces` is the version that it stands instead of, and
    `replaced_by` the later one that stands instead of it.
    """

    name: str
    status: str
    pages: int | None = None
    pages_done: int = 0
    done: int = 0
    total: int = 0
    passages: int = 0
    number: int = 0
    replaces: int | None = None
    replaced_by: int | None = None
    reason: str = ""
    notice: str = ""
    space_key: str = ""
    document_id: UUID | None = None


def state_of(version_id: int) -> Reading:
    """How it stands with the version, by one query."""
    version = _rows().filter(pk=version_id).first()
    if version is None:
        return Reading("", REMOVED)
    document, current = version.document, version.document.current
    later = current is not None and current.number > version.number
    return Reading(
        name=document.name,
        status=REMOVED if document.removed_at is not None else STATUS[VersionState(version.state)],
        pages=version.pages,
        pages_done=version.pages_done,
        done=version.done,
        total=version.total,
        passages=getattr(version, "passages", None) or 0,
        number=version.number,
        replaces=getattr(version, "replaces", None),
        replaced_by=current.number if current is not None and later else None,
        reason=version.reason,
        notice=version.notice,
        space_key=document.space.key,
        document_id=document.pk,
    )


def _rows() -> QuerySet[DocumentVersion]:
    shown = Chunking.objects.filter(version=OuterRef("pk"), published_revision__isnull=False)
    before = DocumentVersion.objects.filter(
        document=OuterRef("document"), number__lt=OuterRef("number"), state=VersionState.READY
    )
    return DocumentVersion.objects.select_related("document__space", "document__current").annotate(
        passages=Subquery(
            shown.order_by("-pk").values("passages")[:1], output_field=IntegerField()
        ),
        replaces=Subquery(
            before.order_by("-number").values("number")[:1], output_field=IntegerField()
        ),
    )
