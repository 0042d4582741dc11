"""The delivery ledger: which messages show a reply, so that none is lost and none comes twice.

The intent is committed before the call that opens a message. A crash in between leaves its outcome
unknown: bot/reply.py waits until the call must be over, looks for the message and adopts it.
"""

from collections.abc import Collection, Sequence

from django.db import IntegrityError, transaction
from django.db.models import Case, F, Value, When
from django.utils import timezone

from bot.models import InboxItem, PartState, ReplyPart
from knowledge.errors import LeaseLost
from knowledge.prepared import Given, Insert, Objects, Select, Update

_PARTS = Objects(lambda: ReplyPart.objects.filter(item=Given(0)).order_by("number"))
_PART = Objects(lambda: ReplyPart.objects.filter(item=Given(0), number=Given(1)))
_OWNED = Select(
    lambda: (
        InboxItem.objects.filter(pk=Given(0), token=Given(1), revision=Given(2))
        .select_for_update()
        .values_list("pk")
    )
)
_OPENED = Update(
    lambda: ReplyPart.objects.filter(
        pk=Given(0), message="", state=PartState.OPENING, text=Given(1)
    ),
    message=Given(2),
    state=Given(3),
)

_NEW = Insert(ReplyPart)
_SAYS = Update(lambda: ReplyPart.objects.filter(pk=Given(0)), state=Given(1), text=Given(2))
_SENT = Update(
    lambda: ReplyPart.objects.filter(pk=Given(0), state=PartState.FINAL),
    state=PartState.SENT,
    text="",
)


def parts_of(item: InboxItem) -> list[ReplyPart]:
    return _PARTS(item.pk)


def begin(item: InboxItem, number: int) -> ReplyPart:
    """Plan the part of this number, where there is none, and commit the intent to open it.

    Raises LeaseLost where the item is not ours any more.
    """
    with transaction.atomic():
        if not _OWNED(item.pk, item.token, item.revision):
            raise LeaseLost()
        if (part := _PART.first(item.pk, number)) is None:
            opens = {"state": PartState.OPENING, "opening_at": timezone.now()}
            new = ReplyPart(item=item, number=number, channel=_channel(item), **opens)
            return _NEW(new)
        opening(part)
    return part


def opening(part: ReplyPart) -> bool:
    """Commit the intent to open it now; False where it was withdrawn meanwhile."""
    return _step(part, PartState.PLANNED, PartState.OPENING, opening_at=timezone.now())


def opened(part: ReplyPart, message: str) -> bool:
    """Its message is known; False where another part has it. Withdrawn, it stays so; where its
    final text was decided meanwhile, that is next."""
    after = PartState.FINAL if part.text else PartState.OPEN
    try:
        with transaction.atomic():
            if _OPENED(part.pk, part.text, message, after):
                part.message, part.state = message, after
                return True
            decided = Case(
                When(text="", then=Value(PartState.OPEN)), default=Value(PartState.FINAL)
            )
            state = Case(When(state=PartState.OPENING, then=decided), default=F("state"))
            row = ReplyPart.objects.filter(pk=part.pk, message="")
            known = row.update(message=message, state=state)
    except IntegrityError:
        return False
    part.refresh_from_db()
    return bool(known)


def not_opened(part: ReplyPart) -> bool:
    """The call certainly failed: it may be opened anew."""
    return _step(part, PartState.OPENING, PartState.PLANNED)


def sent(part: ReplyPart) -> bool:
    """Its final text is shown; the ledger keeps no copy of it."""
    if not _SENT(part.pk):
        return False
    part.state, part.text = PartState.SENT, ""
    return True


def withdraw(part: ReplyPart) -> None:
    """Its message is to disappear."""
    ReplyPart.objects.filter(pk=part.pk).exclude(state=PartState.GONE).update(
        state=PartState.WITHDRAWN, text=""
    )
    part.state = PartState.WITHDRAWN


def gone(part: ReplyPart) -> bool:
    """The message of a withdrawn part is taken away."""
    return _step(part, PartState.WITHDRAWN, PartState.GONE)


def withdraw_all(item: InboxItem) -> bool:
    """Withdraw the whole reply; whether there is anything to take away."""
    standing = item.parts.exclude(state=PartState.GONE)
    return bool(standing.update(state=PartState.WITHDRAWN, text=""))


def finalise(item: InboxItem, texts: Collection[str]) -> None:
    """Commit the texts of the reply's messages; messages that are too many are withdrawn."""
    parts = {part.number: part for part in parts_of(item)}
    for number, text in enumerate(texts):
        part = parts.pop(number, None)
        if part is None:
            _NEW(ReplyPart(item=item, number=number, text=text, channel=_channel(item)))
            continue
        open_already = part.state in (PartState.OPEN, PartState.FINAL, PartState.SENT)
        part.state = PartState.FINAL if open_already else part.state
        _SAYS(part.pk, part.state, text)
    for part in parts.values():
        withdraw(part)


def reopen(item: InboxItem) -> None:
    """What was to be said is void; the messages that show it stay, to show something else."""
    item.parts.filter(state__in=(PartState.FINAL, PartState.SENT)).update(state=PartState.OPEN)
    item.parts.update(text="")


def known_messages(channel: str, messages: Sequence[str]) -> set[str]:
    """Those of these messages that the ledger knows."""
    rows = ReplyPart.objects.filter(channel=channel, message__in=messages)
    return set(rows.values_list("message", flat=True))


def _channel(item: InboxItem) -> str:
    return f"{item.platform}/{item.installation}/{item.channel}"


def _step(part: ReplyPart, before: PartState, after: PartState, **fields: object) -> bool:
    """One arrow of the state machine, taken only from where it starts."""
    stepped = bool(ReplyPart.objects.filter(pk=part.pk, state=before).update(state=after, **fields))
    for name, value in ({"state": after} | fields).items() if stepped else ():
        setattr(part, name, value)
    return stepped
