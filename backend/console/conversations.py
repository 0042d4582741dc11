"""Past conversations on the page, and thumbs."""

from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_GET, require_POST

from backend.accounts.audience import Place, readable_spaces
from backend.chat import feedback, wording
from backend.chat.history import shown_to
from backend.chat.models import Conversation, Message, Source, Speaker
from backend.console.access import json_of, place_of, problem, signed_in
from backend.console.rendering import to_html

NOT_FOUND = "This conversation doesn't exist or isn't yours."
LISTED = 100


@require_GET
@signed_in
def list_conversations(request: HttpRequest) -> HttpResponse:
    """The user's conversations, the latest first."""
    place = place_of(request)
    first = Message.objects.filter(conversation=OuterRef("pk"), speaker=Speaker.USER)
    rows = _conversations(place).annotate(shown=Exists(shown_to(first, readable_spaces(place))))
    listed = [
        {
            "id": str(row.pk),
            "title": row.title if row.shown else wording.UNTITLED,
            "updated": row.updated_at.isoformat(),
        }
        for row in rows.order_by("-updated_at")[:LISTED]
    ]
    return JsonResponse({"conversations": listed})


@require_GET
@signed_in
def show_conversation(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A conversation's messages; what the user may no longer see is shown as erased."""
    place = place_of(request)
    conversation = _conversations(place).filter(pk=pk).first()
    if conversation is None:
        return problem(NOT_FOUND, 404)
    messages = conversation.messages.prefetch_related(
        "sources__version__document", "sources__section", "feedback"
    )
    shown = set(
        shown_to(conversation.messages.all(), readable_spaces(place)).values_list("pk", flat=True)
    )
    return JsonResponse(
        {
            "id": str(conversation.pk),
            "title": conversation.title if shown else wording.UNTITLED,
            "messages": [_message(message, message.pk in shown) for message in messages],
        }
    )


@require_POST
@signed_in
def give_feedback(request: HttpRequest, pk: int) -> HttpResponse:
    """POST {"value": "up"|"down", "reason"}: the user's thumb on an answer of theirs."""
    place = place_of(request)
    message = Message.objects.filter(
        pk=pk, speaker=Speaker.ASSISTANT, conversation__in=_conversations(place)
    ).first()
    if message is None:
        return problem("This answer doesn't exist or isn't yours.", 404)
    body = json_of(request)
    value = body.get("value")
    if value not in ("up", "down") or place.user is None:
        return problem("A thumb is up or down.")
    feedback.give_feedback(message.pk, place.user, value == "up", str(body.get("reason") or ""))
    return JsonResponse({})


def answer_fields(message: Message) -> dict[str, Any]:
    """What the page shows of an answer."""
    sources = [_source(source) for source in message.sources.all()]
    return {
        "answer": message.text,
        "html": to_html(message.text, len(sources)),
        "sources": sources,
        "used_context": message.used_context,
        "refused": message.refused,
        "provider": message.provider,
        "category": message.category,
        "notice": message.notice,
    }


def _conversations(place: Place) -> Any:
    return Conversation.objects.filter(workspace=place.workspace, user=place.user, channel=None)


def _message(message: Message, shown: bool) -> dict[str, Any]:
    fields: dict[str, Any] = {"id": message.pk, "role": message.speaker, "erased": not shown}
    if not shown:
        return fields | {"text": wording.ERASED, "html": "", "sources": [], "feedback": None}
    if message.speaker == Speaker.USER:
        return fields | {"text": message.text}
    thumb = next(iter(message.feedback.all()), None)
    given = None if thumb is None else ("up" if thumb.helpful else "down")
    return fields | answer_fields(message) | {"text": message.text, "feedback": given}


def _source(source: Source) -> dict[str, Any]:
    section = source.section
    return {
        "number": source.number,
        "asset_id": str(source.version.document_id),
        "document": source.version.document.name,
        "page": section.page if section else None,
        "heading": section.heading if section else "",
        "excerpt": source.excerpt,
        "passage": f"/passages/{source.version_id}/{section.pk if section else 0}/"
        f"?start={source.start}&end={source.end}",
    }
