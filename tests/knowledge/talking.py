"""Talk to the models as the engine does, and look at what came of it."""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from knowledge import answering
from knowledge.answering import Answer, Delta, Event, Query, Restart
from knowledge.models import Space
from knowledge.passages import Passage
from knowledge.prompts import Prompt, Turn
from knowledge.providers import chain, chat_model, fallback
from knowledge.providers.minilm import MiniLM
from tests.simulators.loopback import Request

LEAVE = "Every employee gets thirty days of parental leave, paid in full by the company."
VISIT = "Guests sign the book at the front desk before they enter the building."


@cache
def loaded_minilm() -> MiniLM:
    return MiniLM()


def passage(text: str = LEAVE, number: int = 1) -> Passage:
    return Passage(number, "id", "hr.txt", 1, number, 1, None, "", 0, len(text), text, 0.8)


GROUNDED = Prompt("How much parental leave is there?", [passage(), passage(VISIT, 2)])
GENERAL = Prompt("How far away is the moon?")


@dataclass
class Heard:
    """What a stream of the fallback gave."""

    text: str = ""
    provider: str = ""
    restarts: int = 0
    seconds: float = 0.0
    pieces: list[fallback.Piece] = field(default_factory=list)


async def hear(prompt: Prompt = GROUNDED, providers: Sequence[str] | None = None) -> Heard:
    """One question through the fallback. Raises what it raises."""
    heard, started = Heard(), time.monotonic()
    chosen = chain() if providers is None else providers
    async with aclosing(fallback.stream(prompt, chosen)) as pieces:
        async for piece in pieces:
            if isinstance(piece, fallback.Restart):
                heard.text, heard.restarts = "", heard.restarts + 1
            else:
                heard.text, heard.provider = heard.text + piece.text, piece.provider
                heard.pieces.append(piece)
    heard.seconds = time.monotonic() - started
    return heard


async def attempt(provider: str, prompt: Prompt = GROUNDED) -> str:
    """One attempt of one adapter, without deadlines. Raises what it raises."""
    async with aclosing(chat_model(provider).stream(prompt)) as tokens:
        return "".join([text async for text in tokens])


async def events_of(
    question: str, spaces: Sequence[Space], history: Sequence[Turn] = ()
) -> list[Event]:
    return [event async for event in answering.answer(Query(question, spaces, history))]


async def answer_to(question: str, *spaces: Space, history: Sequence[Turn] = ()) -> Answer:
    """The answer, after what holds of every one has been looked at."""
    events = await events_of(question, spaces, history)
    final = events[-1]
    assert isinstance(final, Answer)
    assert final.text.strip(), "a blank answer"
    assert final.text == shown(events)
    assert final.used_context == bool(final.sources)
    if final.refused:
        assert not final.sources
    return final


def shown(events: Sequence[Event]) -> str:
    """What stands on the screen at the end."""
    text = ""
    for event in events:
        if isinstance(event, Restart):
            text = ""
        elif isinstance(event, Delta):
            text += event.text
    return text


def prompt_text(request: Request) -> str:
    """Everything that a model was told in this request, the system's words first."""
    body: Any = request.body
    if "messages" in body:
        return "\n".join(message["content"] for message in body["messages"])
    contents = [body["systemInstruction"], *body["contents"]]
    return "\n".join(part["text"] for content in contents for part in content["parts"])


def chats(requests: Sequence[Request]) -> list[Request]:
    """The requests that asked for an answer, not for embeddings."""
    return [r for r in requests if "embed" not in r.path.lower()]


async def noticed_leaving(request: Request) -> bool:
    """Whether the server sees within two seconds that the client has left."""
    for _ in range(200):
        if request.gone:
            return True
        await asyncio.sleep(0.01)
    return False


async def first_piece_of(pieces: AsyncGenerator[Any]) -> Any:
    """The first thing that comes; then the reader leaves."""
    async with aclosing(pieces):
        return await anext(pieces)
