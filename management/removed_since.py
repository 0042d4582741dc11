"""Apply to a restored store what the one that it replaces recorded since the backup."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib.sessions.models import Session
from django.utils import timezone

from backend.accounts.models import Forgotten, LinkCode, SignInToken
from backend.chat.forgetting import forget_again
from backend.jobs.models import Slot, SlotState
from bot import forgetting
from bot.restored import catch_up
from knowledge.models import Document, DocumentVersion, Space, VersionState, random_identity
from knowledge.removal import remove_document, remove_version
from management.replaced import Done, Removed, Replaced

# Jobs that are to be run again.
DELETING = ("clean_history", "purge")


@dataclass(frozen=True)
class Applied:
    """How much of it was applied to the restored store."""

    documents: int
    people: int
    unanswered: int


def apply(replaced: Replaced | None, made_at: datetime) -> Applied:
    """Apply to the restored store, which was backed up at `made_at`, what was removed since. What
    has ended since is not alive again either: sessions, links and codes."""
    for model in (Session, SignInToken, LinkCode):
        model._default_manager.all().delete()
    documents = _remove_again(replaced.documents if replaced else ())
    _remove_versions_again(replaced.versions if replaced else ())
    people = _forget_again(replaced.forgotten if replaced else (), made_at)
    unanswered = catch_up(replaced.later if replaced else None)
    forgetting.sweep()
    _keep_done(replaced.done if replaced else ())
    for space in Space.objects.all():  # no snapshot of before is taken for one of its own
        Space.objects.filter(pk=space.pk).update(identity=random_identity())
    return Applied(documents, people, unanswered)


def _remove_again(documents: Sequence[Removed]) -> int:
    kept = Document.objects.kept().select_related("space")
    found = list(kept.filter(pk__in=[document.pk for document in documents]))
    origins = {document.pk: document.origin for document in documents}
    for document in found:
        remove_document(document)
        # Without one it was removed with its file, which may come back.
        Document.objects.filter(pk=document.pk).update(origin=origins[document.pk])
    known = set(Document.objects.values_list("pk", flat=True))
    for removed in documents:
        # Came and was removed since: the file that it was read from is left alone.
        if removed.origin and removed.pk not in known:
            _keep_removed(removed)
    return len(found)


def _remove_versions_again(versions: Sequence[tuple[UUID, int, datetime]]) -> None:
    for document, number, made in versions:
        version = DocumentVersion.objects.filter(
            document=document, number=number, created_at=made
        ).exclude(state=VersionState.REMOVED)
        for found in version:
            remove_version(found)


def _keep_removed(document: Removed) -> None:
    space = Space.objects.filter(key=document.space).first()
    if space is None or space.documents.filter(origin=document.origin).exists():
        return
    Document.objects.create(
        id=document.pk,
        space=space,
        name=document.name,
        origin=document.origin,
        sample=document.sample,
        removed_at=document.removed_at,
        purged_at=timezone.now(),
    )


def _keep_done(slots: Sequence[Done]) -> None:
    """What was done since the backup is not due again, such as a digest; but what was deleted
    since, because it was too old, is there again."""
    Slot.objects.bulk_create(
        (Slot(**vars(done), state=SlotState.DONE) for done in slots if done.job not in DELETING),
        batch_size=200,
        ignore_conflicts=True,
    )


def _forget_again(forgotten: Sequence[tuple[str, datetime]], made_at: datetime) -> int:
    """Forget who was forgotten after the backup; whoever came back earlier stays."""
    since = [Forgotten(sha256=sha256, at=at) for sha256, at in forgotten if at >= made_at]
    count = forget_again({row.sha256 for row in since})
    Forgotten.objects.bulk_create(since, ignore_conflicts=True)
    return count
