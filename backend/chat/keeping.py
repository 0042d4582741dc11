"""Keeping an answer: its words, what they drew on and what they cite."""

from collections.abc import Sequence
from functools import cache
from uuid import UUID

from django.db import transaction
from django.db.models import Model

from backend.chat.history import Past
from backend.chat.models import Message, Source, Speaker
from knowledge.answering import Answer
from knowledge.models import Document, DocumentVersion, VersionState
from knowledge.passages import Passage
from knowledge.prepared import Insert, Select, any_of

_Spaces, _Versions = Message.spaces.through, Message.versions.through
NEW_TURN, _NEW_SOURCE = Insert(Message), Insert(Source)
_NEW_SPACE, _NEW_VERSION = Insert(_Spaces, unless_there=True), Insert(_Versions)


def still_stand(drawn_on: Sequence[Passage]) -> bool:
    """Whether none of the documents and versions was removed. The documents are locked, so that
    none is until the transaction ends."""
    if not drawn_on:
        return True
    # In hexadecimal digits every database takes it.
    documents = {UUID(passage.document_id).hex for passage in drawn_on}
    versions = {passage.version_id for passage in drawn_on}
    there = _locked(len(documents))(*documents)
    return len(there) == len(documents) and not _removed(len(versions))(*versions)


@cache
def _locked(count: int) -> Select:
    """Those of so many documents that are there, locked."""
    there = Document.objects.kept().filter(pk__in=any_of(count)).select_for_update()
    return Select(lambda: there.order_by("pk").values_list("pk"))


@cache
def _removed(count: int) -> Select:
    """Those of so many versions that were removed."""
    versions = DocumentVersion.objects.filter(pk__in=any_of(count), state=VersionState.REMOVED)
    return Select(lambda: versions.values_list("pk"))


def keep_answer(kept: Message, answer: Answer, past: Past) -> Message:
    """Keep the answer with what it drew on; where its spaces are out of sight, the question is as
    well.

    A model may repeat what it was told of the conversation so far, so what earlier turns drew on
    counts as well. The extractive answerer is told nothing of them.
    """
    told = () if answer.provider == "extractive" else past.messages
    with transaction.atomic():
        message = NEW_TURN(
            Message(
                conversation_id=kept.conversation_id,
                asker_id=kept.asker_id,
                asked_for=kept.asked_for,
                speaker=Speaker.ASSISTANT,
                text=answer.text,
                category=answer.category,
                provider=answer.provider,
                notice=answer.notice,
                used_context=answer.used_context,
                refused=answer.refused,
            )
        )
        spaces = {passage.space_id for passage in answer.drawn_on}
        spaces |= _drawn_on_before(_Spaces, "space_id", told)
        for turn in (kept, message):
            for pk in spaces:
                _NEW_SPACE(_Spaces(message=turn, space_id=pk))
        versions = {passage.version_id for passage in answer.drawn_on}
        versions |= _drawn_on_before(_Versions, "documentversion_id", told)
        for pk in versions:
            _NEW_VERSION(_Versions(message=message, documentversion_id=pk))
        _cite(message, answer.sources)
    return message


def _cite(message: Message, sources: Sequence[Passage]) -> None:
    for number, passage in enumerate(sources, start=1):
        _NEW_SOURCE(
            Source(
                message=message,
                number=number,
                version_id=passage.version_id,
                section_id=passage.section_id,
                start=passage.start,
                end=passage.end,
                excerpt=passage.text,
            )
        )


def _drawn_on_before(links: type[Model], name: str, told: Sequence[int]) -> set[int]:
    """What the messages that the model was told of drew on."""
    if not told:
        return set()
    rows = links._default_manager.filter(message__in=told)
    return set(rows.values_list(name, flat=True))
