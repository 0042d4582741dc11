"""What a model breaks off, or refuses to say, is neither spliced nor repeated nor left blank: what
stands in the chat is what is stored (promises 16 and 17)."""

import re
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from bot.models import InboxItem
from knowledge.providers import breaker, fallback
from tests.bot.chat import Chat
from tests.knowledge.faulty import STOPS
from tests.simulators.faults import Answer, Behaviour, Blocked, Cut, Empty
from tests.simulators.gemini import GeminiSimulator

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("offices", "closing_clients"),
]

QUESTION = "When does the office in Lisbon open?"
TOKENS = 20
TEXT = "".join(f"g{number} " for number in range(TOKENS))
SILENT: list[Behaviour] = [Empty(), Empty(candidate=True), Blocked(), Answer(" ")]


@pytest.fixture(autouse=True)
def never_resting(gemini: GeminiSimulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every question comes to the model, however often it failed."""
    monkeypatch.setattr(breaker, "FAILURES", 1_000)
    fallback.breaker.cache_clear()


@sync_to_async
def stored(message: str) -> str:
    item = InboxItem.objects.select_related("answer").get(message=message)
    assert item.answer is not None
    return item.answer.text


def words(text: str) -> list[str]:
    """Without what the platform marks quotations and citations with."""
    return re.findall(r"[\w']+", text.replace("&gt;", ""))


async def check(chat: Chat[Any], asked: Any) -> str:
    """There is one answer, and it begins with what is stored."""
    [shown] = await chat.answered(asked)
    expected = words(await stored(chat.id_of(asked)))
    assert expected and words(shown)[: len(expected)] == expected, shown
    assert not re.search(r"\bg\d+\b", shown), "words of the answer that was broken off"
    return shown


async def cut(chat: Chat[Any], gemini: GeminiSimulator, cases: int) -> None:
    """The model breaks off after every number of tokens in turn, now and then in the middle."""
    gemini.faults.always(Answer(TEXT, delay=0.005), on="chat")
    async with chat.running():
        for first in range(0, cases, TOKENS):
            numbers = range(first, min(first + TOKENS, cases))
            cuts = [Cut(after=n % TOKENS, mid_event=n % 3 == 0) for n in numbers]
            gemini.faults.next(*cuts, on="chat")
            for asked in [chat.say(QUESTION) for _ in numbers]:
                await check(chat, asked)


async def test_what_breaks_off_is_neither_spliced_nor_repeated(
    served: Chat[Any], gemini: GeminiSimulator
) -> None:
    await cut(served, gemini, 10)


@pytest.mark.soak
async def test_of_200_answers_that_break_off_none_is_spliced_or_repeats(
    served: Chat[Any], gemini: GeminiSimulator
) -> None:
    await cut(served, gemini, 200)
    print(f"\n{served.name}: 200 cut streams: 0 repeats, 200 shown as stored")


async def test_nothing_is_left_blank_and_every_block_is_explained(
    served: Chat[Any], gemini: GeminiSimulator
) -> None:
    """Every finish reason, and answers without candidates or words."""
    stops = [Answer("Some words.", finish=reason) for reason in STOPS]
    gemini.faults.next(*stops, *SILENT, on="chat")
    async with served.running():
        asked = [served.say(QUESTION) for _ in (*stops, *SILENT)]
        shown = [await check(served, question) for question in asked]
    assert gemini.faults.pending == 0
    together = "\n".join(shown)
    assert [reason for reason in STOPS if reason not in together.replace("\\", "")] == []
    assert "Some words" not in together
    print(f"{served.name}: {len(shown)} blocks and empty answers: 0 blank posts")
