"""What an owner does with an item of the inbox: claim it, decide it, deliver it or give it back.

An item is its owner's while the token in its row is theirs. They renew its lease while they work,
and what the token no longer fits changes nothing: who was taken over can neither decide nor settle.
An edit or a deletion leaves the lease alone and steps the revision, so the owner notices, stops
sending and lets go. Every function is made of short transactions, as in bot/inbox.py.
"""

import secrets
from collections.abc import Collection, Mapping
from datetime import timedelta
from functools import cache
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, Q
from django.db.models.functions import Greatest, Now

from backend import db
from backend.chat.models import Message
from bot import ledger
from bot.cards import GONE
from bot.inbox import forget_turns
from bot.models import DECIDED, OPEN, InboxItem, ItemState, Kind
from knowledge.prepared import Given, Objects, Select, Update, any_of

# An owner renews its lease every third of it, and sends only while the rest outlasts a request.
LEASE = timedelta(seconds=15)
# An item that was in hand so often when its owner died is taken up beside no other such item: one
# of them may be what kills, and the others would have their last attempts beside it.
SUSPECT = 2
# Attempts at delivering what is decided; a platform may be out of reach for an hour.
MAX_DELIVERIES = 60


_FREE = Q(lease_until=None) | Q(lease_until__lte=Now())
_HELD = Objects(lambda: InboxItem.objects.filter(pk=Given(0), token=Given(1)))
# As InboxItem.owned().
_OURS = {"pk": Given(0), "token": Given(1), "revision": Given(2)}
_BEGUN = Update(
    lambda: InboxItem.objects.filter(Exists(Message.objects.filter(pk=Given(4))), **_OURS),
    conversation=Given(3),
    question=Given(4),
)


@cache
def _due(platforms: int, files: bool, suspects: bool) -> Select:
    """The oldest item of so many platforms that waits to be answered or delivered."""
    due = InboxItem.objects.filter(platform__in=any_of(platforms), settled=False)
    if not files:
        due = due.exclude(kind=Kind.FILE, state__in=OPEN)
    if not suspects:
        due = due.exclude(state=ItemState.CLAIMED, attempts__gte=SUSPECT)
    held_back = Q(kind=Kind.QUESTION, pending=True)
    waiting = Q(state__in=OPEN, attempts__lt=db.MAX_ATTEMPTS) & ~held_back
    waiting |= Q(state__in=DECIDED)
    return Select(lambda: due.filter(_FREE & waiting).order_by("pk").values_list("pk", "state")[:1])


def claim(
    platforms: Collection[str], *, files: bool = True, suspects: bool = True
) -> InboxItem | None:
    """The oldest item of these platforms that waits to be answered or delivered, claimed; without
    `files`, none that is to be fetched, without `suspects` none in whose hands owners died."""
    while candidates := _due(len(platforms), files, suspects)(*platforms):
        ((pk, state),) = candidates
        take, token = _take(LEASE, decided=state in DECIDED), secrets.token_hex(16)
        if take(pk, token) and (item := _HELD.first(pk, token)) is not None:
            return item
    return None


@cache
def _take(lease: timedelta, *, decided: bool) -> Update:
    """Claims an item, to be answered or, where that is decided, to be delivered."""
    claimable = Q(_FREE, state__in=DECIDED) if decided else db.claimable()
    state = {} if decided else {"state": ItemState.CLAIMED}
    rows = InboxItem.objects.filter(claimable, pk=Given(0), settled=False)
    return Update(lambda: rows, **state, **db.claiming(lease, Given(1)))


def claim_many(
    platforms: Collection[str], most: int, *, files: int, suspects: bool = True
) -> list[InboxItem]:
    """As many as `most` of them, of these as many files as `files`, and one suspect if any."""
    claimed: list[InboxItem] = []
    while len(claimed) < most:
        item = claim(platforms, files=files > 0, suspects=suspects)
        if item is None:
            break
        claimed.append(item)
        files -= item.kind == Kind.FILE
        suspects = suspects and not is_suspect(item)
    return claimed


def is_suspect(item: InboxItem) -> bool:
    """Whether an item in hand may be what its owners died of."""
    return item.state == ItemState.CLAIMED and item.attempts > SUSPECT


def renew(held: Mapping[int, InboxItem]) -> set[int]:
    """Prolong the leases of these items; the ids of those that are still ours and unchanged."""
    rows = InboxItem.objects.filter(pk__in=held, token__in=[i.token for i in held.values()])
    rows.update(lease_until=db.from_now(LEASE))
    now = rows.values_list("pk", "revision")
    return {pk for pk, revision in now if held[pk].revision == revision}


