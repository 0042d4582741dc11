"""What was said before, as far as everyone who will read the answer may see it."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q, QuerySet

from backend.chat.models import Message
from knowledge.models import Space, VersionState
from knowledge.prepared import Given, Select
from knowledge.prompts import Turn

# Tokens of history in a prompt, at about four characters each.
TOKEN_BUDGET = 1500
CHARACTERS_A_TOKEN = 4
TURNS = 40
_CITATION = re.compile(r"\s?\[\d+\]")


@dataclass(frozen=True)
class Past:
    """The turns that may enter a prompt, oldest first, and the messages that they are of."""

    turns: Sequence[Turn] = ()
    messages: Sequence[int] = ()


def shown_to(messages: QuerySet[Message], audience: Iterable[Space]) -> QuerySet[Message]:
    """The messages that drew on nothing outside the audience's spaces and on no document or
    version that was removed since."""
    drew_on_space = Message.spaces.through.objects.filter(message=OuterRef("pk"))
    outside = drew_on_space.exclude(space__in=list(audience))
    removed = Message.versions.through.objects.filter(
        Q(documentversion__document__removed_at__isnull=False)
        | Q(documentversion__state=VersionState.REMOVED),
        message=OuterRef("pk"),
    )
    return messages.filter(~Exists(outside), ~Exists(removed), erased_at=None)


# Most questions begin a conversation, and what is shown of one takes long to put together.
_ANY_BEFORE = Select(
    lambda: (
        Message.objects.filter(conversation=Given(0), pk__lt=Given(1))
        .order_by()
        .values_list("pk")[:1]
    )
)


def _shown_before(question: Message, audience: Iterable[Space]) -> Iterable[tuple[int, str, str]]:
    """The latest messages before the question, the last one first."""
    # In hexadecimal digits every database takes it.
    if not _ANY_BEFORE(question.conversation_id.hex, question.pk):
        return ()
    earlier = Message.objects.filter(conversation=question.conversation_id, pk__lt=question.pk)
    messages = shown_to(earlier, audience).order_by("-pk")
    return messages.values_list("pk", "speaker", "text")[:TURNS]


def past_before(
    question: Message, audience: Iterable[Space], said_before: Sequence[Turn] = ()
) -> Past:
    """The latest turns before the question that fit into the budget; what was said outside of
    the conversation comes first, and is left out first."""
    left = TOKEN_BUDGET * CHARACTERS_A_TOKEN
    turns: list[Turn] = []
    pks: list[int] = []
    for pk, speaker, text in _shown_before(question, audience):
        # Numbers of another answer's passages would be taken for this one's.
        text = _CITATION.sub("", text)
        left -= len(text)
        if left < 0:
            break
        turns.insert(0, Turn(speaker, text))
        pks.insert(0, pk)
    for turn in reversed(said_before):
        left -= len(turn.text)
        if left < 0:
            break
        turns.insert(0, turn)
    return Past(turns, pks)
