"""Files where the bot knows nothing yet: it says so, once, and takes none of them."""

import pytest
from asgiref.sync import sync_to_async

from backend.accounts.claiming import claim
from bot import wording
from bot.discord.registering import ADD
from bot.models import InboxItem
from tests.bot.discord.running import ANSWER, OFFICES, QUESTION, answered, running, settled
from tests.bot.working import working
from tests.simulators.discord.simulator import DiscordSimulator
from tests.simulators.discord.state import Channel, Guild

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("home", "closing_clients"),
]
HOURS = ("hours.txt", OFFICES.encode(), "text/plain")


def unclaimed(discord: DiscordSimulator) -> tuple[Guild, Channel]:
    """Another server, and a channel in it."""
    other = discord.add_guild("other", "eve")
    return other, discord.add_channel("lobby", other)


async def test_the_menu_takes_nothing_in_a_server_that_nobody_claimed(
    discord: DiscordSimulator,
) -> None:
    other, lobby = unclaimed(discord)
    said = discord.say("eve", lobby, "have a look", attachments=[HOURS])
    async with running(discord):
        made = discord.context_menu("eve", said, ADD)
        await discord.until(lambda: made.messages and made.messages[0].text, timeout=10)
        await settled()
    assert made.ephemeral
    assert [m.text for m in made.messages] == [wording.CLAIM_ME.format(id=other.id)]
    assert discord.answers(said) == []
    assert not await InboxItem.objects.aexists()


@pytest.mark.parametrize("private", [True, False])
async def test_ask_with_a_file_is_told_once_that_nobody_claimed_the_server(
    discord: DiscordSimulator, private: bool
) -> None:
    other, lobby = unclaimed(discord)
    async with running(discord):
        made = discord.command("eve", lobby, "ask", question=QUESTION, file=HOURS, private=private)
        await discord.until(lambda: made.messages, timeout=10)
        await settled()
    assert [m.text for m in made.messages] == [wording.CLAIM_ME.format(id=other.id)]
    assert len(discord.messages(lobby)) == (0 if private else 1)


@pytest.mark.parametrize("text", [QUESTION, ""])
async def test_what_comes_with_files_is_told_once_that_nothing_is_known(
    discord: DiscordSimulator, text: str
) -> None:
    other, lobby = unclaimed(discord)
    async with running(discord):
        there = discord.say("eve", lobby, f"@askwell {text}", attachments=[HOURS, HOURS])
        alone = discord.dm("eve", text, attachments=[HOURS, HOURS])
        await discord.until(lambda: discord.answers(there) and discord.answers(alone), timeout=10)
        await settled()
    assert [m.text for m in discord.answers(there)] == [wording.CLAIM_ME.format(id=other.id)]
    assert [m.text for m in discord.answers(alone)] == [wording.NO_SERVER]


async def test_of_a_question_with_a_file_the_person_is_asked_once_which_server_it_is_about(
    discord: DiscordSimulator,
) -> None:
    await sync_to_async(claim)("discord", discord.add_guild("Other", "ana").id)
    async with running(discord), working():
        said = discord.dm("ana", QUESTION, attachments=[HOURS])
        [asked] = await answered(discord, said)
        await settled()
        assert "“home”, “Other”" in asked.text and discord.answers(said) == [asked]
        named = discord.dm("ana", "Other")
        answers = await answered(discord, named)
    assert any(ANSWER in answer.text for answer in answers)
