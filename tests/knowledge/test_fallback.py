"""The providers in turn: there is an answer whatever fails, from one provider, and in time."""

import asyncio
import time
from contextlib import aclosing

import pytest

from knowledge.errors import NoAnswer, ProviderError, Refused, Unreachable
from knowledge.providers import chain, fallback
from knowledge.providers.extractive import OPENING
from tests.knowledge.faulty import AT_ONCE, EVERY, MIDWAY, STOPS
from tests.knowledge.talking import (
    GENERAL,
    GROUNDED,
    LEAVE,
    first_piece_of,
    hear,
    noticed_leaving,
)
from tests.simulators.faults import Answer, Behaviour, Cut, Hang, Status
from tests.simulators.gemini import GeminiSimulator
from tests.simulators.openai import OpenAISimulator

pytestmark = pytest.mark.usefixtures("closing_clients", "few_certificates", "impatient")

OPENAI_ANSWER = "OpenAI says thirty days [1]."


async def test_gemini_answers_first(gemini: GeminiSimulator, openai: OpenAISimulator) -> None:
    heard = await hear()
    assert (heard.provider, heard.restarts) == ("gemini", 0)
    assert openai.requests == []


@pytest.mark.parametrize("fault", EVERY, ids=str)
async def test_openai_answers_where_gemini_fails(
    gemini: GeminiSimulator, openai: OpenAISimulator, fault: Behaviour
) -> None:
    gemini.faults.always(fault)
    openai.faults.answer = OPENAI_ANSWER
    heard = await hear()
    assert (heard.text, heard.provider) == (OPENAI_ANSWER, "openai")
    assert heard.restarts == (fault in MIDWAY)
    assert heard.seconds < 3


@pytest.mark.parametrize("fault", EVERY, ids=str)
async def test_the_extractive_answerer_stands_behind_gemini(
    gemini: GeminiSimulator, fault: Behaviour
) -> None:
    gemini.faults.always(fault)
    heard = await hear()
    assert heard.provider == "extractive"
    assert heard.text.startswith(OPENING) and LEAVE in heard.text
    assert heard.restarts == (fault in MIDWAY)
    assert heard.seconds < 3


@pytest.mark.parametrize("fault", EVERY[::4], ids=str)
async def test_the_extractive_answerer_stands_behind_both(
    gemini: GeminiSimulator, openai: OpenAISimulator, fault: Behaviour
) -> None:
    gemini.faults.always(fault)
    openai.faults.always(fault)
    heard = await hear()
    assert heard.provider == "extractive"
    assert heard.text.startswith(OPENING)
    assert heard.seconds < 3


@pytest.mark.parametrize("reason", STOPS)
async def test_a_stop_after_some_words_passes_the_question_on(
    gemini: GeminiSimulator, openai: OpenAISimulator, reason: str
) -> None:
    gemini.faults.always(Answer("Some words.", finish=reason))
    openai.faults.always(Answer("Some words.", finish="content_filter"))
    heard = await hear()
    assert (heard.provider, heard.restarts) == ("extractive", 2)
    assert "Some words." not in heard.text
    assert isinstance(heard.pieces[-1].after, NoAnswer)


async def test_without_a_provider_the_documents_are_quoted() -> None:
    assert chain() == ["extractive"]
    heard = await hear()
    assert heard.provider == "extractive" and LEAVE in heard.text


async def test_a_general_question_is_not_answered_by_quoting() -> None:
    with pytest.raises(NoAnswer):
        await hear(GENERAL)


async def test_a_general_question_ends_with_the_last_providers_error(
    gemini: GeminiSimulator, openai: OpenAISimulator
) -> None:
    gemini.faults.always(Status(503))
    openai.faults.always(Status(401))
    with pytest.raises(Refused, match="OpenAI answered 401"):
        await hear(GENERAL, ["gemini", "openai"])


async def test_no_provider_at_all_is_an_error_too() -> None:
    with pytest.raises(Unreachable):
        await hear(GENERAL, [])


async def test_providers_that_all_rest_are_an_error_too(gemini: GeminiSimulator) -> None:
    fallback.breaker("gemini").failed(60)
    with pytest.raises(Unreachable, match="rests"):
        await hear(GENERAL, ["gemini"])
    assert gemini.requests == []


async def test_a_short_delay_is_waited_out(gemini: GeminiSimulator) -> None:
    gemini.faults.next(Status(429, retry_after=0.2))
    heard = await hear()
    assert heard.provider == "gemini"
    first, second = gemini.requests
    assert second.arrived - first.arrived >= 0.2


async def test_it_is_waited_out_once(gemini: GeminiSimulator) -> None:
    gemini.faults.always(Status(429, retry_after=0.1))
    assert (await hear()).provider == "extractive"
    assert len(gemini.requests) == 2


async def test_an_error_without_a_delay_is_not_tried_again(gemini: GeminiSimulator) -> None:
    gemini.faults.next(Status(503))
    assert (await hear()).provider == "extractive"
    assert len(gemini.requests) == 1


async def test_a_spent_quota_is_not_waited_for(openai: OpenAISimulator) -> None:
    openai.faults.always(Status(429, code="insufficient_quota", retry_after=0.1))
    assert (await hear()).provider == "extractive"
    assert len(openai.requests) == 1


async def test_a_long_delay_is_obeyed_across_questions(
    gemini: GeminiSimulator, openai: OpenAISimulator
) -> None:
    """Promise 18: no call before it is over, whoever asks."""
    gemini.faults.next(Status(429, retry_after=1.5))
    until = time.monotonic() + 2.5
    while time.monotonic() < until and len(gemini.requests) < 2:
        assert {(await hear()).provider for _ in range(3)} <= {"openai", "gemini"}
        await asyncio.sleep(0.05)
    first, second = gemini.requests[:2]
    assert second.arrived - first.arrived >= 1.5


