"""From a question to an answer: what is said at once, declined, cited and marked."""

import re
from collections.abc import Sequence

import pytest
from asgiref.sync import sync_to_async
from pytest_django import Settings

from knowledge import wording
from knowledge.answering import Answer, Status
from knowledge.categories import Category
from knowledge.models import Space
from knowledge.prompts import GENERAL, GROUNDED, NOT_IN_DOCUMENTS, Turn
from knowledge.providers.extractive import OPENING
from tests.conftest import AddText
from tests.knowledge.talking import LEAVE, answer_to, events_of, prompt_text
from tests.simulators import faults
from tests.simulators.gemini import GeminiSimulator
from tests.simulators.openai import OpenAISimulator

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("closing_clients", "few_certificates", "handbook"),
]

QUESTION = "How many days of parental leave does every employee get?"
OF_THE_TEAM = "What is the password of our wireless network?"
OF_THE_WORLD = "How far away is the moon?"
BACKTICKS = "`" * 3


@pytest.mark.parametrize("words", ["Hello!", "thanks a lot", "Who are you?"])
async def test_a_greeting_is_answered_at_once(
    gemini: GeminiSimulator, team: Space, words: str
) -> None:
    events = await events_of(words, [team])
    answer = await answer_to(words, team)
    assert not any(isinstance(event, Status) for event in events)
    assert (answer.text, answer.category) == (wording.GREETING, Category.GREETING)
    assert not answer.refused and gemini.requests == []


@pytest.mark.parametrize("words", ["what?", "and?", "???"])
async def test_nothing_to_search_for_is_asked_back(
    gemini: GeminiSimulator, team: Space, words: str
) -> None:
    answer = await answer_to(words, team)
    assert (answer.text, answer.category) == (wording.CLARIFICATION, Category.CLARIFICATION)
    assert gemini.requests == []


async def test_a_document_question_is_answered_with_its_source(
    gemini: GeminiSimulator, team: Space
) -> None:
    answer = await answer_to(QUESTION, team)
    assert (answer.category, answer.provider, answer.refused) == ("document", "gemini", False)
    assert [(s.document, s.text) for s in answer.sources] == [("leave.txt", LEAVE)]
    assert {"leave.txt"} <= {passage.document for passage in answer.drawn_on}
    assert answer.used_context and answer.notice == ""


async def test_without_a_model_the_passage_is_quoted(team: Space) -> None:
    answer = await answer_to(QUESTION, team)
    assert answer.text.startswith(OPENING) and LEAVE in answer.text
    assert (answer.provider, answer.category, answer.refused) == ("extractive", "document", False)
    assert answer.sources[0].document == "leave.txt"
    assert answer.notice == ""


@pytest.mark.parametrize("models", [(), ("gemini",), ("openai",), ("gemini", "openai")], ids=str)
@pytest.mark.parametrize("general", ["marked", "off"])
async def test_thin_evidence_is_declined_without_asking_a_model(
    request: pytest.FixtureRequest,
    settings: Settings,
    team: Space,
    models: Sequence[str],
    general: str,
) -> None:
    settings.GENERAL_ANSWERS = general
    servers = [await sync_to_async(request.getfixturevalue)(name) for name in models]
    answer = await answer_to(OF_THE_TEAM, team)
    assert answer.text == wording.DECLINED
    assert answer.refused and answer.category == "document"
    assert all(server.requests == [] for server in servers)


async def test_a_question_of_the_world_is_answered_and_marked(
    gemini: GeminiSimulator, team: Space
) -> None:
    gemini.faults.answer = "About 384,400 km [1]."
    answer = await answer_to(OF_THE_WORLD, team)
    assert answer.text.startswith(wording.GENERAL_MARK)
    assert "384,400" in answer.text and "[1]" not in answer.text
    assert (answer.category, answer.used_context, answer.refused) == ("general", False, False)
    assert not answer.drawn_on
    assert prompt_text(gemini.requests[0]).startswith(GENERAL)
    assert "<passages>" not in prompt_text(gemini.requests[0])


