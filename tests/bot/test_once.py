"""However often the bots hear of a question, and however its answer breaks off on the way, there
is one answer, whole (promises 2 and 3)."""

import asyncio
import random
import time
from typing import Any

import pytest

from bot import reading_back
from bot.models import InboxItem
from tests.bot.chat import Chat, is_whole
from tests.simulators.faults import Answer
from tests.simulators.gemini import GeminiSimulator

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("offices", "closing_clients"),
]

QUESTION = "When does the office in Lisbon open?"
TEXT = " ".join(f"word{number}" for number in range(40))
# How often each event comes.
TIMES = 6
# Questions that wait for their answers at once.
AT_ONCE = 20


async def has_one_answer(chat: Chat[Any], asked: Any, text: str) -> None:
    answers = await chat.answered(asked, timeout=180)
    assert is_whole(answers, text), answers


async def heard_often(chat: Chat[Any], questions: int) -> int:
    """Two bots hear each question, all its events several times and some of them as edited; how
    many events that was."""
    asked: list[Any] = []
    async with chat.running(), chat.running():
        for number in range(questions):
            asked.append(chat.say(f"{QUESTION} {number}"))
            for _ in range(TIMES - 2):
                chat.tell_again(asked[-1])
            if number % 3 == 0:
                chat.edit(asked[-1], f"{QUESTION} Now {number}!")
            if number % AT_ONCE == AT_ONCE - 1:
                await chat.answered(asked[-1], timeout=180)
                print(f"{number + 1} questions", flush=True)
        for question in asked:
            await has_one_answer(chat, question, "opens at nine")
            chat.tell_again(question)
        last = chat.say(QUESTION)
        await has_one_answer(chat, last, "opens at nine")
        await asyncio.sleep(0.5)
        for question in asked:
            assert is_whole(chat.answers(question), "opens at nine")
    assert len(chat.replied()) == await InboxItem.objects.acount() == questions + 1
    # A mention is two events in Slack; in Discord each bot hears it.
    return questions * TIMES * 2 + questions // 3


async def test_what_is_heard_often_is_answered_once(
    served: Chat[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading_back, "READ_BACK_EVERY", 0.5)
    await heard_often(served, 9)


@pytest.mark.soak
async def test_of_ten_thousand_events_none_is_answered_twice(
    served: Chat[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading_back, "READ_BACK_EVERY", 10.0)
    events = await heard_often(served, 840)
    print(f"\n{served.name}: {events} events of 840 questions: 0 answered twice")
    assert events > 10_000


async def broken_off(chat: Chat[Any], rounds: int, chosen: random.Random) -> str:
    """Three of ten calls break off, each in one of the ways that there are."""
    for send in chat.sends:
        often = [
            fault if chosen.random() < 0.3 else None for fault in [*chat.unclear] * (rounds * 5)
        ]
        chosen.shuffle(often)
        chat.faults.next(send, *often)
    before = chat.faults.pending
    async with chat.running():
        for number in range(rounds):
            for question in [chat.say(QUESTION) for _ in range(AT_ONCE)]:
                await has_one_answer(chat, question, TEXT)
            print(f"{(number + 1) * AT_ONCE} answers", flush=True)
    met = before - chat.faults.pending
    return f"{rounds * AT_ONCE} answers over {met} calls of which three in ten broke off"


@pytest.mark.soak
async def test_of_a_thousand_answers_that_break_off_none_is_lost_and_none_comes_twice(
    served: Chat[Any], gemini: GeminiSimulator
) -> None:
    gemini.faults.always(Answer(f"{TEXT} [1].", delay=0.01), on="chat")
    told = await broken_off(served, 50, random.Random(int(time.time())))
    print(f"\n{served.name}: {told}: 0 lost, 0 twice")
