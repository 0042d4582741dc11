"""Files that are shared in a chat, on every platform: pictures that become answers, and files that
can't be read."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from bot import wording
from bot.models import InboxItem
from knowledge.extraction import ocr
from knowledge.models import Section
from tests.bot.broken_files import broken_files
from tests.bot.chat import Chat
from tests.bot.working import working
from tests.knowledge.pictures import chart, page, saved
from tests.simulators.gemini import GeminiSimulator

needs_tesseract = pytest.mark.skipif(
    not ocr.installed(), reason="Tesseract is missing (apt-get install tesseract-ocr)"
)
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("closing_clients"),
]
CHART = "A picture of 1200 by 900 pixels, mostly white."


async def shown(chat: Chat[Any], said: Any, count: int, is_it: Callable[[str], bool]) -> list[str]:
    """The answers to what was said, once there are so many, one of them is it, and nothing is
    left to do."""
    async with asyncio.timeout(120):
        while not any(map(is_it, found := chat.answers(said))) or len(found) < count:
            await chat.a_moment()
        while await InboxItem.objects.filter(settled=False).aexists():
            await chat.a_moment()
    return chat.answers(said)


@needs_tesseract
async def test_a_photo_of_a_page_answers_a_question_about_its_text(served: Chat[Any]) -> None:
    photo = saved(page(), "JPEG", quality=70)
    async with served.running(), working():
        said = served.share("budget.jpg", photo, "When is the travel budget reviewed?")
        card, answer = await shown(served, said, 2, lambda text: "[1] budget.jpg" in text)
    assert card.startswith("budget.jpg: 1 passage, searchable by")
    assert "reviewed in March and in September" in answer


@needs_tesseract
async def test_a_chart_is_described_by_a_model_and_answers_from_that(
    served: Chat[Any], gemini: GeminiSimulator
) -> None:
    async with served.running(), working():
        shared = served.share("revenue.png", saved(chart()))
        (card,) = await shown(served, shared, 1, lambda text: "searchable by" in text)
        asked = served.say("What does the picture of 1200 by 900 pixels show?")
        (answer,) = await shown(served, asked, 1, lambda text: "[1] revenue.png" in text)
    assert card.startswith("revenue.png: 1 passage, searchable by")
    text = await sync_to_async(Section.objects.get)()
    assert text.text.startswith(CHART)
    assert CHART in str(gemini.requests[-1].body) and answer


async def test_thirty_broken_files_in_a_row_have_thirty_clear_cards(served: Chat[Any]) -> None:
    """And nothing else: the next file is read."""
    broken = broken_files()
    assert len({data for _, data, _ in broken}) == 30
    async with served.running(), working():
        shares = [(served.share(name, data), name, words) for name, data, words in broken]
        good = served.share("hours.txt", b"The office in Lisbon opens at nine o'clock.")
        (card,) = await shown(served, good, 1, lambda text: "searchable by" in text)
        cards = [
            await shown(served, said, 1, lambda text: "was not added" in text)
            for said, _, _ in shares
        ]
    assert card.startswith("hours.txt: 1 passage, searchable by")
    for (told,), (_, name, words) in zip(cards, shares, strict=True):
        assert told.startswith(f"{name} was not added. "), told
        assert words in told and wording.REMOVE not in told, told
