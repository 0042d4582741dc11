"""ask(question) -> events: the one door to an answer, for every face of Askwell."""

import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from uuid import UUID

from django.db import transaction
from django.db.models import Model

from backend.accounts.audience import Place, readable_keys, readable_spaces
from backend.chat import wording
from backend.chat.errors import EmptyQuestion, QuestionTooLong, UnknownConversation
from backend.chat.history import Past, past_before, shown_to
from backend.chat.keeping import NEW_TURN, keep_answer, still_stand
from backend.chat.models import Conversation, Message, Speaker
from backend.committing import CommittingThread
from knowledge import answering
from knowledge.answering import Answer, Delta, Restart, Status
from knowledge.categories import Category
from knowledge.extraction import clean
from knowledge.models import Space
from knowledge.prepared import Given, Insert, Select
from knowledge.prompts import Turn

MAX_QUESTION = 4000
# How often an answer is begun anew because its readers changed while it was written.
MAX_ROUNDS = 3
# Seconds between two looks at who reads along, while words come.
LOOK_EVERY = 1.0
_NEW_CONVERSATION = Insert(Conversation)

in_chat = CommittingThread("chat")


@dataclass(frozen=True)
class Question:
    """What is asked, where, and in which conversation; None begins one.

    `earlier` is what people said there before that is no part of the conversation; whoever reads
    the answer read that too. With `about`, ids of documents, the answer is drawn from these alone,
    as far as its readers may see them.
    """

    text: str
    place: Place
    conversation: str | None = None
    earlier: Sequence[Turn] = ()
    about: Sequence[UUID] = ()
    # Kept with both turns, so that who asked finds them again should they die meanwhile.
    asked_for: int | None = None


@dataclass(frozen=True)
class Begun:
    """The question is kept, as this message of this conversation."""

    conversation: str
    message: int


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
    document or a turn before it removed meanwhile, the draft is discarded and the question asked
    anew, at last without what was said before.
    """
    basis = await in_chat(_begin, question)
    yield Begun(str(basis.kept.conversation_id), basis.kept.pk)
    for again in range(MAX_ROUNDS):
        if again:
            basis = await in_chat(_look_up, question, basis.kept)
        if again == MAX_ROUNDS - 1:
            # Turns before it may go one after the other: those that a dead bot left half done.
            basis = replace(basis, past=Past())
        async with aclosing(_one_round(basis)) as events:
            async for event in events:
                yield event
                if isinstance(event, Answered):
                    return
    yield Delta(wording.READERS_CHANGE)
    answer = Answer(wording.READERS_CHANGE, Category.DOCUMENT, "extractive", refused=True)
    yield await in_chat(_keep, basis.kept, answer, Past())


@dataclass(frozen=True)
class _Basis:
    """What one round goes by: the question, its readers' spaces, and what was said before."""

    kept: Message
    place: Place
    spaces: list[Space]
    past: Past
    about: Sequence[UUID]


async def _one_round(basis: _Basis) -> AsyncGenerator[Event]:
    """The events of one answer; ends without Answered where it must be asked anew."""
    query = answering.Query(basis.kept.text, basis.spaces, basis.past.turns, basis.about)
    visible, looked = False, -LOOK_EVERY
    async with aclosing(answering.answer(query)) as events:
        async for event in events:
            if isinstance(event, Answer):
                answered = await in_chat(_keep_if_it_stands, basis, event)
                if answered is not None:
                    yield answered
                elif visible:
                    yield Restart(wording.READERS_CHANGED)
                return
            if isinstance(event, Delta) and time.monotonic() - looked > LOOK_EVERY:
                if not await in_chat(_still_reads, basis):
                    if visible:
                        yield Restart(wording.READERS_CHANGED)
                    return
                visible, looked = True, time.monotonic()
            yield event


def _begin(question: Question) -> _Basis:
    return _look_up(question, _keep_question(question))


def _keep_question(question: Question) -> Message:
    text = clean(question.text).strip()
    if not text:
        raise EmptyQuestion()
    if len(text) > MAX_QUESTION:
        raise QuestionTooLong(f"{len(text):,} characters; the limit is {MAX_QUESTION:,}")
    with transaction.atomic():
        conversation = _conversation(question, text)
        asked = {"speaker": Speaker.USER, "text": text, "asker": question.place.asker}
        before = _kept_before(conversation, question, asked) if question.conversation else None
        if before is not None:
            before.asked_for = question.asked_for
            before.save(update_fields=["asked_for"])
            return before
        return NEW_TURN(Message(conversation=conversation, **asked, asked_for=question.asked_for))


def _kept_before(
    conversation: Conversation, question: Question, asked: Mapping[str, object]
) -> Message | None:
    """The same turn, where its answer broke off: the last one, or the one that was kept for the
    same item. Answers beside it were told of it, so it stays where it is."""
    latest = conversation.messages.last()
    if latest and all(getattr(latest, name) == value for name, value in asked.items()):
        return latest
    if question.asked_for is None:
        return None
    return conversation.messages.filter(**asked, asked_for=question.asked_for).first()


def may_go_on(conversation: Conversation, place: Place) -> bool:
    """Whether a question that is asked there belongs to this conversation. It doesn't once its
    asker has become another person, by /unlink."""
    return all(
        getattr(conversation, f"{name}_id") == (row.pk if row else None)
        for name, row in _where(place).items()
    )


def _where(place: Place) -> dict[str, Model | None]:
    # What is said in a channel is everyone's there.
    owner = place.asker if place.channel is None else None
    return {"workspace": place.workspace, "user": owner, "channel": place.channel}


def _conversation(question: Question, text: str) -> Conversation:
    where = _where(question.place)
    if question.conversation is None:
        return _NEW_CONVERSATION(Conversation(title=text[:200], **where))
    try:
        found = Conversation.objects.filter(pk=UUID(question.conversation), **where).first()
    except ValueError:
        found = None
    if found is None:
        raise UnknownConversation()
    found.save(update_fields=["updated_at"])  # moves it up in the list
    return found


def _look_up(question: Question, kept: Message) -> _Basis:
    spaces = readable_spaces(question.place)
    past = past_before(kept, spaces, question.earlier)
    return _Basis(kept, question.place, spaces, past, question.about)


def _still_reads(basis: _Basis) -> bool:
    return {space.key for space in basis.spaces} <= readable_keys(basis.place)


def _still_shown(basis: _Basis) -> bool:
    """Whether the readers may see all of the past that the model was told."""
    past = basis.past.messages
    return not past or shown_to(Message.objects.filter(pk__in=past), basis.spaces).count() == len(
        past
    )


_KEPT = Select(lambda: Message.objects.filter(pk=Given(0)).values_list("pk"))


def _keep_if_it_stands(basis: _Basis, answer: Answer) -> Answered | None:
    """Keep the answer, unless its readers became fewer or something that it drew on was removed.
    The documents are locked, so that none is removed in between."""
    with transaction.atomic():
        stands = (
            still_stand(answer.drawn_on)
            # Whoever asked may have deleted the question meanwhile.
            and _KEPT(basis.kept.pk)
            and _still_reads(basis)
            and _still_shown(basis)
        )
        return _keep(basis.kept, answer, basis.past) if stands else None


def _keep(kept: Message, answer: Answer, past: Past) -> Answered:
    return Answered(str(kept.conversation_id), keep_answer(kept, answer, past).pk, answer)
