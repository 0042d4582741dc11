"""What the card of a shared file says: how far it is read, who finds it, and what may be done.

A card is made anew whenever the state of affairs that it tells has changed; `marks` names that
state, by one query for many.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass

from django.db import transaction
from django.db.models import OuterRef, Subquery

from backend.library.models import PromotionRequest, RequestState
from backend.library.reading import Reading, state_of
from bot import ledger, wording
from bot.models import InboxItem, ItemState
from bot.platforms import Button, Closing
from knowledge.models import DocumentVersion, VersionState
from knowledge.names import visible

PROMOTE, REMOVE, APPROVE, DECLINE = "promote", "remove", "approve", "decline"
READING, READY, FAILED, TAKEN, GONE = "reading", "ready", "failed", "taken", "gone"
# There is nothing of the file any more.
OVER = (FAILED, TAKEN, GONE)
# Characters of a file's name.
NAME = 100
# Names that mean nothing else to Markdown.
_PLAIN = re.compile(r"[^\W_](?:[^\W_]|(?<=\w)_(?=\w)|[ .,()+…-])*")


@dataclass(frozen=True)
class Card:
    """`told` is the state of affairs that it tells, and `final` whether that may stay so."""

    text: str
    told: str
    final: bool = True
    closing: Closing | None = None


def marks(versions: Collection[int]) -> dict[int, str]:
    """The state of affairs of each version: its kind, and behind a slash what else is told."""
    asked = PromotionRequest.objects.filter(document=OuterRef("document")).order_by("-pk")
    rows = DocumentVersion.objects.filter(pk__in=versions).values_list(
        "pk",
        "state",
        "pages_done",
        "done",
        "document__removed_at",
        "document__space",
        "document__current__number",
        Subquery(asked.values("state")[:1]),
    )
    return {pk: _mark(*row) for pk, *row in rows}


def _mark(
    state: str,
    pages: int,
    passages: int,
    removed_at: object,
    space: int,
    current: int | None,
    asked: str | None,
) -> str:
    if removed_at is not None:
        return GONE
    if state in (VersionState.RECEIVED, VersionState.CLAIMED):
        return f"{READING}/{pages}/{passages}"
    if state == VersionState.READY:
        return f"{READY}/{space}/{current}/{asked or ''}"
    return FAILED if state == VersionState.FAILED else TAKEN


def card_of(item: InboxItem) -> Card:
    """The card of a file that was kept, as it is to be now."""
    assert item.version_id is not None
    told = marks([item.version_id]).get(item.version_id, GONE)
    reading = state_of(item.version_id)
    return Card(
        _text(item, reading, told),
        told,
        final=not told.startswith(READING),
        closing=Closing(notice=reading.notice, buttons=_buttons(item, reading, told)),
    )


def tell(item: InboxItem, card: Card, texts: Collection[str]) -> bool:
    """Commit what the card says, as the texts of its message, and what the file is kept as; False,
    and nothing is changed, where the item was taken over or deleted meanwhile."""
    with transaction.atomic():
        ours = (
            item.owned()
            .filter(state__in=(ItemState.CLAIMED, ItemState.ANSWERED))
            .update(
                state=ItemState.ANSWERED,
                told=card.told,
                pending=not card.final,
                attempts=0,
                reason="",
                version=item.version_id,
                brought=item.brought,
            )
        )
        if ours:
            ledger.finalise(item, texts)
    if ours:
        item.state, item.attempts = ItemState.ANSWERED, 0
    return bool(ours)


def failed(name: str, reason: str) -> Card:
    """Nothing was kept of the file."""
    text = wording.FILE_NOT_ADDED.format(name=shown(name), reason=reason.rstrip("."))
    return Card(text, FAILED)


def begun(name: str) -> str:
    return wording.READING_FILE.format(name=shown(name))


def shown(name: str) -> str:
    """A file's name in Markdown, as it is."""
    name = " ".join(visible(name).split()) or wording.SOME_FILE
    name = name if len(name) <= NAME else f"{name[: NAME - 10]}…{name[-9:]}"
    return name if _PLAIN.fullmatch(name) else "`" + name.replace("`", "'") + "`"


def _text(item: InboxItem, reading: Reading, told: str) -> str:
    name = shown(reading.name or item.text)
    if told == GONE:
        return wording.FILE_REMOVED.format(name=name)
    if told == TAKEN:
        return wording.FILE_TAKEN_BACK.format(name=name, number=reading.number)
    if told == FAILED:
        return failed(reading.name, reading.reason).text
    if told.startswith(READING):
        return _progress(item, reading, name)
    if reading.replaced_by:
        return wording.FILE_REPLACED.format(
            name=name, number=reading.number, by=reading.replaced_by
        )
    asked = _REMARKS.get(told.rpartition("/")[2], "")
    unchanged = "" if item.brought else wording.FILE_UNCHANGED
    return "\n".join(filter(None, [_ready(name, reading), unchanged, asked]))


_REMARKS: dict[str, str] = {
    RequestState.ASKED: wording.PROMOTION_ASKED,
    RequestState.DECLINED: wording.PROMOTION_DECLINED,
}


def _progress(item: InboxItem, reading: Reading, name: str) -> str:
    if item.private:  # it is not told anew for that
        return wording.READING_FILE.format(name=name)
    if reading.done and reading.total:
        return wording.READING_PASSAGES.format(name=name, done=reading.done, total=reading.total)
    if reading.pages_done and reading.pages:
        return wording.READING_PAGES.format(name=name, done=reading.pages_done, total=reading.pages)
    return wording.READING_FILE.format(name=name)


def _ready(name: str, reading: Reading) -> str:
    counted = [_count(reading.passages, wording.ONE_PASSAGE, wording.PASSAGES)]
    if reading.pages:
        counted.insert(0, _count(reading.pages, wording.ONE_PAGE, wording.PAGES))
    readers = _READERS[reading.space_key.partition(":")[0]]
    return wording.FILE_READ.format(
        name=name, version=_version(reading), size=", ".join(counted), readers=readers
    )


_READERS = {
    "personal": wording.READ_BY_ONE,
    "channel": wording.READ_BY_CHANNEL,
    "team": wording.READ_BY_TEAM,
}


def _count(count: int, one: str, several: str) -> str:
    return one if count == 1 else several.format(count=count)


def _version(reading: Reading) -> str:
    if reading.number == 1:
        return ""
    form = wording.FILE_VERSION_REPLACES if reading.replaces else wording.FILE_VERSION
    return form.format(number=reading.number, replaces=reading.replaces)


def _buttons(item: InboxItem, reading: Reading, told: str) -> list[Button]:
    if not told.startswith(READY):
        return []
    buttons = [Button(REMOVE, item.pk, wording.REMOVE)]
    asked = told.endswith(f"/{RequestState.ASKED}")
    if not asked and not reading.replaced_by and not reading.space_key.startswith("team:"):
        buttons.insert(0, Button(PROMOTE, item.pk, wording.PROMOTE))
    return buttons
