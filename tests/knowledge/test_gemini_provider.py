"""Gemini's adapter on the simulated API: what it says, and what each failure becomes."""

import asyncio

import pytest
from google.genai import types
from pytest_django import Settings

from knowledge.errors import NoAnswer, ProviderError, Refused, Throttled, Unreachable
from knowledge.prompts import Prompt, Turn
from knowledge.providers import aclose_chat_models, chat_model
from tests.knowledge.talking import (
    GROUNDED,
    attempt,
    first_piece_of,
    noticed_leaving,
    passage,
)
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
from tests.simulators.gemini import GeminiSimulator
from tests.simulators.loopback import Request
from tests.simulators.model_server import Reply, event

pytestmark = pytest.mark.usefixtures("closing_clients", "few_certificates")

KEPT = ("STOP", "MAX_TOKENS")


async def test_it_answers_piece_by_piece(gemini: GeminiSimulator) -> None:
    pieces = [text async for text in chat_model("gemini").stream(GROUNDED)]
    assert len(pieces) > 5
    assert "".join(pieces).startswith("Every employee gets thirty days")


async def test_the_history_comes_before_the_question(gemini: GeminiSimulator) -> None:
    history = [Turn("user", "Hello?"), Turn("assistant", "Hello!")]
    await attempt("gemini", Prompt("And leave?", [passage()], history))
    contents = gemini.requests[0].body["contents"]
    assert [content["role"] for content in contents] == ["user", "model", "user"]
    assert contents[1]["parts"][0]["text"] == "Hello!"
    assert contents[2]["parts"][0]["text"].endswith("Question: And leave?")


async def test_the_proxy_of_the_environment_is_asked(
    gemini: GeminiSimulator, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.GEMINI_BASE_URL = "http://gemini.invalid"
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("http_proxy", gemini.url)
    assert (await attempt("gemini")).startswith("Every employee gets thirty days")
    assert gemini.requests[0].headers["host"] == "gemini.invalid"


async def test_one_attempt_is_one_request(gemini: GeminiSimulator) -> None:
    gemini.faults.always(Status(503))
    with pytest.raises(Unreachable):
        await attempt("gemini")
    assert len(gemini.requests) == 1


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Status(429), Throttled),
        (Status(400), Refused),
        (Status(401), Refused),
        (Status(403), Refused),
        (Status(404), Refused),
        (Status(408), Unreachable),
        (Status(500), Unreachable),
        (Status(503), Unreachable),
        (Status(504), Unreachable),
        (Status(503, after=2), Unreachable),
        (Status(429, after=2), Throttled),
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
        (Blocked(), NoAnswer),
        (Blocked("SAFETY"), NoAnswer),
        (Redirect("http://127.0.0.1:9"), Refused),
    ],
    ids=str,
)
async def test_each_fault_becomes_an_error_of_ours(
    gemini: GeminiSimulator, fault: Behaviour, error: type[ProviderError]
) -> None:
    gemini.faults.always(fault)
    with pytest.raises(ProviderError) as caught:
        await attempt("gemini")
    assert type(caught.value) is error


@pytest.mark.filterwarnings("ignore:.*is not a valid FinishReason:UserWarning")
@pytest.mark.parametrize("name", [*types.FinishReason.__members__, "sk-words-of-theirs"])
async def test_every_finish_reason_is_an_answer_or_explained(
    gemini: GeminiSimulator, name: str
) -> None:
    gemini.faults.always(Answer("Some text.", finish=name))
    if name in KEPT:
        assert await attempt("gemini") == "Some text."
        return
    with pytest.raises(NoAnswer) as caught:
        await attempt("gemini")
    known = name in types.FinishReason.__members__
    assert (name in str(caught.value)) == known
    assert "for a reason of its own" in str(caught.value) or known


@pytest.mark.parametrize(
    ("fault", "at_fault"),
    [
        (Status(400), False),
        (Status(401), True),
        (Status(402), True),
        (Status(403), True),
        (Status(404), True),
        (Status(413), False),
        (Redirect("http://127.0.0.1:9"), True),
    ],
    ids=str,
)
async def test_only_a_request_at_fault_leaves_the_provider_trusted(
    gemini: GeminiSimulator, fault: Behaviour, at_fault: bool
) -> None:
    gemini.faults.always(fault)
    with pytest.raises(Refused) as caught:
        await attempt("gemini")
    assert caught.value.provider_at_fault == at_fault