@pytest.mark.parametrize("status", [429, 503])
async def test_the_delay_of_either_provider_is_obeyed(
    gemini: GeminiSimulator, openai: OpenAISimulator, status: int
) -> None:
    gemini.faults.always(Status(status, retry_after=60))
    openai.faults.always(Status(status, retry_after=60))
    for _ in range(4):
        assert (await hear()).provider == "extractive"
    assert (len(gemini.requests), len(openai.requests)) == (1, 1)


async def test_a_second_attempt_gets_what_time_the_first_left(gemini: GeminiSimulator) -> None:
    gemini.faults.next(Status(429, retry_after=0.3), Hang())
    heard = await hear()
    assert len(gemini.requests) == 2
    assert heard.seconds < fallback.FIRST_TOKEN + 0.3


async def test_slow_but_steady_words_are_waited_for(gemini: GeminiSimulator) -> None:
    gemini.faults.next(Answer("one two three four five six seven eight", delay=0.15))
    heard = await hear()
    assert heard.provider == "gemini" and heard.seconds > 1.0


async def test_the_whole_has_a_deadline_too(
    gemini: GeminiSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fallback, "TOTAL", 0.7)
    gemini.faults.next(Answer("word " * 100, delay=0.1))
    heard = await hear()
    assert (heard.provider, heard.restarts) == ("extractive", 1)
    assert heard.seconds < 3


async def test_a_slow_reader_is_not_the_providers_fault(gemini: GeminiSimulator) -> None:
    text = ""
    async with aclosing(fallback.stream(GROUNDED, ["gemini"])) as pieces:
        async for piece in pieces:
            assert isinstance(piece, fallback.Piece)
            text += piece.text
            if len(text) < 20:
                await asyncio.sleep(fallback.IDLE + 0.1)
    assert text.endswith("[1].")


async def test_white_space_alone_is_never_shown(gemini: GeminiSimulator) -> None:
    gemini.faults.next(Answer(" \n "))
    heard = await hear()
    assert (heard.provider, heard.restarts) == ("extractive", 0)


async def test_white_space_before_an_answer_is_kept_for_it(gemini: GeminiSimulator) -> None:
    gemini.faults.next(Answer("\n\n    Indented. [1]"))
    assert (await hear()).text == "\n\n    Indented. [1]"


@pytest.mark.parametrize("provider", ["gemini", "openai"])
async def test_leaving_early_closes_the_connection_and_blames_nobody(
    gemini: GeminiSimulator, openai: OpenAISimulator, provider: str
) -> None:
    server = {"gemini": gemini, "openai": openai}[provider]
    server.faults.always(Answer("word " * 200, delay=0.02))
    for number in range(4):
        assert (await first_piece_of(fallback.stream(GROUNDED, [provider]))).text == "word "
        assert await noticed_leaving(server.requests[number])
    assert fallback.breaker(provider).allows()


@pytest.mark.parametrize("provider", ["gemini", "openai"])
async def test_a_deadline_closes_the_connection(
    gemini: GeminiSimulator, openai: OpenAISimulator, provider: str
) -> None:
    server = {"gemini": gemini, "openai": openai}[provider]
    server.faults.next(Hang(after=0), Hang(after=3))
    for number in range(2):
        await hear(GROUNDED, [provider, "extractive"])
        assert await noticed_leaving(server.requests[number])


async def test_a_cut_after_any_token_is_neither_spliced_nor_repeated(
    gemini: GeminiSimulator, openai: OpenAISimulator
) -> None:
    """Promise 16, small."""
    words = [f"g{n} " for n in range(8)]
    gemini.faults.answer, openai.faults.answer = "".join(words), OPENAI_ANSWER
    for k in range(9):
        fallback.breaker.cache_clear()
        gemini.faults.next(Cut(after=k))
        heard = await hear()
        assert (heard.text, heard.restarts) == (OPENAI_ANSWER, k > 0)


@pytest.mark.soak
async def test_200_cuts_neither_splice_nor_repeat(
    gemini: GeminiSimulator, openai: OpenAISimulator
) -> None:
    """Promise 16: each provider breaks off after every number of tokens in turn."""
    gemini.faults.answer = "".join(f"g{n} " for n in range(20))
    openai.faults.answer = "".join(f"o{n} " for n in range(20))
    repeats = 0
    for case in range(200):
        fallback.breaker.cache_clear()
        gemini.faults.next(Cut(after=case % 20, mid_event=case % 2 == 0))
        openai.faults.next(Cut(after=case // 10) if case % 3 == 0 else Answer())
        heard = await hear()
        expected = "extractive" if case % 3 == 0 else "openai"
        assert heard.provider == expected
        assert heard.text == "".join(p.text for p in heard.pieces if p.provider == expected)
        repeats += heard.text != (
            openai.faults.answer if expected == "openai" else f"{OPENING}\n\n> {LEAVE} [1]"
        )
    print(f"200 cuts: {repeats} repeated or spliced")
    assert repeats == 0


@pytest.mark.parametrize("fault", [*AT_ONCE[:3], *MIDWAY[:3]], ids=str)
async def test_what_made_another_answer_is_told(gemini: GeminiSimulator, fault: Behaviour) -> None:
    gemini.faults.always(fault)
    after = (await hear()).pieces[-1].after
    assert isinstance(after, ProviderError) and "emini" in str(after)
