"""Remove a document everywhere: from search at once, then its text, and answers that used it;
and remove what was said."""

from collections.abc import Collection

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from backend.chat import wording
from backend.chat.models import Conversation, Message, Source, Speaker
from knowledge.models import Document, VersionState
from knowledge.removal import purge_removed, remove_document

BATCH = 200


def remove(document: Document) -> None:
    """Remove the document and everything that was made of it."""
    remove_document(document)
    sweep_removed()


def sweep_removed() -> None:
    """Finish every removal that is under way. Safe to repeat, and repeated by the worker: a
    process may die between withdrawing a document and purging it."""
    _erase_answers()
    purge_removed()


def remove_turns(messages: Collection[int]) -> None:
    """Remove what was said in these messages, and the conversations that become empty."""
    said = Message.objects.filter(pk__in=messages)
    conversations = set(said.values_list("conversation", flat=True))
    with transaction.atomic():
        said.delete()
        Conversation.objects.filter(pk__in=conversations, messages=None).delete()
        for conversation in Conversation.objects.filter(pk__in=conversations):
            retitle(conversation)


def retitle(conversation: Conversation) -> None:
    """A title is what was said first, so it goes with that."""
    first = conversation.messages.first()
    question = first is not None and first.speaker == Speaker.USER and first.erased_at is None
    title = first.text[:200] if first and question else wording.UNTITLED
    Conversation.objects.filter(pk=conversation.pk).exclude(title=title).update(title=title)


def _erase_answers() -> None:
    used = Message.objects.filter(
        Q(versions__document__removed_at__isnull=False) | Q(versions__state=VersionState.REMOVED),
        erased_at=None,
    ).distinct()
    while pks := list(used.values_list("pk", flat=True)[:BATCH]):
        with transaction.atomic():
            Source.objects.filter(message__in=pks).delete()
            Message.objects.filter(pk__in=pks).update(text="", notice="", erased_at=timezone.now())
