"""Follow what becomes of the files that were shared: their cards are told anew when something
changed, and the questions that came with them are let go once all of them are read.

One look serves everything that waits, and nothing is held meanwhile: neither a thread nor a
connection, nor a lease. Whatever changed while no bot ran is found at the first look.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import timedelta
from itertools import islice
from uuid import UUID

from django.db.models import F, Q, QuerySet
from django.utils import timezone

from backend.library.models import PromotionRequest, RequestState
from bot import promotions
from bot.cards import GONE, READING, marks
from bot.models import OPEN, InboxItem, ItemState, Kind
from bot.threads import in_following
from knowledge.models import Space

logger = logging.getLogger(__name__)

# Seconds between two looks.
EVERY = 0.5
# Seconds between two edits that only tell how far the reading is; more where many are read at
# once, for edits are few on every platform.
PROGRESS, PROGRESS_EACH = 3.0, 2.5
BATCH = 500
# What only one person sees can be edited for so long.
EDITABLE = timedelta(minutes=14)


class Follower:
    """Follows the items of these platforms; `wake` is called when there is something to do."""

    def __init__(self, platforms: Callable[[], Collection[str]], wake: Callable[[], None]) -> None:
        self._platforms, self._wake = platforms, wake
        self._revisions: dict[int, int] | None = None
        self._asked: dict[int, UUID] = {}
        self._shown_at: dict[int, float] = {}
        # Untrue, but in somebody's hands: looked at again.
        self._held: set[int] = set()

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            try:
                if await in_following(self.look, list(self._platforms())):
                    self._wake()
            except Exception:
                # The outermost loop: what this look missed the next one finds.
                logger.exception("Following what was shared goes on after a fault")
            await asyncio.sleep(EVERY)

    def look(self, platforms: Collection[str]) -> bool:
        """Have told what changed since the last look; whether there is anything to do."""
        ours = InboxItem.objects.filter(platform__in=platforms)
        pending = list(ours.filter(pending=True).defer("text", "route"))
        read = marks([item.version_id for item in pending if item.version_id])
        stale = {item.pk for item in pending if self._is_due(item, read)}
        self._shown_at = {pk: at for pk, at in self._shown_at.items() if pk in stale | set(read)}
        stale |= self._untrue(ours)
        due = ours.filter(pk__in=stale, state=ItemState.ANSWERED)
        self._held = set(due.filter(settled=False).values_list("pk", flat=True))
        told = due.filter(settled=True).update(
            settled=False, attempts=0, revision=F("revision") + 1, lease_until=None
        )
        return bool(told + _let_go(pending, read))

    def _is_due(self, item: InboxItem, read: Mapping[int, str]) -> bool:
        """Whether something new is to be told of a file that is being read."""
        if item.version_id is None:
            return False
        mark = read.get(item.version_id, GONE)
        if mark == item.told:
            return False
        if not mark.startswith(READING) or not item.told.startswith(READING):
            return True
        rest = max(PROGRESS, PROGRESS_EACH * len(read))
        now = time.monotonic()
        if item.private or now - self._shown_at.get(item.pk, -rest) < rest:
            return False
        self._shown_at[item.pk] = now
        return True

    def _untrue(self, ours: QuerySet[InboxItem]) -> set[int]:
        """The cards, and the messages to curators, that are not true any more."""
        revisions = dict(Space.objects.values_list("pk", "revision"))
        asked = dict(
            PromotionRequest.objects.filter(state=RequestState.ASKED).values_list("pk", "document")
        )
        told = ours.filter(state=ItemState.ANSWERED, pending=False)
        rows = told.filter(kind=Kind.FILE, version__isnull=False).exclude(
            private=True, received_at__lt=timezone.now() - EDITABLE
        )
        if self._revisions is not None:
            spaces = dict(revisions.items() - self._revisions.items())
            documents = dict(asked.items() ^ self._asked.items()).values()
            if not (spaces or documents or self._held):
                return set()
            rows = rows.filter(
                Q(version__document__space__in=spaces)
                | Q(version__document__in=documents)
                | Q(pk__in=self._held)
            )
        self._revisions, self._asked = revisions, asked
        return {*_untrue_cards(rows), *promotions.decided(told)}


def _untrue_cards(items: QuerySet[InboxItem]) -> Iterator[int]:
    rows = items.values_list("pk", "told", "version").iterator(BATCH)
    while some := list(islice(rows, BATCH)):
        now = marks([version for _, _, version in some])
        yield from (pk for pk, told, version in some if now.get(version, GONE) != told)


def _let_go(pending: Iterable[InboxItem], read: Mapping[int, str]) -> int:
    """Let the questions be answered whose files are all read, or never will be; how many."""
    waiting = {
        (item.platform, item.installation, item.channel, item.said_in)
        for item in pending
        if item.kind == Kind.FILE and _is_open(item, read)
    }
    free = [
        item.pk
        for item in pending
        if item.kind == Kind.QUESTION
        and (item.platform, item.installation, item.channel, item.message) not in waiting
    ]
    return InboxItem.objects.filter(pk__in=free).update(pending=False) if free else 0


def _is_open(file: InboxItem, read: Mapping[int, str]) -> bool:
    """Whether it is not known yet what becomes of it."""
    if file.state != ItemState.ANSWERED:
        return file.state in OPEN
    return read.get(file.version_id or 0, GONE).startswith(READING)