def begun(item: InboxItem, conversation: str, question: int) -> bool:
    """Note where the question is kept; False where the item is not ours any more, or an owner
    before us took the question away. What an earlier attempt kept is removed."""
    before = item.question_id
    with transaction.atomic():
        # In hexadecimal digits every database takes it.
        where = (item.pk, item.token, item.revision)
        if not _BEGUN(*where, UUID(conversation).hex, question):
            return False
        if before is not None:
            kept = Message.objects.filter(Q(pk=before) | Q(asked_for=item.pk))
            forget_turns(set(kept.exclude(pk=question).values_list("pk", flat=True)))
    item.conversation_id, item.question_id = UUID(conversation), question
    return True


def decide(
    item: InboxItem, state: ItemState, texts: Collection[str], answer: int | None = None
) -> bool:
    """Commit what the reply will say, as the texts of its messages; False, and nothing is
    changed, where the item was taken over, edited or deleted meanwhile."""
    with transaction.atomic():
        asked = () if answer is None else (answer,)
        decide = _decide(answered=answer is not None)
        decided = decide(item.pk, item.token, item.revision, state, *asked)
        if decided:
            ledger.finalise(item, texts)
    if decided:
        item.state, item.answer_id, item.attempts = state, answer, 0
    return bool(decided)


@cache
def _decide(*, answered: bool) -> Update:
    return Update(
        lambda: InboxItem.objects.filter(state=ItemState.CLAIMED, **_OURS),
        state=Given(3),
        answer=Given(4) if answered else None,
        attempts=0,
        reason="",
    )


def reopen(item: InboxItem) -> None:
    """The decided answer may not be shown any more: forget it, and ask anew."""
    with transaction.atomic():
        turns = [pk for pk in (item.question_id, item.answer_id) if pk is not None]
        if item.owned().update(
            state=ItemState.RECEIVED, answer=None, question=None, token="", lease_until=None
        ):
            ledger.reopen(item)
            forget_turns(turns)


def settle(item: InboxItem, reason: str = "") -> bool:
    """Nothing is left to do for this item; False where it is not ours any more, or was deleted
    meanwhile."""
    settle = _settle(question=item.kind == Kind.QUESTION, told=bool(reason))
    return bool(settle(item.pk, item.token, item.revision, reason))


@cache
def _settle(*, question: bool, told: bool) -> Update:
    more: dict[str, Any] = {"reason": Given(3)} if told else {}
    if question:  # a card is brought up to date later on
        more["route"] = {}
    rows = InboxItem.objects.filter(**_OURS)
    return Update(lambda: rows, settled=True, token="", lease_until=None, **more)


def close(item: InboxItem, reason: str) -> bool:
    """Give the item up: the platform won't take its reply. Whether somebody waits for one."""
    waits = item.state == ItemState.CLAIMED
    with transaction.atomic():
        item.owned().filter(state=ItemState.CLAIMED).update(state=ItemState.FAILED, pending=False)
        if item.kind == Kind.QUESTION:
            waits = item.state != ItemState.VOID
        else:  # a card that can't be told any more follows nothing
            told = item.owned().filter(state=ItemState.ANSWERED)
            told.update(version=None, request=None, told=GONE, pending=False)
        return settle(item, reason) and waits


def let_go(item: InboxItem, wait: timedelta = timedelta()) -> None:
    """Let another take the item up, at once or after `wait`; the attempt does not count."""
    # A decision and a deletion begin to count anew.
    until = db.from_now(wait) if wait else None
    _free(item, lease_until=until, attempts=Greatest(F("attempts"), 1) - 1)


def put_off(item: InboxItem, reason: str, wait: timedelta) -> None:
    """Try again after `wait`."""
    _free(item, lease_until=db.from_now(wait), reason=reason)


def _free(item: InboxItem, **fields: Any) -> None:
    held = InboxItem.objects.filter(pk=item.pk, token=item.token)
    with transaction.atomic():
        held.filter(state=ItemState.CLAIMED).update(state=ItemState.RECEIVED)
        held.update(token="", **fields)


def set_aside(platforms: Collection[str], texts: Mapping[str, str]) -> int:
    """Give up on items that had their attempts, and plan to tell whoever asked, by what the item
    is; how many."""
    free = Q(lease_until=None) | Q(lease_until__lte=Now())
    exhausted = InboxItem.objects.filter(
        free, platform__in=platforms, state__in=OPEN, attempts__gte=db.MAX_ATTEMPTS
    )
    count = 0
    for pk in list(exhausted.values_list("pk", flat=True)):
        with transaction.atomic():
            item = exhausted.select_for_update().filter(pk=pk).first()
            if item is not None:
                reason = item.reason or "the last attempt broke off"
                InboxItem.objects.filter(pk=pk).update(
                    state=ItemState.FAILED,
                    attempts=0,
                    token="",
                    lease_until=None,
                    pending=False,
                    reason=reason,
                )
                ledger.finalise(item, [texts[item.kind]])
                count += 1
    return count
