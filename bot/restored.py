"""The inbox after a restore: what was answered since the backup is not answered again."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.db import transaction

from bot import inbox
from bot.incoming import Key
from bot.models import InboxItem, ItemState, ReadMark

BATCH = 500


@dataclass(frozen=True)
class Later:
    """What the inbox of the replaced store held: everything that it knew, what of that was void,
    what nobody had begun to answer, and how far each channel was read back (platform,
    installation, channel, mark)."""

    known: Collection[Key]
    void: Collection[Key]
    waiting: Collection[Key]
    marks: Collection[tuple[str, str, str, str]]


def catch_up(later: Later | None) -> int:
    """Bring the restored inbox to where the replaced one was; without that nothing that was said
    before now is answered. How many questions of the backup are left unanswered."""
    if later is None:
        ReadMark.objects.all().delete()  # listening begins anew
        return _settle(())
    for item in _items(later.void):
        if item.state != ItemState.VOID:
            inbox.void(item)
    unanswered = _settle(later.waiting)
    _bury(later.known)
    with transaction.atomic():
        ReadMark.objects.all().delete()
        names = ("platform", "installation", "channel", "read_until")
        ReadMark.objects.bulk_create(
            ReadMark(**dict(zip(names, mark, strict=True))) for mark in later.marks
        )
    return unanswered


def _settle(waiting: Collection[Key]) -> int:
    """Whether an answer was sent since can't be known, save for those that still wait."""
    waiting = set(waiting)
    unsettled = InboxItem.objects.filter(settled=False).exclude(state=ItemState.VOID)
    stale = [
        item
        for item in unsettled.prefetch_related("parts")
        if item.key not in waiting or item.parts.all()
    ]
    for first in range(0, len(stale), BATCH):
        pks = [item.pk for item in stale[first : first + BATCH]]
        InboxItem.objects.filter(pk__in=pks).update(
            settled=True, state=ItemState.FAILED, token="", lease_until=None
        )
    return sum(item.state != ItemState.ANSWERED for item in stale)


def _items(keys: Collection[Key]) -> list[InboxItem]:
    wanted = set(keys)
    return [item for item in InboxItem.objects.all().iterator(BATCH) if item.key in wanted]


def _bury(keys: Iterable[Key]) -> None:
    """Tombstones for what was said since the backup, so that reading back passes it over."""
    rows = [InboxItem(**vars(key), state=ItemState.VOID, settled=True) for key in keys]
    InboxItem.objects.bulk_create(rows, batch_size=BATCH, ignore_conflicts=True)
