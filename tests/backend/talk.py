"""Ask from a test: draw the events one by one and let things happen in between."""

from collections.abc import Callable, Mapping
from contextlib import aclosing
from typing import Any

from asgiref.sync import async_to_sync, sync_to_async

from backend.accounts.audience import Place
from backend.chat.asking import Answered, Begun, Event, Question, ask
from backend.chat.models import Message
from knowledge.answering import Delta, Restart
from knowledge.providers import aclose_chat_models

# What happens after an event of this type, each time before the next one is drawn.
After = Mapping[type, Callable[[], Any]]


def asked(
    text: str, place: Place, conversation: str | None = None, *, after: After | None = None
) -> list[Event]:
    """All events of a question's answer."""

    async def draw() -> list[Event]:
        events: list[Event] = []
        try:
            async with aclosing(ask(Question(text, place, conversation))) as stream:
                async for event in stream:
                    events.append(event)
                    if after and type(event) in after:
                        await sync_to_async(after[type(event)])()
        finally:
            await aclose_chat_models()
        return events

    return async_to_sync(draw)()


def answered(events: list[Event]) -> Answered:
    last = events[-1]
    assert isinstance(last, Answered)
    return last


def kept(events: list[Event]) -> Message:
    """The answer's row."""
    return Message.objects.get(pk=answered(events).message)


def conversation_of(events: list[Event]) -> str:
    first = events[0]
    assert isinstance(first, Begun)
    return first.conversation


def streamed(events: list[Event]) -> str:
    """What a reader sees in the end: the pieces since the last restart."""
    text = ""
    for event in events:
        if isinstance(event, Restart):
            text = ""
        elif isinstance(event, Delta):
            text += event.text
    return text


def once(change: Callable[[], Any]) -> Callable[[], Any]:
    """The change, made at the first call only."""
    made: list[bool] = []

    def change_once() -> None:
        if not made:
            made.append(True)
            change()

    return change_once
