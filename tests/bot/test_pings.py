"""Whatever a model, a document or a person says, nobody is pinged and no link is live (promises 6
and 7)."""

import asyncio
import random
from typing import Any

import pytest

from tests.bot.chat import Chat
from tests.conftest import AddText
from tests.simulators.faults import Answer
from tests.simulators.gemini import GeminiSimulator

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("closing_clients"),
]

QUESTION = "When does the office in Lisbon open?"
AT_ONCE = 20
NASTY = [
    *"@everyone @here @channel `@everyone \\@everyone @\u200beveryone word".split(),
    *"<!here> <!channel> <!everyone> <!subteam^S1> <!subteam^S1|@staff>".split(),
    *"<@&1> www.evil.example/x".split(),
    "```\n@here <!here>\n```",
    "> @everyone",
    "[@everyone](https://evil.example/x)",
    "<https://evil.example/x|@here>",
    "![](https://evil.example/x.png)",
    "||@here||",
    "# @everyone",
    "-# <@&1>",
    "https://evil.example/@everyone",
    "\n",
]


def nasty(chat: Chat[Any], chosen: random.Random) -> str:
    """A text that would ping and link if it could."""
    parts = [*NASTY, *chat.mentions]
    return " ".join(chosen.choice(parts) for _ in range(chosen.randint(1, 12)))


async def fuzz(
    chat: Chat[Any], gemini: GeminiSimulator, add_text: AddText, count: int, seed: int
) -> None:
    """Texts that grow by edits, sources, names of files, questions that are shown again."""
    chosen = random.Random(seed)
    gemini.faults.always(Answer(lambda _: f"{nasty(chat, chosen)} [1]", delay=0.001), on="chat")
    async with chat.running():
        for first in range(0, count, AT_ONCE):
            asked = [
                chat.say(f"{QUESTION} {nasty(chat, chosen)}")
                for _ in range(min(AT_ONCE, count - first))
            ]
            for question in asked:
                answers = await chat.answered(question, timeout=180)
                assert answers and ".txt" in answers[-1], answers
        told = chat.command("ben", "ask", question=f"{QUESTION} {nasty(chat, chosen)}")
        async with asyncio.timeout(60):
            while ".txt" not in str(told):
                await chat.a_moment()
    assert (chat.pinged(), chat.linked()) == ([], [])


@pytest.fixture
def document(chat: Chat[Any], add_text: AddText) -> None:
    pings = " ".join(chat.mentions)
    add_text(
        f"The office in Lisbon opens at nine o'clock. @everyone {pings} https://evil.example/y",
        f"@everyone {chat.mentions[0]} <!here>.txt",
    )


@pytest.mark.usefixtures("document")
async def test_nothing_pings(served: Chat[Any], gemini: GeminiSimulator, add_text: AddText) -> None:
    await fuzz(served, gemini, add_text, 40, seed=7)


@pytest.mark.soak
@pytest.mark.usefixtures("document")
async def test_of_a_thousand_answers_none_pings(
    served: Chat[Any], gemini: GeminiSimulator, add_text: AddText
) -> None:
    await fuzz(served, gemini, add_text, 1_000, seed=8)
    print(f"\n{served.name}: 1,000 answers: 0 pings, 0 live links or previews")
