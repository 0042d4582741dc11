"""Asking in Discord: a mention, a direct message, a follow-up, a command, a menu."""

import pytest

from bot import wording
from tests.bot.discord.running import (
    ANSWER,
    QUESTION,
    answered,
    ask,
    buttons,
    one_answer,
    running,
    settled,
)
from tests.simulators.discord.simulator import DiscordSimulator

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("home", "offices", "closing_clients"),
]


async def test_a_mention_is_answered_in_a_thread_that_is_opened_on_it(
    discord: DiscordSimulator,
) -> None:
    async with running(discord):
        asked = ask(discord)
        answer = await one_answer(discord, asked)
    thread = discord.thread(asked)
    assert thread is not None and thread.name == QUESTION and answer.channel == thread.id
    assert discord.pinged == []


async def test_where_no_thread_may_be_opened_the_question_is_replied_to(
    discord: DiscordSimulator,
) -> None:
    discord.deny("general", "askwell", "create_public_threads")
    async with running(discord):
        asked = ask(discord)
        answer = await one_answer(discord, asked)
        assert answer.channel == asked.channel and answer.reply_to == asked.id
        again = discord.say("ana", "general", QUESTION, reply_to=answer)
        assert (await one_answer(discord, again)).reply_to == again.id
    assert discord.pinged == []


async def test_a_direct_message_is_answered_without_a_mention(discord: DiscordSimulator) -> None:
    async with running(discord):
        asked = discord.dm("ana", QUESTION)
        await one_answer(discord, asked)


async def test_a_follow_up_in_the_thread_is_answered_there(discord: DiscordSimulator) -> None:
    async with running(discord):
        asked = ask(discord)
        await one_answer(discord, asked)
        thread = discord.thread(asked)
        assert thread is not None
        again = discord.say("ben", thread, f"@askwell {QUESTION}")
        answer = await one_answer(discord, again)
    assert answer.channel == thread.id and answer.reply_to == again.id


async def test_what_people_say_to_each_other_is_left_alone(discord: DiscordSimulator) -> None:
    async with running(discord):
        said = discord.say("ben", "general", QUESTION)
        asked = ask(discord)
        await one_answer(discord, asked)
    assert not discord.answers(said)


async def test_a_mention_alone_offers_help(discord: DiscordSimulator) -> None:
    async with running(discord):
        [answer] = await answered(discord, discord.say("ana", "general", "@askwell"))
    assert "Every answer names its sources" in answer.text


async def test_a_reply_whose_words_discord_hides_is_told_why(discord: DiscordSimulator) -> None:
    async with running(discord):
        answer = await one_answer(discord, ask(discord))
        again = discord.say("ana", answer.channel, QUESTION, reply_to=answer, ping_reply=False)
        [told] = await answered(discord, again)
    assert told.text == wording.HIDDEN_DISCORD


async def test_a_commands_answer_is_for_the_asker_alone(discord: DiscordSimulator) -> None:
    async with running(discord):
        asked = discord.command("ana", "general", "ask", question=QUESTION)
        await discord.until(lambda: asked.messages and buttons(asked.messages[0]), timeout=20)
        await settled()
    assert asked.deferred and asked.ephemeral and not asked.failed
    [answer] = discord.ephemeral_to("ana")
    assert ANSWER in answer.text and buttons(answer) == ["Helpful", "Not helpful", "Share"]
    assert discord.messages("general") == []


async def test_a_command_may_ask_for_all_to_see(discord: DiscordSimulator) -> None:
    async with running(discord):
        discord.command("ana", "general", "ask", question=QUESTION, private=False)
        await discord.until(lambda: discord.messages("general"), timeout=20)
        await settled()
        [answer] = discord.messages("general")
        assert ANSWER in answer.text and buttons(answer) == ["Helpful", "Not helpful"]
        again = discord.say("ana", "general", f"@askwell {QUESTION}", reply_to=answer)
        await one_answer(discord, again)


async def test_a_messages_menu_asks_about_it(discord: DiscordSimulator) -> None:
    async with running(discord):
        said = discord.say("ben", "general", f"@ana {QUESTION}")
        asked = discord.context_menu("ana", said, "Ask about this")
        await discord.until(lambda: asked.messages and buttons(asked.messages[0]), timeout=20)
        await settled()
    assert ANSWER in discord.ephemeral_to("ana")[0].text


async def test_an_unclaimed_server_is_told_how_to_be_claimed(discord: DiscordSimulator) -> None:
    other = discord.add_guild("other", "ana", "eve")
    discord.add_channel("lobby", other)
    async with running(discord):
        [answer] = await answered(discord, ask(discord, "lobby", "eve"))
        assert answer.text == wording.CLAIM_ME.format(id=other.id)
        [told] = await answered(discord, discord.dm("eve", QUESTION))
        assert told.text == wording.NO_SERVER


async def test_ask_help_is_answered_at_once(discord: DiscordSimulator) -> None:
    async with running(discord):
        asked = discord.command("ana", "general", "ask", question="help")
        await discord.until(lambda: asked.messages, timeout=10)
    assert "Every answer names its sources" in discord.ephemeral_to("ana")[0].text
