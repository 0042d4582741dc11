"""A mention that says nothing may lack its files: they come with another event, or there are none.

What it asks waits for them a moment. Run on the inbox's own thread, as part of bot/inbox.py.
"""

from datetime import timedelta

from django.db.models import QuerySet

from backend import db
from bot.incoming import Said
from bot.models import InboxItem, ItemState, Kind
from bot.shared_files import files_of

HOLD = timedelta(seconds=2)


def asks(said: Said) -> bool:
    """Whether there is something to answer: words, or a mention by itself, which asks for help."""
    files = said.files or (said.incomplete and files_of(said.key).exists())
    return bool(said.text.strip() or not files)


def hold(said: Said) -> None:
    """Let what it asks wait, where its files may be missing."""
    if said.incomplete:
        _new(said).filter(lease_until=None).update(lease_until=db.from_now(HOLD))


def is_whole(said: Said) -> bool:
    """It turns out to have no files; whether that was waited for."""
    bare = not (said.incomplete or said.text.strip())
    return bare and bool(_waiting(said).update(lease_until=None))


def asks_nothing(said: Said) -> bool:
    """It turns out to have files, and what was to be asked is taken back; whether there was such
    a thing."""
    return not said.text.strip() and bool(_waiting(said).delete()[0])


def _waiting(said: Said) -> QuerySet[InboxItem]:
    return _new(said).filter(lease_until__isnull=False)


def _new(said: Said) -> QuerySet[InboxItem]:
    """What it asks, where nobody took that up yet."""
    return InboxItem.objects.of(said.key).filter(
        kind=Kind.QUESTION, text="", state=ItemState.RECEIVED, token="", attempts=0
    )
