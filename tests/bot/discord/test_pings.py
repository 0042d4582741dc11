"""Whatever a model or a document says, nobody is pinged and nothing is previewed (promise 7)."""

import random

import pytest

from tests.bot.discord.running import QUESTION, answered, running
from tests.conftest import AddText
from tests.simulators.discord.simulator import DiscordSimulator
from tests.simulators.faults import Answer
from tests.simulators.gemini import GeminiSimulator

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("home", "closing_clients"),
]
NO_PREVIEWS = 1 << 2


def nasty(discord: DiscordSimulator, chosen: random.Random) -> str:
    """A text that would ping if it could."""
    person, role = discord.ana.id, next(iter(discord.home.roles))
    parts = [
        "@everyone",
        "@here",
        f"<@{person}>",
        f"<@!{person}>",
        f"<@&{role}>",
        "`@everyone",
        "```\n@here\n```",
        "> @everyone",
        "[@everyone](https://evil.example/x)",
        "||@here||",
        "\\@everyone",
        "@\u200beveryone",
        "# @everyone",
        "-# <@&1>",
        "https://evil.example/@everyone",
        "\n",
        "word",
    ]
    return " ".join(chosen.choice(parts) for _ in range(chosen.randint(1, 12))) + " [1]"


async def fuzz(
    discord: DiscordSimulator, gemini: GeminiSimulator, add_text: AddText, count: int
) -> None:
    chosen = random.Random(7)
    name = f"@everyone <@{discord.ana.id}>.txt"
    gemini.faults.always(Answer(lambda _: nasty(discord, chosen), delay=0.001), on="chat")
    async with running(discord):
        asked = [discord.dm("ana", f"{QUESTION} @everyone")]
        asked += [
            discord.say("ana", "general", f"@askwell {QUESTION} @ben @everyone {number}")
            for number in range(count - 1)
        ]
        for question in asked:
            replies = await answered(discord, question, timeout=60 + count)
            assert replies and name.split()[0][1:] in replies[-1].text
            assert all(reply.flags & NO_PREVIEWS for reply in replies)
        discord.command("ana", "general", "ask", question=f"{QUESTION} @everyone", private=False)
        await discord.until(lambda: discord.messages("general")[-1].components, timeout=20)
    assert discord.pinged == []


@pytest.fixture
def document(discord: DiscordSimulator, add_text: AddText) -> AddText:
    add_text(
        "The office in Lisbon opens at nine o'clock. @everyone",
        f"@everyone <@{discord.ana.id}>.txt",
    )
    return add_text


async def test_nothing_pings(
    discord: DiscordSimulator, gemini: GeminiSimulator, document: AddText
) -> None:
    await fuzz(discord, gemini, document, 40)


@pytest.mark.soak
async def test_of_a_thousand_answers_none_pings(
    discord: DiscordSimulator, gemini: GeminiSimulator, document: AddText
) -> None:
    await fuzz(discord, gemini, document, 1_000)
    print("\n1,000 answers: 0 pings")
