"""What was said before, as far as everyone who will read the answer may see it."""

import re
from collections.abc import Iterable

from django.db.models import Q, QuerySet

from backend.chat.models import Conversation, Message
from knowledge.models import Space
from knowledge.prompts import Turn

# Tokens of history in a prompt, at about four characters each.
TOKEN_BUDGET = 1500
CHARACTERS_A_TOKEN = 4
_CITATION = re.compile(r"\s?\[\d+\]")


def shown_to(messages: QuerySet[Message], audience: Iterable[Space]) -> QuerySet[Message]:
    """The messages that drew on nothing outside the audience's spaces and on no document that
    was removed since."""
    outside = Q(spaces__isnull=False) & ~Q(spaces__in=list(audience))
    removed = Q(versions__document__removed_at__isnull=False)
    hidden = Message.objects.filter(outside | removed).values("pk")
    return messages.filter(erased_at=None).exclude(pk__in=hidden)


def turns_for(conversation: Conversation, audience: Iterable[Space]) -> list[Turn]:
    """The latest turns that may enter a prompt and fit into the budget, oldest first."""
    left = TOKEN_BUDGET * CHARACTERS_A_TOKEN
    turns: list[Turn] = []
    messages = shown_to(conversation.messages.all(), audience).order_by("-pk")
    for speaker, text in messages.values_list("speaker", "text")[:40]:
        # Numbers of another answer's passages would be taken for this one's.
        text = _CITATION.sub("", text)
        left -= len(text)
        if left < 0:
            break
        turns.insert(0, Turn(speaker, text))
    return turns
