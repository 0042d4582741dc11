"""What discord.py does against the simulator, from one end to the other."""

import discord
import pytest

from tests.simulators.discord.conftest import Bot
from tests.simulators.discord.simulator import DiscordSimulator

pytestmark = pytest.mark.asyncio


def channel(bot: Bot, wanted: str) -> discord.TextChannel:
    found = bot.get_channel(int(wanted))
    assert isinstance(found, discord.TextChannel)
    return found


async def test_a_client_logs_in_and_knows_its_guild(simulator: DiscordSimulator, bot: Bot) -> None:
    assert [guild.name for guild in bot.guilds] == ["home"]
    assert [c.name for c in bot.guilds[0].text_channels] == ["general", "random"]
    assert [member.name for member in bot.guilds[0].members] == ["askwell"]


async def test_a_mention_is_answered_in_a_thread(simulator: DiscordSimulator, bot: Bot) -> None:
    asked = simulator.say("ana", "general", "@askwell how many days?")
    heard = await simulator.until(lambda: next(iter(bot.heard), None))
    assert bot.user in heard.mentions
    assert heard.content == f"{simulator.mention} how many days?"
    thread = await heard.create_thread(name="how many days?")
    sent = await thread.send("25")
    await sent.edit(content="25 days")
    assert [m.text for m in simulator.answers(asked)] == ["25 days"]
    assert [text for _, text in simulator.answers(asked)[0].seen] == ["25", "25 days"]


async def test_a_command_is_deferred_edited_and_followed_up(
    simulator: DiscordSimulator, bot: Bot
) -> None:
    @bot.tree.command(name="ask", description="Ask")
    async def ask(interaction: discord.Interaction, question: str) -> None:
        await interaction.response.defer(ephemeral=True)
        await interaction.edit_original_response(content=f"you asked {question}")
        await interaction.followup.send("and more", ephemeral=True)

    await bot.tree.sync()
    made = simulator.command("ana", "general", "ask", question="why?")
    await simulator.until(lambda: len(made.messages) == 2)
    assert made.deferred and made.ephemeral and not made.failed
    assert [m.text for m in simulator.ephemeral_to("ana")] == ["you asked why?", "and more"]
    assert simulator.messages("general") == []
