"""The inbox: one row for everything that is said to the bot, committed before it is acknowledged.

What is heard and looked up stands here; what the owner of a row does with it, in bot/claims.py.
Every function is made of short transactions, run on the inbox's own thread (bot/threads.py).
"""

from collections.abc import Collection
from dataclasses import asdict, astuple, replace

from django.db import transaction
from django.db.models import Case, F, Q, QuerySet, Value, When

from backend.chat.models import Message
from backend.chat.removal import remove_turns
from bot import late_files, ledger
from bot.incoming import Deleted, Edited, FileDeleted, Heard, Key, Said
from bot.models import OPEN, InboxItem, ItemState, Kind
from bot.shared_files import files_of, is_collected, new_items, shared_as, taken_off
from knowledge.prepared import Given, Insert, Select


def take(heard: Heard) -> bool:
    """Keep what was heard; whether there is something to do now. Safe to repeat."""
    match heard:
        case Said():
            return _receive(heard)
        case Edited():
            return _edit(heard)
        case Deleted(before):
            return _void(before)
        case FileDeleted(file):
            return _take_back(shared_as(file))


_NEW = Insert(InboxItem, unless_there=True)
_STATE = Select(
    lambda: InboxItem.objects.filter(
        platform=Given(0), installation=Given(1), channel=Given(2), message=Given(3)
    ).values_list("state")
)


def _receive(said: Said) -> bool:
    # A message is heard more than once: as a mention and as a message, and when it is redelivered.
    heard = _STATE(*astuple(said.key))
    state = heard[0][0] if heard else None
    if state == ItemState.VOID:
        return False
    if state and not said.files:
        return late_files.is_whole(said)
    spoken = bool(state) or said.addressed or _follows_up(said)
    if not spoken and not is_collected(said):
        return False
    rows = new_items(said, collected=not spoken)
    if spoken and not state and late_files.asks(said):
        rows.insert(0, _question(said))
    with transaction.atomic():
        for row in rows:
            _NEW(row)
        late_files.hold(said)
        if state:
            _hold_back(said)
    return bool(rows)


def _question(said: Said) -> InboxItem:
    route = said.route | ({"number": len(said.files)} if said.files else {})
    return InboxItem(
        **asdict(said.key),
        thread=said.thread,
        sender=said.sender,
        sender_team=said.sender_team,
        text=_clean(said.text),
        direct=said.direct,
        private=said.private,
        with_files=bool(said.files),
        pending=bool(said.files),
        route=route,
    )


def _hold_back(said: Said) -> None:
    """A mention may have come without its files; now it waits for them, and begins anew. Without
    words it asks nothing."""
    if late_files.asks_nothing(said):
        return
    question = InboxItem.objects.of(said.key)
    held = question.filter(state__in=OPEN, with_files=False).update(
        with_files=True, pending=True, revision=F("revision") + 1, state=ItemState.RECEIVED
    )
    if held:
        question.filter(token="").update(lease_until=None)


def _clean(text: str) -> str:
    return text.replace("\0", "")


def _follows_up(said: Said) -> bool:
    """Whether the sender asked in this thread before. Ids of messages sort by time; what a click
    asked heads its thread."""
    before = Q(message__lt=said.key.message) | Q(message__startswith="interaction-")
    return (
        bool(said.thread)
        and in_thread(said.key, said.thread)
        .filter(before, sender=said.sender, collected=False)
        .exclude(state=ItemState.VOID)
        .exists()
    )


def in_thread(key: Key, thread: str) -> QuerySet[InboxItem]:
    """What was asked for all to see in a thread."""
    return InboxItem.objects.in_channel_of(key).filter(thread=thread, private=False)


def open_to(pk: str, key: Key, person: str, kind: Kind = Kind.QUESTION) -> InboxItem | None:
    """The item of this id, if this person can see its answer in the channel of the key; what only
    they saw they may have got elsewhere."""
    answered = InboxItem.objects.filter(
        pk=pk if pk.isdecimal() else 0, platform=key.platform, state=ItemState.ANSWERED, kind=kind
    )
    here = Q(private=False, installation=key.installation, channel=key.channel)
    return answered.filter(here | Q(private=True, sender=person)).first()


