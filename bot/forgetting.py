"""Forget in the inbox who was forgotten: what they said becomes tombstones without content.

A tombstone keeps the platform's id of the message, so what is delivered again answers nothing.
"""

from backend.accounts.models import ForgottenIdentity, Installation
from backend.chat.models import Message
from bot import inbox
from bot.inbox import forget_turns
from bot.incoming import Key
from bot.models import InboxItem, ItemState

BATCH = 200


def sweep() -> list[Key]:
    """Forget what everybody who was forgotten said until then; the keys of what was not answered
    and shown yet, which its owner is to drop. Safe to repeat, and repeated by the worker."""
    stopped: list[Key] = []
    for person in ForgottenIdentity.objects.all():
        # Also what they asked where nobody is known: alone, or in a server that is not ours.
        others = Installation.objects.filter(platform=person.platform).exclude(
            external_id=person.installation
        )
        theirs = InboxItem.objects.filter(
            platform=person.platform, sender=person.external_id, received_at__lte=person.at
        ).exclude(installation__in=others.values("external_id"))
        while (item := theirs.filter(settled=False).order_by("pk").first()) is not None:
            inbox.void(item)
            stopped.append(item.key)
        while pks := list(theirs.values_list("pk", flat=True)[:BATCH]):
            _bury(pks)
        person.delete()
    return stopped


def sweep_unnoted() -> None:
    """Remove turns that were kept for items which are done with, where the item does not refer to
    them: whoever asked died before they took note of them. Safe to repeat, and repeated by the
    worker."""
    at_work = InboxItem.objects.filter(settled=False).values("pk")
    done = Message.objects.exclude(asked_for=None).exclude(asked_for__in=at_work)
    while turns := list(done.values_list("pk", flat=True)[:BATCH]):
        forget_turns(turns)
        Message.objects.filter(pk__in=turns).update(asked_for=None)


def _bury(pks: list[int]) -> None:
    """What was answered and shown: the messages of the reply are the platform's to keep, and what
    was brought to a channel is the channel's."""
    items = InboxItem.objects.filter(pk__in=pks)
    turns = [pk for pair in items.values_list("question", "answer") for pk in pair if pk]
    items.update(
        state=ItemState.VOID,
        text="",
        sender="",
        sender_team="",
        reason="",
        route={},
        conversation=None,
        question=None,
        answer=None,
        space="",
        sha256="",
        version=None,
        brought=False,
        request=None,
        told="",
    )
    forget_turns(turns)
