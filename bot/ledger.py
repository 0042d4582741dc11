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


def parts_of(item: InboxItem) -> list[ReplyPart]:
    return list(item.parts.all())


def begin(item: InboxItem, number: int) -> ReplyPart:
    """Plan the part of this number, where there is none, and commit the intent to open it.

    Raises LeaseLost where the item is not ours any more.
    """
    with transaction.atomic():
        if item.owned().select_for_update().first() is None:
            raise LeaseLost()
        part, _ = item.parts.get_or_create(number=number, defaults={"channel": _channel(item)})
        opening(part)
    return part


def opening(part: ReplyPart) -> bool:
    """Commit the intent to open it now; False where it was withdrawn meanwhile."""
    return _step(part, PartState.PLANNED, PartState.OPENING, opening_at=timezone.now())


def opened(part: ReplyPart, message: str) -> bool:
    """Its message is known; False where another part has it. Withdrawn, it stays so; where its
    final text was decided meanwhile, that is next."""
    decided = Case(When(text="", then=Value(PartState.OPEN)), default=Value(PartState.FINAL))
    state = Case(When(state=PartState.OPENING, then=decided), default=F("state"))
    row = ReplyPart.objects.filter(pk=part.pk, message="")
    try:
        with transaction.atomic():
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
    return _step(part, PartState.FINAL, PartState.SENT, text="")


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
            item.parts.create(number=number, text=text, channel=_channel(item))
            continue
        open_already = part.state in (PartState.OPEN, PartState.FINAL, PartState.SENT)
        part.state = PartState.FINAL if open_already else part.state
        part.text = text
        part.save(update_fields=["state", "text"])
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
