"""The inbox: one row for everything that is said to the bot, committed before it is acknowledged.

Every function is made of short transactions, run on the inbox's own thread (bot/threads.py).
Whoever works on an item holds its token; what the token no longer fits changes nothing.
"""

import secrets
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Greatest, Now
from django.utils import timezone

from backend import db
from backend.chat.models import Conversation
from backend.chat.removal import remove_turns
from bot import ledger
from bot.incoming import Deleted, Edited, Heard, Key, Said
from bot.models import InboxItem, ItemState

# An owner renews its lease every third of it, and sends only while the rest outlasts a request.
LEASE = timedelta(seconds=15)
# Attempts at delivering what is decided; a platform may be out of reach for an hour.
MAX_DELIVERIES = 60
# So long after the last question in it a thread is still read back.
LIVELY = timedelta(days=7)
OPEN = (ItemState.RECEIVED, ItemState.CLAIMED)
DECIDED = (ItemState.ANSWERED, ItemState.FAILED, ItemState.VOID)


def take(heard: Heard) -> bool:
    """Keep what was heard; whether there is something to do now. Safe to repeat."""
    match heard:
        case Said():
            return _receive(heard)
        case Edited():
            return _edit(heard)
        case Deleted(before):
            return _void(before)


def _receive(said: Said) -> bool:
    # A message is heard more than once: as a mention and as a message, and when it is redelivered.
    known = InboxItem.objects.filter(**_fields(said.key))
    if known.exists():
        if said.with_files:  # a mention may come without them
            known.filter(state__in=OPEN).update(with_files=True)
        return False
    if not said.addressed and not _follows_up(said):
        return False
    row = InboxItem(
        **_fields(said.key),
        thread=said.thread,
        sender=said.sender,
        sender_team=said.sender_team,
        text=_clean(said.text),
        direct=said.direct,
        private=said.private,
        with_files=said.with_files,
        route=said.route,
    )
    InboxItem.objects.bulk_create([row], ignore_conflicts=True)
    return True


def _clean(text: str) -> str:
    return text.replace("\0", "")


def _fields(key: Key) -> dict[str, str]:
    return {
        "platform": key.platform,
        "installation": key.installation,
        "channel": key.channel,
        "message": key.message,
    }


def _follows_up(said: Said) -> bool:
    """Whether the sender asked in this thread before. Ids of messages sort by time; what a click
    asked heads its thread."""
    before = Q(message__lt=said.key.message) | Q(message__startswith="interaction-")
    return (
        bool(said.thread)
        and in_thread(said.key, said.thread)
        .filter(before, sender=said.sender)
        .exclude(state=ItemState.VOID)
        .exists()
    )


def in_thread(key: Key, thread: str) -> QuerySet[InboxItem]:
    """What was asked for all to see in a thread."""
    return InboxItem.objects.filter(
        platform=key.platform,
        installation=key.installation,
        channel=key.channel,
        thread=thread,
        private=False,
    )


def threads_in(platform: str, installation: str, channel: str) -> list[str]:
    """The threads of a channel that we are in, where something was asked lately."""
    rows = InboxItem.objects.filter(
        platform=platform, installation=installation, channel=channel, private=False
    ).exclude(thread="")
    lately = rows.filter(received_at__gt=timezone.now() - LIVELY)
    return list(dict.fromkeys(lately.order_by("-pk").values_list("thread", flat=True)))


def open_to(pk: str, key: Key, person: str) -> InboxItem | None:
    """The item of this id, if this person can see its answer in the channel of the key."""
    row = InboxItem.objects.filter(
        pk=pk if pk.isdecimal() else 0,
        platform=key.platform,
        installation=key.installation,
        channel=key.channel,
        state=ItemState.ANSWERED,
    )
    item = row.first()
    return item if item and (not item.private or item.sender == person) else None


def messages_taken(key: Key, messages: Collection[str]) -> set[str]:
    """Those of these messages of the key's channel that the inbox knows."""
    rows = InboxItem.objects.filter(
        platform=key.platform,
        installation=key.installation,
        channel=key.channel,
        message__in=messages,
    )
    return set(rows.values_list("message", flat=True))


def _edit(edited: Edited) -> bool:
    """New words before the answer count, and the answer begins anew; after it they change
    nothing. An owner at work notices, stops sending and lets go."""
    now = edited.now
    text = _clean(now.text)
    row = InboxItem.objects.filter(**_fields(now.key))
    with transaction.atomic():
        changed = (
            row.filter(state__in=OPEN)
            .exclude(text=text)
            .update(text=text, revision=F("revision") + 1, state=ItemState.RECEIVED)
        )
        if changed:
            row.filter(token="").update(lease_until=None)
    if changed or not edited.newly_addressed or row.exists():
        return bool(changed)
    return _receive(now)


def _void(before: Said) -> bool:
    """The message is gone: so is its reply. A tombstone stays, also where the deletion is the
    first that is heard of it."""
    fields = _fields(before.key)
    meant = before.addressed or _follows_up(before)
    if not meant and not InboxItem.objects.filter(**fields).exists():
        return False
    with transaction.atomic():
        item, _ = InboxItem.objects.get_or_create(
            **fields, defaults={"state": ItemState.VOID, "settled": True}
        )
        if item.state != ItemState.VOID:
            _forget(item)
    return True


def void(item: InboxItem) -> None:
    """The message turns out to be gone."""
    with transaction.atomic():
        if item.owned().exists():
            _forget(item)


