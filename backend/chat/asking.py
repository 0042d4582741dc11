"""ask(question) -> events: the one door to an answer, for every face of Askwell."""

import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from asgiref.sync import sync_to_async
from django.db import transaction

from backend.accounts.audience import Place, readable_spaces
from backend.chat import wording
from backend.chat.errors import EmptyQuestion, QuestionTooLong, UnknownConversation
from backend.chat.history import turns_for
from backend.chat.models import Conversation, Message, Source, Speaker
from knowledge import answering
from knowledge.answering import Answer, Delta, Restart, Status
from knowledge.categories import Category
from knowledge.extraction import clean
from knowledge.models import Document, Space
from knowledge.prompts import Turn

logger = logging.getLogger(__name__)

MAX_QUESTION = 4000
# How often an answer is begun anew because its readers changed while it was written.
MAX_ROUNDS = 3


@dataclass(frozen=True)
class Question:
    """What is asked, where, and in which conversation; None begins one."""

    text: str
    place: Place
    conversation: str | None = None


@dataclass(frozen=True)
class Begun:
    """The question is kept; what follows belongs to this conversation."""

    conversation: str


@dataclass(frozen=True)
class Answered:
    """The answer as it was kept."""

    conversation: str
    message: int
    answer: Answer


Event = Begun | Status | Delta | Restart | Answered


async def ask(question: Question) -> AsyncGenerator[Event]:
    """Keep the question, stream its answer, keep that. The last event is Answered.

    Raises BadQuestion, and then keeps nothing. The readers are looked up when passages are
    retrieved and again before the first and the last words; have they become fewer, or was a
    document removed meanwhile, the draft is discarded and the question asked anew.
    """
    kept = await sync_to_async(_keep_question)(question)
    yield Begun(str(kept.conversation_id))
    for _ in range(MAX_ROUNDS):
        spaces, turns = await sync_to_async(_look_up)(question.place, kept)
        query = answering.Query(kept.text, spaces, turns)
        async with aclosing(_one_round(query, question.place)) as events:
            async for event in events:
                if isinstance(event, Answer):
                    message = await sync_to_async(_keep_answer)(kept, event)
                    yield Answered(str(kept.conversation_id), message.pk, event)
                    return
                yield event
    yield Delta(wording.READERS_CHANGE)
    answer = Answer(wording.READERS_CHANGE, Category.DOCUMENT, "extractive", refused=True)
    message = await sync_to_async(_keep_answer)(kept, answer)
    yield Answered(str(kept.conversation_id), message.pk, answer)


async def _one_round(
    query: answering.Query, place: Place
) -> AsyncGenerator[Status | Delta | Restart | Answer]:
    """The events of one answer; ends without an Answer where it must be asked anew."""
    visible = False
    async with aclosing(answering.answer(query)) as events:
        async for event in events:
            if isinstance(event, Delta) and not visible:
                if not await sync_to_async(_still_reads)(place, query.spaces):
                    return
                visible = True
            elif isinstance(event, Answer) and not await sync_to_async(_still_stands)(
                place, query.spaces, event
            ):
                if visible:
                    yield Restart(wording.READERS_CHANGED)
                return
            yield event


def _keep_question(question: Question) -> Message:
    text = clean(question.text).strip()
    if not text:
        raise EmptyQuestion()
    if len(text) > MAX_QUESTION:
        raise QuestionTooLong(f"{len(text):,} characters; the limit is {MAX_QUESTION:,}")
    with transaction.atomic():
        conversation = _conversation(question, text)
        conversation.save()  # moves it up in the list
        latest = conversation.messages.last()
        if latest and latest.speaker == Speaker.USER and latest.text == text:
            return latest  # asked again after its answer broke off
        return conversation.messages.create(speaker=Speaker.USER, text=text)


def _conversation(question: Question, text: str) -> Conversation:
    place = question.place
    if question.conversation is None:
        return Conversation.objects.create(
            workspace=place.workspace, user=place.user, channel=place.channel, title=text[:200]
        )
    found = Conversation.objects.filter(
        pk=question.conversation,
        workspace=place.workspace,
        user=place.user,
        channel=place.channel,
    ).first()
    if found is None:
        raise UnknownConversation()
    return found


def _look_up(place: Place, kept: Message) -> tuple[list[Space], list[Turn]]:
    spaces = readable_spaces(place)
    turns = turns_for(kept.conversation, spaces)
    return spaces, turns[:-1]  # the last one is the question itself


def _still_reads(place: Place, spaces: Sequence[Space]) -> bool:
    return set(spaces) <= set(readable_spaces(place))


def _still_stands(place: Place, spaces: Sequence[Space], answer: Answer) -> bool:
    drawn = {passage.document_id for passage in answer.drawn_on}
    removed = Document.objects.filter(pk__in=drawn).exclude(removed_at=None)
    return _still_reads(place, spaces) and not removed.exists()


def _keep_answer(kept: Message, answer: Answer) -> Message:
    """Keep the answer with what it drew on; question and answer are shown or hidden together."""
    with transaction.atomic():
        message = Message.objects.create(
            conversation=kept.conversation,
            speaker=Speaker.ASSISTANT,
            text=answer.text,
            category=answer.category,
            provider=answer.provider,
            notice=answer.notice,
            used_context=answer.used_context,
            refused=answer.refused,
        )
        for turn in (kept, message):
            turn.spaces.add(*{passage.space_id for passage in answer.drawn_on})
        message.versions.add(*{passage.version_id for passage in answer.drawn_on})
        Source.objects.bulk_create(
            Source(
                message=message,
                number=number,
                version_id=passage.version_id,
                section_id=passage.section_id,
                start=passage.start,
                end=passage.end,
                excerpt=passage.text,
            )
            for number, passage in enumerate(answer.sources, start=1)
        )
    return message