async def test_a_wrong_key_is_the_providers_fault_and_named(
    gemini: GeminiSimulator, settings: Settings
) -> None:
    settings.GOOGLE_API_KEY = "another-key"
    with pytest.raises(Refused, match="key is not accepted") as caught:
        await attempt("gemini")
    assert caught.value.provider_at_fault


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("delay", [0.5, 7, 3600])
async def test_the_delay_asked_for_is_read(
    gemini: GeminiSimulator, status: int, delay: float
) -> None:
    gemini.faults.always(Status(status, retry_after=delay))
    with pytest.raises(ProviderError) as caught:
        await attempt("gemini")
    assert caught.value.retry_after == delay


async def test_a_redirect_never_gets_the_key(gemini: GeminiSimulator) -> None:
    with GeminiSimulator() as elsewhere:
        gemini.faults.always(Redirect(elsewhere.url))
        with pytest.raises(Refused):
            await attempt("gemini")
        assert elsewhere.requests == []


async def test_nobody_at_the_address(gemini: GeminiSimulator, settings: Settings) -> None:
    for address in ("http://127.0.0.1:9", "http://[", "nonsense", "http://host.invalid"):
        settings.GEMINI_BASE_URL = address
        chat_model.cache_clear()
        with pytest.raises(Unreachable):
            await attempt("gemini")


@pytest.mark.parametrize(
    "odd",
    [
        b"[1, 2]",
        b'"words"',
        b"null",
        b'{"candidates": 7}',
        b'{"candidates": [7]}',
        b'{"candidates": [{"content": {"parts": [{"text": 7}]}}]}',
        b'{"candidates": [{"finishReason": 7}]}',
        b'{"error": "down"}',
        b'{"error": {"code": "many", "message": "down"}}',
        b"\xff\xfe",
    ],
)
async def test_json_of_another_shape_can_not_be_read(settings: Settings, odd: bytes) -> None:
    class Odd(GeminiSimulator):
        def reply(self, request: Request, behaviour: Behaviour) -> Reply:
            return Reply([b"data: " + odd + b"\n\n"], stream=True)

    with Odd() as server:
        settings.GEMINI_BASE_URL = server.url
        with pytest.raises(Unreachable):
            await attempt("gemini")


async def test_thoughts_are_not_shown(settings: Settings) -> None:
    class Thinking(GeminiSimulator):
        def reply(self, request: Request, behaviour: Behaviour) -> Reply:
            parts = [{"text": "Hmm, leave…", "thought": True}, {"text": "Thirty days."}]
            candidate = {"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}
            return Reply([event({"candidates": [candidate]})], stream=True)

    with Thinking() as server:
        settings.GEMINI_BASE_URL = server.url
        assert await attempt("gemini") == "Thirty days."


async def test_a_reader_who_leaves_closes_the_connection(gemini: GeminiSimulator) -> None:
    gemini.faults.always(Answer("word " * 200, delay=0.02))
    assert await first_piece_of(chat_model("gemini").stream(GROUNDED)) == "word "
    assert await noticed_leaving(gemini.requests[0])


async def test_a_reader_who_is_cancelled_closes_the_connection(gemini: GeminiSimulator) -> None:
    gemini.faults.always(Answer("word " * 200, delay=0.02))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await attempt("gemini")
    assert await noticed_leaving(gemini.requests[0])


async def test_it_answers_again_after_its_connections_were_closed(gemini: GeminiSimulator) -> None:
    first = await attempt("gemini")
    await aclose_chat_models()
    assert await attempt("gemini") == first


def test_it_answers_in_one_event_loop_after_another(gemini: GeminiSimulator) -> None:
    async def once() -> str:
        try:
            return await attempt("gemini")
        finally:
            await aclose_chat_models()

    assert asyncio.run(once()) == asyncio.run(once())


async def test_questions_at_once_are_answered_at_once(gemini: GeminiSimulator) -> None:
    gemini.faults.always(Answer("one two", delay=0.75))
    texts = await asyncio.gather(*(attempt("gemini") for _ in range(150)))
    assert texts == ["one two"] * 150
    arrived = [request.arrived for request in gemini.requests]
    assert max(arrived) - min(arrived) < 1.5  # none waited until another was over
