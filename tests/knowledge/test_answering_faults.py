"""Whatever the models do, there is an answer, it is what was streamed, and it comes in time."""

import time
from collections.abc import Sequence

import pytest
from asgiref.sync import sync_to_async
from pytest_django import Settings

from knowledge import wording
from knowledge.answering import Restart
from knowledge.embedding import embedder
from knowledge.models import Space
from knowledge.providers.extractive import OPENING
from tests.conftest import AddText
from tests.knowledge.faulty import EVERY, MIDWAY, STOPS
from tests.knowledge.talking import LEAVE, answer_to, events_of
from tests.simulators.faults import Answer, Behaviour, Empty, Hang, Status
from tests.simulators.gemini import GeminiSimulator
from tests.simulators.openai import OpenAISimulator

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("closing_clients", "few_certificates"),
]

QUESTION = "How many days of parental leave does every employee get?"
WORLD = "How far away is the moon?"


@pytest.mark.usefixtures("handbook", "impatient")
@pytest.mark.parametrize("fault", [Status(503), Hang(), *MIDWAY[:4], Empty(), Answer(" ")], ids=str)
@pytest.mark.parametrize("behind", [(), ("openai",)], ids=str)
async def test_a_fault_is_covered(
    request: pytest.FixtureRequest,
    gemini: GeminiSimulator,
    team: Space,
    fault: Behaviour,
    behind: Sequence[str],
) -> None:
    for name in behind:
        await sync_to_async(request.getfixturevalue)(name)
    gemini.faults.always(fault)
    answer = await answer_to(QUESTION, team)
    assert answer.provider == (behind[0] if behind else "extractive")
    assert answer.sources[0].text == LEAVE and not answer.refused
    if not behind:
        assert answer.text.startswith(OPENING)
        assert "Gemini" in answer.notice or "gemini" in answer.notice


@pytest.mark.usefixtures("handbook", "impatient")
async def test_a_restart_is_told_and_nothing_of_the_first_try_stays(
    gemini: GeminiSimulator, openai: OpenAISimulator, team: Space
) -> None:
    gemini.faults.always(Status(503, after=3))
    gemini.faults.answer = "Leave is eleven days [2]."
    events = await events_of(QUESTION, [team])
    restarts = [event for event in events if isinstance(event, Restart)]
    assert [restart.text for restart in restarts] == [wording.RESTARTED.format(failed="Gemini")]
    answer = await answer_to(QUESTION, team)
    assert "eleven" not in answer.text
    assert [source.document for source in answer.sources] == ["leave.txt"]


@pytest.mark.usefixtures("handbook", "impatient")
async def test_a_block_is_explained(gemini: GeminiSimulator, team: Space) -> None:
    """Promise 17, also where nothing can be quoted."""
    for reason in STOPS:
        gemini.faults.always(Answer("Some words.", finish=reason))
        quoted, declined = await answer_to(QUESTION, team), await answer_to(WORLD, team)
        assert quoted.text.startswith(OPENING) and reason in quoted.notice
        assert declined.refused and reason in declined.notice
        assert "Some words" not in quoted.text + declined.text


@pytest.mark.usefixtures("impatient")
async def test_the_words_alone_are_searched_while_embeddings_are_down(
    gemini: GeminiSimulator, team: Space, add_text: AddText
) -> None:
    await sync_to_async(add_text)(LEAVE, "leave.txt")
    gemini.faults.always(Status(503), on="embed")
    answer = await answer_to("How many days of parental leave?", team)
    assert (answer.provider, answer.notice) == ("gemini", wording.TERMS_ONLY)
    gemini.faults.answer = "Thirty days."
    uncited = await answer_to("How many days of parental leave?", team)
    assert uncited.notice == f"{wording.TERMS_ONLY} {wording.UNCITED}"


@pytest.mark.usefixtures("handbook")
async def test_an_unexpected_address_does_not_lose_the_answer(
    gemini: GeminiSimulator, settings: Settings, team: Space
) -> None:
    settings.GEMINI_BASE_URL = "http://["
    assert (await answer_to(QUESTION, team)).provider == "extractive"


@pytest.mark.soak
@pytest.mark.parametrize("fault", EVERY, ids=str)
async def test_every_fault_is_covered_within_20_seconds(
    gemini: GeminiSimulator,
    openai: OpenAISimulator,
    settings: Settings,
    team: Space,
    add_text: AddText,
    fault: Behaviour,
) -> None:
    """Promise 15, with the real deadlines: chat and embeddings of both providers fail alike."""
    await sync_to_async(add_text)(LEAVE, "leave.txt")
    embedder.cache_clear()
    gemini.faults.always(fault)
    openai.faults.always(fault)
    started = time.monotonic()
    answer = await answer_to("How many days of parental leave?", team)
    taken = time.monotonic() - started
    print(f"{fault}: {answer.provider} after {taken:.1f} s")
    assert answer.text and answer.provider == "extractive"
    # After visible words a second provider may take its time once more.
    assert taken < 20
