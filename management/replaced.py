"""What the store that a backup replaces has removed since: read from it, and applied again."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from django.contrib.sessions.models import Session
from django.utils import timezone

from backend.accounts.models import Forgotten, LinkCode, SignInToken
from backend.chat.forgetting import forget_again
from backend.jobs.models import Slot, SlotState
from bot import forgetting
from bot.incoming import Key
from bot.restored import Later, catch_up
from knowledge.models import Document, DocumentVersion, Space, VersionState, random_identity
from knowledge.removal import remove_document, remove_version


@dataclass(frozen=True)
class Removed:
    """A document that was removed."""

    pk: UUID
    space: str
    name: str
    origin: str
    sample: bool
    removed_at: str


@dataclass(frozen=True)
class Replaced:
    """What the replaced store recorded. `later` is None where it is not a later state of the
    store that was backed up."""

    documents: Sequence[Removed]
    # Versions that were removed by themselves: document, number and when each was made.
    versions: Sequence[tuple[UUID, int, str]]
    forgotten: Sequence[tuple[str, str]]
    later: Later | None
    # Jobs that were done: job, when it was due, when it began and ended, what it did.
    done: Sequence[tuple[str, str, str, str, str]]


@dataclass(frozen=True)
class Applied:
    """How much of it was applied to the restored store."""

    documents: int
    people: int
    unanswered: int


def born(rows: sqlite3.Connection) -> str:
    """When the store was made: kept by its backups, and another one's differs."""
    first = "SELECT min(applied) FROM django_migrations"
    return str(rows.execute(first).fetchone()[0])


def read_replaced(path: Path, backed_up: str) -> Replaced | None:
    """What the store at `path` says of removals; None where that can't be read."""
    if not path.exists():
        return None
    try:
        with closing(sqlite3.connect(path)) as rows:
            same = born(rows) == backed_up
            return Replaced(
                _documents(rows),
                _versions(rows),
                _forgotten(rows),
                _inbox(rows) if same else None,
                _done(rows) if same else (),
            )
    except sqlite3.Error:  # damaged, or of a version that is too old
        return None


def _documents(rows: sqlite3.Connection) -> list[Removed]:
    found = rows.execute(
        "SELECT d.id, s.key, d.name, d.origin, d.sample, d.removed_at FROM knowledge_document d "
        "JOIN knowledge_space s ON s.id = d.space_id WHERE d.removed_at IS NOT NULL"
    )
    return [Removed(UUID(pk), *rest) for pk, *rest in found]


def _versions(rows: sqlite3.Connection) -> list[tuple[UUID, int, str]]:
    found = rows.execute(
        "SELECT document_id, number, created_at FROM knowledge_documentversion "
        "WHERE state = 'removed'"
    )
    return [(UUID(document), number, made) for document, number, made in found]


def _forgotten(rows: sqlite3.Connection) -> list[tuple[str, str]]:
    return list(rows.execute("SELECT sha256, at FROM accounts_forgotten"))


def _inbox(rows: sqlite3.Connection) -> Later:
    items = "SELECT platform, installation, channel, message FROM bot_inboxitem i"
    begun = "EXISTS (SELECT 1 FROM bot_replypart p WHERE p.item_id = i.id)"

    def keys(where: str) -> list[Key]:
        return [Key(*row) for row in rows.execute(f"{items} WHERE {where}")]

    # Notices go by the numbers of rows, which are given out anew.
    said = "kind IN ('question', 'file')"
    marks = "SELECT platform, installation, channel, read_until FROM bot_readmark"
    return Later(
        known=keys(said),
        void=keys(f"{said} AND state = 'void'"),
        waiting=keys(f"NOT settled AND NOT {begun}"),
        marks=list(rows.execute(marks)),
    )


def _done(rows: sqlite3.Connection) -> list[tuple[str, str, str, str, str]]:
    done = "SELECT job, at, began_at, ended_at, did FROM jobs_slot WHERE state = 'done'"
    return list(rows.execute(done))


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


def _remove_versions_again(versions: Sequence[tuple[UUID, int, str]]) -> None:
    for document, number, made in versions:
        version = DocumentVersion.objects.filter(
            document=document, number=number, created_at=_moment(made)
        ).exclude(state=VersionState.REMOVED)
        for found in version:
            remove_version(found)


def _moment(stamp: str) -> datetime:
    """A time as SQLite keeps it."""
    return timezone.make_aware(datetime.fromisoformat(stamp))


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
        removed_at=_moment(document.removed_at),
        purged_at=timezone.now(),
    )


def _keep_done(slots: Sequence[tuple[str, str, str, str, str]]) -> None:
    """What was done since the backup is not due again, such as a digest."""
    Slot.objects.bulk_create(
        (
            Slot(
                job=job,
                at=_moment(at),
                began_at=_moment(began),
                ended_at=_moment(ended),
                did=did,
                state=SlotState.DONE,
            )
            for job, at, began, ended, did in slots
        ),
        batch_size=200,
        ignore_conflicts=True,
    )


def _forget_again(forgotten: Sequence[tuple[str, str]], made_at: datetime) -> int:
    """Forget who was forgotten after the backup; whoever came back earlier stays."""
    since = [
        Forgotten(sha256=sha256, at=at)
        for sha256, stamp in forgotten
        if (at := _moment(stamp)) >= made_at
    ]
    count = forget_again({row.sha256 for row in since})
    Forgotten.objects.bulk_create(since, ignore_conflicts=True)
    return count