async def test_it_is_declined_where_that_is_switched_off(
    gemini: GeminiSimulator, settings: Settings, team: Space
) -> None:
    settings.GENERAL_ANSWERS = "off"
    answer = await answer_to(OF_THE_WORLD, team)
    assert answer.refused and gemini.requests == []


async def test_it_is_declined_where_there_is_no_model(team: Space) -> None:
    assert (await answer_to(OF_THE_WORLD, team)).refused


async def test_it_is_declined_with_the_reason_where_no_model_answers(
    gemini: GeminiSimulator, openai: OpenAISimulator, team: Space
) -> None:
    gemini.faults.always(faults.Cut(after=2))
    openai.faults.always(faults.Answer("Some words.", finish="content_filter"))
    answer = await answer_to(OF_THE_WORLD, team)
    assert answer.refused and answer.text == wording.DECLINED
    assert "content_filter" in answer.notice


async def test_a_name_from_the_documents_makes_it_the_teams(
    gemini: GeminiSimulator, team: Space, add_text: AddText
) -> None:
    await sync_to_async(add_text)("The product Zephyr is sold in blue.", "zephyr.txt")
    answer = await answer_to("How tall was the inventor of Zephyr when young?", team)
    assert answer.refused and gemini.requests == []


REFUSALS = [
    NOT_IN_DOCUMENTS,
    f"{NOT_IN_DOCUMENTS}.",
    f" \n{NOT_IN_DOCUMENTS} ",
    f"{NOT_IN_DOCUMENTS}\n\nThe passages do not mention it, see http://evil.example [1].",
    f"**{NOT_IN_DOCUMENTS}**",
    f"`{NOT_IN_DOCUMENTS}`",
    f"> {NOT_IN_DOCUMENTS}",
    f'"{NOT_IN_DOCUMENTS}"',
    f"“{NOT_IN_DOCUMENTS}”",
    f"{BACKTICKS}\n{NOT_IN_DOCUMENTS}\n{BACKTICKS}",
    NOT_IN_DOCUMENTS.replace("_", "\\_"),
    f"I could not find that. {NOT_IN_DOCUMENTS}",
    f"The passages don't say.\n\n**{NOT_IN_DOCUMENTS}**",
]


@pytest.mark.parametrize("provider", ["gemini", "openai"])
async def test_the_words_of_refusal_become_the_declined_answer(
    request: pytest.FixtureRequest, team: Space, provider: str
) -> None:
    server = await sync_to_async(request.getfixturevalue)(provider)
    for said in REFUSALS:
        server.faults.answer = said
        answer = await answer_to(QUESTION, team)
        assert answer.text == wording.DECLINED, said
        assert (answer.refused, answer.provider, answer.category) == (True, provider, "document")
        assert answer.drawn_on


async def test_they_may_come_in_pieces(gemini: GeminiSimulator, team: Space) -> None:
    gemini.faults.answer = "NOT_IN_DOCUMENTS".replace("_", " _")  # three tokens
    events = await events_of(QUESTION, [team])
    assert isinstance(events[-1], Answer) and not events[-1].refused
    for cut in (1, 4, 15):
        gemini.faults.answer = f"{NOT_IN_DOCUMENTS[:cut]}"
        partial = await answer_to(QUESTION, team)
        assert (partial.text, partial.refused) == (NOT_IN_DOCUMENTS[:cut], False)


async def test_citations_are_renumbered_and_unknown_ones_taken_out(
    gemini: GeminiSimulator, team: Space
) -> None:
    gemini.faults.answer = "First this [2], then that [1] [9], [0] and both [1, 2]. [77]"
    answer = await answer_to(QUESTION, team)
    prompt = prompt_text(gemini.requests[0])
    assert answer.text == "First this [1], then that [2], and both [2][1]."
    assert len(answer.sources) == 2
    for number, source in ((2, answer.sources[0]), (1, answer.sources[1])):
        assert f"[{number}] {source.text}" in prompt


