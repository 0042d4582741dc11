"""Items of the inbox, as a platform brings them."""

from datetime import timedelta
from typing import Any

from django.db.models.functions import Now

from bot import claims, inbox
from bot.incoming import Deleted, Edited, Key, Said
from bot.models import InboxItem, ItemState

QUESTION = "When does the office open?"


def said(message: str = "1.1", text: str = QUESTION, **fields: Any) -> Said:
    """A question in a channel that heads its own thread."""
    key = Key("slack", "T1", fields.pop("channel", "C1"), message)
    more: dict[str, Any] = {"sender": "U1", "thread": message} | fields
    return Said(key, text=text, **more)


def edited(
    message: str = "1.1", text: str = QUESTION, *, newly: bool = False, **fields: Any
) -> Edited:
    return Edited(said(message, text, **fields), newly)


def deleted(message: str = "1.1", **fields: Any) -> Deleted:
    return Deleted(said(message, **fields))


def taken(message: str = "1.1", **fields: Any) -> InboxItem:
    """Its row, once it was heard."""
    assert inbox.take(said(message, **fields))
    return InboxItem.objects.get(message=message)


def claimed(message: str = "1.1") -> InboxItem:
    """Heard and claimed."""
    taken(message)
    return next_item()


def next_item() -> InboxItem:
    """What the next claimer gets."""
    item = claims.claim(["slack"])
    assert item is not None
    return item


def answered(message: str = "1.1", texts: tuple[str, ...] = ("At nine.",)) -> InboxItem:
    """Claimed and decided, and not delivered yet."""
    item = claimed(message)
    assert claims.decide(item, ItemState.ANSWERED, texts)
    return item


def end_lease(item: InboxItem) -> None:
    """As if its time had run out."""
    InboxItem.objects.filter(pk=item.pk).update(lease_until=Now() - timedelta(seconds=1))


def again(item: InboxItem) -> InboxItem:
    """The row as it is now."""
    return InboxItem.objects.get(pk=item.pk)
