"""Questions about certain documents: answered from these alone, whatever their words are."""

import pytest
from asgiref.sync import sync_to_async

from knowledge.answering import Answer, Query, answer
from knowledge.models import Document, Space
from knowledge.removal import remove_document
from tests.conftest import AddText
from tests.knowledge.talking import LEAVE, prompt_text
from tests.simulators.gemini import GeminiSimulator

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("closing_clients", "handbook"),
]
QUESTION = "How many days of parental leave does every employee get?"
CANTEEN = "\n\n".join(f"On day {day} the canteen serves dish number {day}." for day in range(40))


@pytest.fixture
def canteen(add_text: AddText) -> Document:
    """A document of many passages."""
    return add_text(CANTEEN, "canteen.txt").document


async def asked(question: str, about: Document, *spaces: Space) -> Answer:
    events = [e async for e in answer(Query(question, spaces, about=[about.pk]))]
    final = events[-1]
    assert isinstance(final, Answer)
    return final


async def test_nothing_but_these_documents_is_put_before_the_model(
    gemini: GeminiSimulator, team: Space, canteen: Document
) -> None:
    final = await asked(QUESTION, canteen, team)
    assert {passage.document for passage in final.drawn_on} == {"canteen.txt"}
    assert LEAVE not in prompt_text(gemini.requests[-1])


async def test_their_passages_that_fit_are_found(
    gemini: GeminiSimulator, team: Space, canteen: Document
) -> None:
    final = await asked("What does the canteen serve on day 33?", canteen, team)
    assert any("dish number 33" in passage.text for passage in final.drawn_on)


@pytest.mark.parametrize("words", ["Summarise this", "what is this?", "tl;dr"])
async def test_words_that_match_nothing_are_answered_from_the_beginning(
    gemini: GeminiSimulator, team: Space, canteen: Document, words: str
) -> None:
    final = await asked(words, canteen, team)
    assert not final.refused
    assert "day 0 " in final.drawn_on[0].text


async def test_a_document_of_a_space_that_is_not_searched_stays_out_of_sight(
    gemini: GeminiSimulator, personal: Space, canteen: Document
) -> None:
    final = await asked("Summarise this", canteen, personal)
    assert final.refused and not final.drawn_on


async def test_a_removed_document_is_not_answered_from(
    gemini: GeminiSimulator, team: Space, canteen: Document
) -> None:
    await sync_to_async(remove_document)(canteen)
    final = await asked("Summarise this", canteen, team)
    assert final.refused and not final.drawn_on