def messages_taken(key: Key, messages: Collection[str]) -> set[str]:
    """Those of these messages of the key's channel that the inbox knows."""
    rows = InboxItem.objects.in_channel_of(key).filter(message__in=messages)
    return set(rows.values_list("message", flat=True))


def _edit(edited: Edited) -> bool:
    """New words before the answer count, and the answer begins anew; after it they change
    nothing. An owner at work notices, stops sending and lets go."""
    now = edited.now
    text = _clean(now.text)
    row = InboxItem.objects.of(now.key)
    # Words that are not for the bot any more are not heard, and the question stays as it was.
    changed = bool(now.addressed or text) and _reword(row, text)
    # Whoever edits a message can take files off it.
    fewer = (now.addressed or edited.files_shown) and _void_files(taken_off(now))
    nothing = fewer and not (text.strip() or now.files)
    known = nothing or row.exists() or not (edited.newly_addressed or files_of(now.key).exists())
    return changed or (not known and _receive(now)) or fewer


def _reword(question: QuerySet[InboxItem], text: str) -> bool:
    with transaction.atomic():
        changed = (
            question.filter(state__in=OPEN)
            .exclude(text=text)
            .update(text=text, revision=F("revision") + 1, state=ItemState.RECEIVED)
        )
        if changed:
            question.filter(token="").update(lease_until=None)
    return bool(changed)


def _void(before: Said) -> bool:
    """The message is gone: so is its reply, and what its files brought. A tombstone stays, also
    where the deletion is the first that is heard of it."""
    files = files_of(before.key)
    known = InboxItem.objects.of(before.key).exists() or files.exists()
    if not known and not (before.addressed or _follows_up(before) or is_collected(before)):
        return False
    with transaction.atomic():
        item, _ = InboxItem.objects.get_or_create(
            **asdict(before.key), defaults={"state": ItemState.VOID, "settled": True}
        )
        if item.state != ItemState.VOID:
            _forget(item)
        _void_files(files)
    return True


def _void_files(files: QuerySet[InboxItem]) -> bool:
    with transaction.atomic():
        standing = list(files.exclude(state=ItemState.VOID))
        for item in standing:
            _forget(item)
    return bool(standing)


def _take_back(files: QuerySet[InboxItem]) -> bool:
    """A file is gone, and its message stands: what was not kept yet is fetched anew, and its card
    will say that it is not there."""
    with transaction.atomic():
        standing = list(files)
        for item in standing:
            row = InboxItem.objects.filter(pk=item.pk, state__in=OPEN, sha256="")
            if row.update(revision=F("revision") + 1, state=ItemState.RECEIVED):
                row.filter(token="").update(lease_until=None)
            else:
                _forget(item)
    return bool(standing)


def void(item: InboxItem) -> None:
    """Take it back, and nothing else that came with its message."""
    with transaction.atomic():
        if item.owned().exists():
            _forget(item)


def void_all_of(item: InboxItem) -> None:
    """The message that it came with turns out to be gone."""
    said = Said(replace(item.key, message=item.said_in), "", "", addressed=False)
    with transaction.atomic():
        if item.owned().exists():
            _void(said)


def _forget(item: InboxItem) -> None:
    """What it brought is left to whoever claims it next (bot/files.py)."""
    turns = {pk for pk in (item.question_id, item.answer_id) if pk is not None}
    turns |= set(Message.objects.filter(asked_for=item.pk).values_list("pk", flat=True))
    row = InboxItem.objects.filter(pk=item.pk)
    row.update(
        state=ItemState.VOID,
        revision=F("revision") + 1,
        settled=Case(When(sha256="", then=Value(not ledger.withdraw_all(item))), default=False),
        attempts=0,
        pending=False,
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


def heads_thread(item: InboxItem, message: str) -> None:
    """The reply's first message is what people will reply to."""
    item.owned().update(thread=message)


def forget_turns(turns: Collection[int]) -> None:
    """Remove turns that nobody was shown, unless an item counts them as its own: what is asked
    twice in the same words is kept once."""
    theirs = InboxItem.objects.filter(Q(question__in=turns) | Q(answer__in=turns))
    kept = {turn for pair in theirs.values_list("question", "answer") for turn in pair}
    remove_turns([turn for turn in turns if turn not in kept])
