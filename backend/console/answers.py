"""Ask on the page: the answer as server-sent events."""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Any

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.views.decorators.http import require_POST

from backend.chat.asking import Answered, Begun, Event, Question, ask
from backend.chat.errors import BadQuestion
from backend.chat.models import Message
from backend.console.access import SIGNED_OUT, json_of, place_of, problem
from backend.console.conversations import answer_fields
from knowledge.answering import Delta, Restart, Status
from knowledge.errors import KnowledgeError

# Seconds of silence after which a comment keeps proxies from closing the connection.
PING = 15
FAULT = "Something went wrong on our side. Ask again; if it stays so, tell your admin."

logger = logging.getLogger(__name__)


@require_POST
async def ask_view(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """POST {"question", "conversation"}: a stream of status, delta, restart, answer, error."""
    if not (await request.auser()).is_authenticated:
        return problem(SIGNED_OUT, 401)
    body = json_of(request)
    text, conversation = body.get("question"), body.get("conversation")
    if not isinstance(text, str):
        return problem("Send JSON with a question.")
    place = await sync_to_async(place_of)(request)
    events = ask(Question(text, place, str(conversation) if conversation else None))
    try:
        begun = await anext(events)
    except BadQuestion as error:
        return problem(str(error))
    return StreamingHttpResponse(
        _sse(begun, events),
        content_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _sse(begun: Event, events: AsyncGenerator[Event]) -> AsyncGenerator[str]:
    assert isinstance(begun, Begun)
    yield _event("status", {"text": "", "conversation": begun.conversation})
    try:
        async with aclosing(_pinged(events)) as pinged:
            async for event in pinged:
                yield await _told(event)
    except KnowledgeError as error:
        yield _event("error", {"text": str(error)})
    except Exception:
        # The stream's outermost loop: whatever went wrong, the person is told.
        logger.exception("A question on the page could not be answered")
        yield _event("error", {"text": FAULT})


async def _told(event: Event | None) -> str:
    match event:
        case Status(text):
            return _event("status", {"text": text})
        case Delta(text):
            return _event("delta", {"text": text})
        case Restart(text):
            return _event("restart", {"text": text})
        case Answered():
            return _event("answer", await sync_to_async(_answer)(event))
        case _:
            return ": ping\n\n"


async def _pinged(events: AsyncGenerator[Event]) -> AsyncGenerator[Event | None]:
    """The events, with None after each PING seconds of silence."""
    coming = None
    try:
        while True:
            coming = asyncio.ensure_future(anext(events))
            while not (await asyncio.wait([coming], timeout=PING))[0]:
                yield None
            try:
                yield coming.result()
            except StopAsyncIteration:
                return
    finally:
        if coming is not None and not coming.done():
            coming.cancel()
            with suppress(asyncio.CancelledError):
                await coming
        await events.aclose()


def _answer(event: Answered) -> dict[str, Any]:
    message = Message.objects.get(pk=event.message)
    return {"conversation": event.conversation, "message": message.pk, **answer_fields(message)}


def _event(name: str, data: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"
