"""OpenAI's adapter on the simulated API: what it says, and what each failure becomes."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from pytest_django import Settings

from knowledge.errors import NoAnswer, ProviderError, Refused, Throttled, Unreachable
from knowledge.prompts import Prompt, Turn
from knowledge.providers import aclose_chat_models, chat_model
from knowledge.providers.statuses import LONGEST_DELAY, seconds
from tests.knowledge.talking import GROUNDED, attempt, first_piece_of, noticed_leaving, passage
from tests.simulators.faults import (
    Answer,
    Behaviour,
    Blocked,
    Cut,
    Empty,
    Garbage,
    Redirect,
    Reset,
    Status,
)
from tests.simulators.loopback import Request
from tests.simulators.model_server import Reply
from tests.simulators.openai import OpenAISimulator

pytestmark = pytest.mark.usefixtures("closing_clients", "few_certificates")


async def test_it_answers_piece_by_piece(openai: OpenAISimulator) -> None:
    pieces = [text async for text in chat_model("openai").stream(GROUNDED)]
    assert len(pieces) > 5
    assert "".join(pieces).startswith("Every employee gets thirty days")


async def test_the_history_comes_before_the_question(openai: OpenAISimulator) -> None:
    history = [Turn("user", "Hello?"), Turn("assistant", "Hello!")]
    await attempt("openai", Prompt("And leave?", [passage()], history))
    messages = openai.requests[0].body["messages"]
    assert [m["role"] for m in messages] == ["system", "user", "assistant", "user"]
    assert messages[2]["content"] == "Hello!"
    assert messages[3]["content"].endswith("Question: And leave?")


async def test_one_attempt_is_one_request(openai: OpenAISimulator) -> None:
    openai.faults.always(Status(503))
    with pytest.raises(Unreachable):
        await attempt("openai")
    assert len(openai.requests) == 1


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Status(429), Throttled),
        (Status(429, code="insufficient_quota"), Refused),
        (Status(400), Refused),
        (Status(401), Refused),
        (Status(402), Refused),
        (Status(403), Refused),
        (Status(404), Refused),
        (Status(408), Unreachable),
        (Status(409), Unreachable),
        (Status(500), Unreachable),
        (Status(503), Unreachable),
        (Status(503, after=2), Unreachable),
        (Reset(), Unreachable),
        (Reset(after=0), Unreachable),
        (Reset(after=3), Unreachable),
        (Reset(after=3, fin=True), Unreachable),
        (Cut(), Unreachable),
        (Cut(after=3), Unreachable),
        (Cut(after=3, mid_event=True), Unreachable),
        (Garbage(), Unreachable),
        (Garbage(after=3), Unreachable),
        (Empty(), Unreachable),
        (Blocked(), Refused),
        (Answer("I can't help.", refusal=True), NoAnswer),
        (Redirect("http://127.0.0.1:9"), Refused),
    ],
    ids=str,
)
async def test_each_fault_becomes_an_error_of_ours(
    openai: OpenAISimulator, fault: Behaviour, error: type[ProviderError]
) -> None:
    openai.faults.always(fault)
    with pytest.raises(ProviderError) as caught:
        await attempt("openai")
    assert type(caught.value) is error


@pytest.mark.parametrize(
    "name",
    ["stop", "length", "content_filter", "tool_calls", "function_call", "sk-words-of-theirs"],
)
async def test_every_finish_reason_is_an_answer_or_explained(
    openai: OpenAISimulator, name: str
) -> None:
    openai.faults.always(Answer("Some text.", finish=name))
    if name in ("stop", "length"):
        assert await attempt("openai") == "Some text."
        return
    with pytest.raises(NoAnswer, match=name if "_" in name else "reason of its own") as caught:
        await attempt("openai")
    assert "theirs" not in str(caught.value)


@pytest.mark.parametrize(
    ("fault", "at_fault"),
    [
        (Status(400), False),
        (Blocked(), False),
        (Status(401), True),
        (Status(402), True),
        (Status(403), True),
        (Status(404), True),
        (Status(429, code="insufficient_quota"), True),
        (Redirect("http://127.0.0.1:9"), True),
    ],
    ids=str,
)
async def test_only_a_request_at_fault_leaves_the_provider_trusted(
    openai: OpenAISimulator, fault: Behaviour, at_fault: bool
) -> None:
    openai.faults.always(fault)
    with pytest.raises(Refused) as caught:
        await attempt("openai")
    assert caught.value.provider_at_fault == at_fault


async def test_a_wrong_key_is_named(openai: OpenAISimulator, settings: Settings) -> None:
    settings.OPENAI_API_KEY = "another-key"
    with pytest.raises(Refused, match="key is not accepted"):
        await attempt("openai")


async def test_a_spent_quota_is_named(openai: OpenAISimulator) -> None:
    openai.faults.always(Status(429, code="insufficient_quota", retry_after=1))
    with pytest.raises(Refused, match="quota is spent"):
        await attempt("openai")


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("delay", [0.5, 7, 3600])
async def test_the_delay_asked_for_is_read(
    openai: OpenAISimulator, status: int, delay: float
) -> None:
    openai.faults.always(Status(status, retry_after=delay))
    with pytest.raises(ProviderError) as caught:
        await attempt("openai")
    assert caught.value.retry_after == delay


def test_a_delay_may_be_a_date() -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    assert 85 < seconds(date) <= 90
    assert seconds("Wed, 21 Oct 2015 07:28:00 GMT") == 0


@pytest.mark.parametrize("header", [None, "", "soon", "nan", "-5", "Wed, 99 Oct"])
def test_a_delay_that_says_nothing_is_none(header: str | None) -> None:
    assert seconds(header) == 0


@pytest.mark.parametrize("header", ["inf", "1e300", "999999999"])
def test_a_delay_has_an_end(header: str) -> None:
    assert seconds(header) == LONGEST_DELAY


async def test_a_redirect_never_gets_the_key(openai: OpenAISimulator) -> None:
    with OpenAISimulator() as elsewhere:
        openai.faults.always(Redirect(elsewhere.url.removesuffix("/v1")))
        with pytest.raises(Refused):
            await attempt("openai")
        assert elsewhere.requests == []


async def test_nobody_at_the_address(openai: OpenAISimulator, settings: Settings) -> None:
    for address in ("http://127.0.0.1:9/v1", "http://[", "nonsense", "http://host.invalid/v1"):
        settings.OPENAI_BASE_URL = address
        chat_model.cache_clear()
        with pytest.raises(Unreachable):
            await attempt("openai")


@pytest.mark.parametrize(
    "odd",
    [
        b"[1, 2]",
        b'"words"',
        b"null",
        b'{"choices": null}',
        b'{"choices": 7}',
        b'{"choices": [7]}',
        b'{"choices": [{"delta": null}]}',
        b'{"choices": [{"delta": {"content": 7}, "finish_reason": "stop"}]}',
        b'{"error": "down"}',
        b"\xff\xfe",
    ],
)
async def test_json_of_another_shape_can_not_be_read(settings: Settings, odd: bytes) -> None:
    class Odd(OpenAISimulator):
        def reply(self, request: Request, behaviour: Behaviour) -> Reply:
            return Reply([b"data: " + odd + b"\n\ndata: [DONE]\n\n"], stream=True)

    with Odd() as server:
        settings.OPENAI_BASE_URL = server.url
        with pytest.raises(Unreachable):
            await attempt("openai")


async def test_it_works_without_a_key_where_there_is_an_address(
    openai: OpenAISimulator, settings: Settings
) -> None:
    openai.key, settings.OPENAI_API_KEY = None, ""
    assert await attempt("openai")


async def test_a_reader_who_leaves_closes_the_connection(openai: OpenAISimulator) -> None:
    openai.faults.always(Answer("word " * 200, delay=0.02))
    assert await first_piece_of(chat_model("openai").stream(GROUNDED)) == "word "
    assert await noticed_leaving(openai.requests[0])


async def test_a_reader_who_is_cancelled_closes_the_connection(openai: OpenAISimulator) -> None:
    openai.faults.always(Answer("word " * 200, delay=0.02))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await attempt("openai")
    assert await noticed_leaving(openai.requests[0])


async def test_it_answers_again_after_its_connections_were_closed(openai: OpenAISimulator) -> None:
    first = await attempt("openai")
    await aclose_chat_models()
    assert await attempt("openai") == first


def test_it_answers_in_one_event_loop_after_another(openai: OpenAISimulator) -> None:
    async def once() -> str:
        try:
            return await attempt("openai")
        finally:
            await aclose_chat_models()

    assert asyncio.run(once()) == asyncio.run(once())


async def test_questions_at_once_are_answered_at_once(openai: OpenAISimulator) -> None:
    openai.faults.always(Answer("one two three four five", delay=0.1))
    started = time.monotonic()
    texts = await asyncio.gather(*(attempt("openai") for _ in range(8)))
    assert texts == ["one two three four five"] * 8
    assert time.monotonic() - started < 3
