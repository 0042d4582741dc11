"""Files that came with what was said: an item of the inbox for each, beside that of the words.

Run on the inbox's own thread, as part of bot/inbox.py.
"""

from dataclasses import asdict, replace
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from backend.accounts.models import Channel
from bot.cards import OVER
from bot.incoming import Key, Said, SharedFile
from bot.models import OPEN, InboxItem, ItemState, Kind
from knowledge.models import VersionState
from knowledge.names import visible


def new_items(said: Said, *, collected: bool) -> list[InboxItem]:
    """Rows for the files that the inbox does not know, not saved yet."""
    if not said.files:
        return []
    known = set(files_of(said.key).values_list("message", flat=True))
    rows = [
        _item(said, file, number, collected=collected) for number, file in enumerate(said.files)
    ]
    return [row for row in rows if row.message not in known]


def _item(said: Said, file: SharedFile, number: int, *, collected: bool = False) -> InboxItem:
    """`number` is how many replies to the message come before its card."""
    key, file = said.key, replace(file, name=visible(file.name))
    return InboxItem(
        kind=Kind.FILE,
        platform=key.platform,
        installation=key.installation,
        channel=key.channel,
        message=f"{key.message}/{file.id}",
        thread=said.thread,
        sender=said.sender,
        sender_team=said.sender_team,
        text=file.name,
        direct=said.direct,
        private=said.private,
        pending=True,
        collected=collected,
        route={**said.route, "file": asdict(file), "number": number},
    )


def add_files(said: Said) -> bool:
    """Take the files of a message that somebody wants to be known, also those that were known
    before and are not any more; whether there are such."""
    with transaction.atomic():
        found = (_added(said, file, number) for number, file in enumerate(said.files))
        rows = [row for row in found if row is not None]
        InboxItem.objects.bulk_create(rows, ignore_conflicts=True)
    return bool(rows)


def _added(said: Said, file: SharedFile, number: int) -> InboxItem | None:
    earlier = list(files_of(said.key).filter(message__endswith=f"/{file.id}"))
    if any(_stands(item) for item in earlier):
        return None
    row = _item(said, file, number)
    if earlier:
        row.message = f"{said.key.message}/{len(earlier) + 1}/{file.id}"
    return row


def _stands(item: InboxItem) -> bool:
    return item.state in OPEN or (item.state == ItemState.ANSWERED and item.told not in OVER)


def is_collected(said: Said) -> bool:
    """Whether its files count although nobody spoke to the bot."""
    return (
        bool(said.files)
        and Channel.objects.filter(
            installation__platform=said.key.platform,
            installation__external_id=said.key.installation,
            external_id=said.home or said.key.channel,
            collects=True,
        ).exists()
    )


def files_of(message: Key) -> QuerySet[InboxItem]:
    """The items of the files that came with a message."""
    here = InboxItem.objects.in_channel_of(message)
    return here.filter(kind=Kind.FILE, message__startswith=f"{message.message}/")


def taken_off(now: Said) -> QuerySet[InboxItem]:
    """The items of the files that the message has no more."""
    rows = files_of(now.key)
    for file in now.files:
        rows = rows.exclude(message__endswith=f"/{file.id}")
    return rows


def shared_as(file: Key) -> QuerySet[InboxItem]:
    """The items of a file, wherever it was shared; the key's message is the file's id."""
    return InboxItem.objects.filter(
        kind=Kind.FILE,
        platform=file.platform,
        installation=file.installation,
        message__endswith=f"/{file.message}",
    ).exclude(state=ItemState.VOID)


def file_of(item: InboxItem) -> SharedFile:
    """The file that an item is about, as the platform told of it."""
    return SharedFile(**item.route["file"])


def told_before(file: InboxItem) -> InboxItem | None:
    """Which other item of the file's message, the question or a file before it, says why nothing
    can be known there; None where the card of this one does."""
    message = replace(file.key, message=file.said_in)
    question = InboxItem.objects.of(message).filter(kind=Kind.QUESTION)
    before = (question | files_of(message)).filter(pk__lt=file.pk).exclude(state=ItemState.VOID)
    return None if file.parts.exists() else before.order_by("pk").first()


def leave_out_card(file: InboxItem, told_by: InboxItem) -> None:
    """No card is shown of the file. The first reply to its message is then the question's, where
    there is one."""
    if told_by.kind == Kind.QUESTION and file.route.get("number") == 0:
        told_by.route.pop("number", None)
        told_by.save(update_fields=["route"])


def documents_with(question: InboxItem) -> list[UUID]:
    """The ids of the documents that the question's files became."""
    return list(_read(question).order_by("pk").values_list("version__document", flat=True))


def names_not_read(question: InboxItem) -> list[str]:
    """The names of the question's files that can't be answered from."""
    left = files_of(question.key).exclude(pk__in=_read(question).values("pk"))
    return list(left.order_by("pk").values_list("text", flat=True))


def _read(question: InboxItem) -> QuerySet[InboxItem]:
    kept = files_of(question.key).filter(state=ItemState.ANSWERED)
    return kept.filter(version__document__removed_at=None, version__state=VersionState.READY)
