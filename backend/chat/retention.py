"""How long what was asked and answered is kept."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import QuerySet

from backend.accounts.models import Workspace
from backend.chat.models import Conversation, Message
from backend.chat.removal import retitle
from knowledge import batches


def kept_since(workspace: Workspace | None, now: datetime) -> datetime:
    """What is older is deleted; without a workspace, by CHAT_RETENTION_DAYS."""
    own = workspace.retention_days if workspace else None
    return now - timedelta(days=settings.CHAT_RETENTION_DAYS if own is None else own)


def delete_old_turns(now: datetime) -> int:
    """Delete the messages that are too old, and the conversations left empty; how many messages.
    Safe to repeat."""
    with_own = list(Workspace.objects.exclude(retention_days=None))
    others = Conversation.objects.filter(workspace__in=with_own)
    everywhere = Message.objects.filter(created_at__lt=kept_since(None, now))
    # Those that an earlier run left when it broke off.
    delete_empty(Conversation.objects.filter(updated_at__lt=kept_since(None, now)))
    count = _delete(everywhere.exclude(conversation__in=others) if with_own else everywhere)
    for workspace in with_own:
        here = Conversation.objects.filter(workspace=workspace)
        old = Message.objects.filter(created_at__lt=kept_since(workspace, now))
        count += _delete(old.filter(conversation__in=here))
    return count


def _delete(old: QuerySet[Message]) -> int:
    oldest = old.order_by("created_at").values_list("pk", flat=True)

    def batch(most: int) -> int:
        pks = list(oldest[:most])
        _remove(pks)
        return len(pks)

    return batches.in_batches(batch)


def _remove(messages: list[int]) -> None:
    """The same as `remove_turns`, in several transactions."""
    said = Message.objects.filter(pk__in=messages)
    conversations = set(said.values_list("conversation", flat=True))
    batches.delete(said)
    delete_empty(Conversation.objects.filter(pk__in=conversations))
    for conversation in Conversation.objects.filter(pk__in=conversations):
        with batches.resting():
            retitle(conversation)


def delete_empty(conversations: QuerySet[Conversation]) -> None:
    """Delete those of these in which nothing is said any more."""
    batches.delete(conversations.filter(messages=None))