def _forget(item: InboxItem) -> None:
    turns = [pk for pk in (item.question_id, item.answer_id) if pk is not None]
    row = InboxItem.objects.filter(pk=item.pk)
    row.update(
        state=ItemState.VOID,
        revision=F("revision") + 1,
        settled=not ledger.withdraw_all(item),
        attempts=0,
        text="",
        sender="",
        sender_team="",
        route={},
        conversation=None,
        question=None,
        answer=None,
    )
    row.filter(token="").update(lease_until=None)
    forget_turns(turns)


def claim(platforms: Collection[str]) -> InboxItem | None:
    """The oldest item of these platforms that waits to be answered or delivered, claimed."""
    due = InboxItem.objects.filter(platform__in=platforms, settled=False)
    free = Q(lease_until=None) | Q(lease_until__lte=Now())
    waiting = Q(state__in=OPEN, attempts__lt=db.MAX_ATTEMPTS) | Q(state__in=DECIDED)
    candidates = due.filter(free & waiting).order_by("pk").values_list("pk", "state")
    while (candidate := candidates.first()) is not None:
        pk, state = candidate
        row = due.filter(pk=pk)
        item = db.claim_row(row, LEASE) if state in OPEN else _claim_delivery(row, free)
        if item is not None:
            return item
    return None


def _claim_delivery(row: QuerySet[InboxItem], free: Q) -> InboxItem | None:
    token = secrets.token_hex(16)
    taken = row.filter(free, state__in=DECIDED).update(
        token=token, lease_until=db.from_now(LEASE), attempts=F("attempts") + 1
    )
    return row.filter(token=token).first() if taken else None


def renew(held: Mapping[int, InboxItem]) -> set[int]:
    """Prolong the leases of these items; the ids of those that are still ours and unchanged."""
    rows = InboxItem.objects.filter(pk__in=held, token__in=[i.token for i in held.values()])
    rows.update(lease_until=db.from_now(LEASE))
    now = rows.values_list("pk", "revision")
    return {pk for pk, revision in now if held[pk].revision == revision}


def begun(item: InboxItem, conversation: str, question: int) -> bool:
    """Note where the question is kept; False where the item is not ours any more. What an
    earlier attempt kept of other words is removed."""
    before = item.question_id
    if not item.owned().update(conversation=conversation, question=question):
        return False
    if before is not None and before != question:
        forget_turns([before])
    item.conversation_id, item.question_id = UUID(conversation), question
    return True


def heads_thread(item: InboxItem, message: str) -> None:
    """The reply's first message is what people will reply to."""
    item.owned().update(thread=message)


def conversation_of(item: InboxItem) -> Conversation | None:
    """The conversation of the item's thread; None where the question begins one."""
    if item.conversation_id:  # it may have been removed since the item was claimed
        return Conversation.objects.filter(pk=item.conversation_id).first()
    if item.private or not item.thread:
        return None
    key = Key(item.platform, item.installation, item.channel, item.message)
    earlier = in_thread(key, item.thread).filter(conversation__isnull=False)
    row = earlier.select_related("conversation").order_by("-pk").first()
    return row.conversation if row else None


def decide(
    item: InboxItem, state: ItemState, texts: Collection[str], answer: int | None = None
) -> bool:
    """Commit what the reply will say, as the texts of its messages; False, and nothing is
    changed, where the item was taken over, edited or deleted meanwhile."""
    with transaction.atomic():
        decided = (
            item.owned()
            .filter(state=ItemState.CLAIMED)
            .update(state=state, answer=answer, attempts=0, reason="")
        )
        if decided:
            ledger.finalise(item, texts)
    if decided:
        item.state, item.answer_id, item.attempts = state, answer, 0
    return bool(decided)


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
    why = {"reason": reason} if reason else {}
    return bool(item.owned().update(settled=True, token="", lease_until=None, route={}, **why))


def close(item: InboxItem, reason: str) -> bool:
    """Give the item up: the platform won't take its reply. Whether somebody waits for one."""
    with transaction.atomic():
        item.owned().filter(state=ItemState.CLAIMED).update(state=ItemState.FAILED)
        return settle(item, reason) and item.state != ItemState.VOID


def let_go(item: InboxItem) -> None:
    """Let another take the item up at once; the attempt does not count."""
    # A decision and a deletion begin to count anew.
    _free(item, lease_until=None, attempts=Greatest(F("attempts"), 1) - 1)


def put_off(item: InboxItem, reason: str, wait: timedelta) -> None:
    """Try again after `wait`."""
    _free(item, lease_until=db.from_now(wait), reason=reason)


def _free(item: InboxItem, **fields: Any) -> None:
    held = InboxItem.objects.filter(pk=item.pk, token=item.token)
    with transaction.atomic():
        held.filter(state=ItemState.CLAIMED).update(state=ItemState.RECEIVED)
        held.update(token="", **fields)


def set_aside(platforms: Collection[str], text: str) -> int:
    """Give up on items that had their attempts, and plan to tell whoever asked; how many."""
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
                    state=ItemState.FAILED, attempts=0, token="", lease_until=None, reason=reason
                )
                ledger.finalise(item, [text])
                count += 1
    return count


def forget_turns(turns: Collection[int]) -> None:
    """Remove turns that nobody was shown, unless an item counts them as its own: what is asked
    twice in the same words is kept once."""
    theirs = InboxItem.objects.filter(Q(question__in=turns) | Q(answer__in=turns))
    kept = {turn for pair in theirs.values_list("question", "answer") for turn in pair}
    remove_turns([turn for turn in turns if turn not in kept])