async def test_an_answer_without_a_source_says_so(gemini: GeminiSimulator, team: Space) -> None:
    gemini.faults.answer = "Thirty days."
    answer = await answer_to(QUESTION, team)
    assert (answer.text, answer.used_context, answer.refused) == ("Thirty days.", False, False)
    assert answer.notice == wording.UNCITED
    assert answer.drawn_on


async def test_an_answer_of_false_citations_alone_is_declined(
    gemini: GeminiSimulator, team: Space
) -> None:
    for said in ("[99]", "[0]", "[7][8] "):
        gemini.faults.answer = said
        assert (await answer_to(QUESTION, team)).text == wording.DECLINED


async def test_passages_stand_numbered_between_marks(gemini: GeminiSimulator, team: Space) -> None:
    await answer_to(QUESTION, team)
    system, question = (
        gemini.requests[0].body["systemInstruction"]["parts"][0]["text"],
        gemini.requests[0].body["contents"][-1]["parts"][0]["text"],
    )
    assert system == GROUNDED and "never follow" in system
    inside, _, after = question.partition("\n</passages>\n")
    assert inside.startswith(f"<passages>\n[1] {LEAVE}\n(document: leave.txt)\n\n[2] ")
    assert re.findall(r"^\[(\d+)\] ", inside, re.MULTILINE) == ["1", "2", "3"]
    assert after.strip() == f"Question: {QUESTION}"


async def test_what_was_said_before_stands_in_the_prompt(
    gemini: GeminiSimulator, team: Space
) -> None:
    history = [Turn("user", "Who signs the book?"), Turn("assistant", "Guests do.")]
    await answer_to(QUESTION, team, history=history)
    contents = gemini.requests[0].body["contents"]
    said = [(content["role"], content["parts"][0]["text"]) for content in contents]
    assert said[:2] == [("user", "Who signs the book?"), ("model", "Guests do.")]


@pytest.mark.parametrize("follow_up", ["And for contractors?", "what about contractors?"])
@pytest.mark.parametrize("with_model", [True, False])
async def test_a_follow_up_finds_what_it_means(
    request: pytest.FixtureRequest, team: Space, follow_up: str, with_model: bool
) -> None:
    if with_model:
        await sync_to_async(request.getfixturevalue)("gemini")
    history = [Turn("user", QUESTION), Turn("assistant", "Thirty days.")]
    answer = await answer_to(follow_up, team, history=history)
    assert "contractors.txt" in {source.document for source in answer.sources}
    assert "ten days" in answer.text
    assert not with_model or len(answer.sources) == 1


async def test_another_spaces_documents_are_not_put_before_the_model(
    gemini: GeminiSimulator, team: Space, personal: Space, add_text: AddText
) -> None:
    secret = "Every employee named Sam gets ninety days of parental leave."
    await sync_to_async(add_text)(secret, "sam.txt", personal)
    await answer_to(QUESTION, team)
    assert "ninety" not in prompt_text(gemini.requests[-1])
    answer = await answer_to(QUESTION, team, personal)
    assert "ninety" in prompt_text(gemini.requests[-1])
    assert {p.space_id for p in answer.drawn_on} == {team.pk, personal.pk}


async def test_no_space_and_no_document_is_declined(gemini: GeminiSimulator) -> None:
    assert (await answer_to(QUESTION)).refused
    assert gemini.requests == []


async def test_the_same_words_in_two_spaces_are_one_passage_and_the_order_stays(
    gemini: GeminiSimulator, team: Space, personal: Space, add_text: AddText
) -> None:
    alone = (await answer_to(QUESTION, team)).drawn_on
    await sync_to_async(add_text)(LEAVE, "hr.txt", personal)
    both = (await answer_to(QUESTION, team, personal)).drawn_on
    assert [p.text for p in both] == [p.text for p in alone]
