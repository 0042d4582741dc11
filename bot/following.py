"""Follow what becomes of the files that were shared: their cards are told anew when something
changed, and the questions that came with them are let go once all of them are read.

One look serves everything that waits, and nothing is held meanwhile: neither a thread nor a
connection, nor a lease. Whatever changed while a platform was not connected is found by its first
looks, a batch of cards by each, the newest first.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import timedelta
from itertools import islice
from typing import TypeVar
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
# Rows that one query is about.
BATCH = 500
# Above every id.
NEWEST = 2**63 - 1
# What only one person sees can be edited for so long.
EDITABLE = timedelta(minutes=14)


Found = TypeVar("Found")
# A card's item, what it tells, and the version that it is about.
Told = tuple[int, str, int]


class Follower:
    """Follows the items of these platforms; `wake` is called when there is something to do."""

    def __init__(self, platforms: Callable[[], Collection[str]], wake: Callable[[], None]) -> None:
        self._platforms, self._wake = platforms, wake
        self._revisions: dict[int, int] = {}
        self._asked: dict[int, UUID] = {}
        # Cards with smaller ids have not been looked at since their platform was connected.
        self._unseen: dict[str, int] = {}
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
        read = _all_marks(item.version_id for item in pending if item.version_id)
        stale = {item.pk for item in pending if self._is_due(item, read)}
        self._shown_at = {pk: at for pk, at in self._shown_at.items() if pk in stale | set(read)}
        stale |= self._untrue(ours, platforms)
        told = self._tell_anew(ours.filter(state=ItemState.ANSWERED), stale)
        return bool(told + _let_go(pending, read))

    def _tell_anew(self, answered: QuerySet[InboxItem], stale: Iterable[int]) -> int:
        """Have these told anew; how many, without those that are in somebody's hands."""
        self._held, told = set(), 0
        for some in _batches(stale):
            due = answered.filter(pk__in=some)
            self._held.update(due.filter(settled=False).values_list("pk", flat=True))
            told += due.filter(settled=True).update(
                settled=False, attempts=0, revision=F("revision") + 1, lease_until=None
            )
        return told

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

    def _untrue(self, ours: QuerySet[InboxItem], platforms: Collection[str]) -> set[int]:
        """The cards, and the messages to curators, that are not true any more."""
        told = ours.filter(state=ItemState.ANSWERED, pending=False)
        cards = told.filter(kind=Kind.FILE, version__isnull=False).exclude(
            private=True, received_at__lt=timezone.now() - EDITABLE
        )
        changed, unseen = list(self._changed()), self._next_unseen(cards, platforms)
        if not (changed or unseen):
            return set()
        found = {pk for which in changed for pk in _untrue_cards(cards.filter(which))}
        return {*found, *_untrue_of(unseen), *promotions.decided(told)}

    def _changed(self) -> Iterator[Q]:
        """Which cards may not be true any more since the last look."""
        revisions = dict(Space.objects.values_list("pk", "revision"))
        asked = dict(
            PromotionRequest.objects.filter(state=RequestState.ASKED).values_list("pk", "document")
        )
        spaces = dict(revisions.items() - self._revisions.items()) if self._unseen else {}
        documents = dict(asked.items() ^ self._asked.items()) if self._unseen else {}
        self._revisions, self._asked = revisions, asked
        yield from (Q(version__document__space__in=some) for some in _batches(spaces))
        yield from (Q(version__document__in=some) for some in _batches(documents.values()))
        yield from (Q(pk__in=some) for some in _batches(self._held))

    def _next_unseen(self, cards: QuerySet[InboxItem], platforms: Collection[str]) -> list[Told]:
        """The next cards of each platform that nobody has looked at since it was connected."""
        found: list[Told] = []
        self._unseen = {name: self._unseen.get(name, NEWEST) for name in platforms}
        for name in [name for name, below in self._unseen.items() if below]:
            rows = cards.filter(platform=name, pk__lt=self._unseen[name]).order_by("-pk")
            some = list(rows.values_list("pk", "told", "version")[:BATCH])
            self._unseen[name] = some[-1][0] if len(some) == BATCH else 0
            found += some
        return found


def _untrue_cards(cards: QuerySet[InboxItem]) -> Iterator[int]:
    for some in _batches(cards.values_list("pk", "told", "version").iterator(BATCH)):
        yield from _untrue_of(some)


def _untrue_of(cards: Collection[Told]) -> set[int]:
    now = _all_marks(version for _, _, version in cards)
    return {pk for pk, told, version in cards if now.get(version, GONE) != told}


def _all_marks(versions: Iterable[int]) -> dict[int, str]:
    return {pk: mark for some in _batches(versions) for pk, mark in marks(some).items()}


def _batches(found: Iterable[Found]) -> Iterator[list[Found]]:
    rest = iter(found)
    while some := list(islice(rest, BATCH)):
        yield some


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
    return sum(
        InboxItem.objects.filter(pk__in=some).update(pending=False) for some in _batches(free)
    )


def _is_open(file: InboxItem, read: Mapping[int, str]) -> bool:
    """Whether it is not known yet what becomes of it."""
    if file.state != ItemState.ANSWERED:
        return file.state in OPEN
    return read.get(file.version_id or 0, GONE).startswith(READING)
