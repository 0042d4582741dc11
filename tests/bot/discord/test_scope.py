"""Who may read what in Discord: servers, roles, overwrites, threads (DESIGN.md, section 3)."""

import asyncio

import pytest
from asgiref.sync import sync_to_async
from pytest_django import Settings

from backend.accounts.claiming import claim
from backend.accounts.models import Identity
from backend.accounts.people import NEVER
from backend.accounts.spaces import channel_key, personal_key, space_for
from backend.accounts.spaces import home as home_workspace
from bot import wording
from bot.models import InboxItem
from tests.bot.discord.running import ANSWER, QUESTION, answered, ask, running
from tests.conftest import AddText
from tests.simulators.discord.simulator import DiscordSimulator
from tests.simulators.discord.state import Channel

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("home", "offices", "closing_clients"),
]

LUNCH = "What is for lunch on Friday?"


def keep(discord: DiscordSimulator, add_text: AddText, channel: Channel) -> None:
    """A document of this channel's own."""
    key = channel_key("discord", discord.home.id, channel.id)
    add_text("Lunch on Friday is fish.", "lunch.txt", space_for(key))


async def says(discord: DiscordSimulator, who: str, where: Channel | str | None, what: str) -> str:
    said = f"@askwell {what}"
    asked = discord.dm(who, what) if where is None else discord.say(who, where, said)
    return "\n".join(message.text for message in await answered(discord, asked))


async def test_a_channels_documents_are_used_there_and_by_those_who_see_it(
    discord: DiscordSimulator, add_text: AddText
) -> None:
    board = discord.add_channel("board", private=True)
    discord.allow(board, "ana", "view_channel", "send_messages")
    await sync_to_async(keep)(discord, add_text, board)
    async with running(discord):
        assert "fish" in await says(discord, "ana", board, LUNCH)
        assert "fish" in await says(discord, "ana", None, LUNCH)
        assert "fish" not in await says(discord, "ben", None, LUNCH)
        assert "fish" not in await says(discord, "ana", "general", LUNCH)


async def test_a_channel_that_others_than_the_team_can_see_knows_only_itself(
    discord: DiscordSimulator, add_text: AddText
) -> None:
    discord.add_role("staff")
    discord.give_role("ana", "staff")
    inner = discord.add_channel("inner", private=True)
    discord.allow(inner, "staff", "view_channel", "send_messages", "create_public_threads")
    await sync_to_async(claim)("discord", discord.home.id, "staff")
    await sync_to_async(keep)(discord, add_text, discord.general)
    async with running(discord):
        assert ANSWER in await says(discord, "ana", inner, QUESTION)
        assert ANSWER not in await says(discord, "ana", "general", QUESTION)
        assert "fish" in await says(discord, "ana", "general", LUNCH)
        assert ANSWER in await says(discord, "ana", None, QUESTION)
        assert ANSWER not in await says(discord, "ben", None, QUESTION)
        assert "fish" in await says(discord, "ben", None, LUNCH)
        discord.allow(inner, "ben", "view_channel")
        await asyncio.sleep(0.3)  # until the gateway told
        assert ANSWER not in await says(discord, "ana", inner, QUESTION)


async def test_a_private_thread_has_documents_of_its_own(
    discord: DiscordSimulator, add_text: AddText
) -> None:
    thread = discord.start_thread("ana", "general", "plans", private=True)
    discord.join_thread("askwell", thread)
    await sync_to_async(keep)(discord, add_text, thread)
    async with running(discord):
        assert "fish" in await says(discord, "ana", thread, LUNCH)
        assert "fish" not in await says(discord, "ana", "general", LUNCH)
        assert "fish" in await says(discord, "ana", None, LUNCH)
        assert "fish" not in await says(discord, "ben", None, LUNCH)


async def test_who_left_the_server_learns_nothing(discord: DiscordSimulator) -> None:
    discord.add_guild("Other", "ben")  # nobody claimed it; without it he could not be written to
    async with running(discord):
        assert ANSWER in await says(discord, "ben", None, QUESTION)
        await Identity.objects.aupdate(read_at=NEVER)  # some minutes later
        discord.remove_member("home", "ben")
        assert await says(discord, "ben", None, QUESTION) == wording.NO_SERVER


async def test_of_several_servers_the_person_says_which(discord: DiscordSimulator) -> None:
    other = discord.add_guild("Other", "ana")
    await sync_to_async(claim)("discord", other.id)
    async with running(discord):
        assert "“home”, “Other”" in await says(discord, "ana", None, QUESTION)
        assert ANSWER in await says(discord, "ana", None, "home")
        assert ANSWER in await says(discord, "ana", None, QUESTION)


async def test_servers_of_one_name_are_told_apart_by_numbers(discord: DiscordSimulator) -> None:
    twin = discord.add_guild("Home", "ana")
    await sync_to_async(claim)("discord", twin.id)
    async with running(discord):
        assert "“home 1”, “Home 2”" in await says(discord, "ana", None, QUESTION)
        assert ANSWER in await says(discord, "ana", None, "home 2")
    assert await InboxItem.objects.filter(sender_team=twin.id).aexists()


async def test_where_the_bot_is_no_member_nothing_of_the_teams_is_used(
    discord: DiscordSimulator,
) -> None:
    elsewhere = discord.add_guild("elsewhere", "ana", bot=False)
    lobby = discord.add_channel("lobby", elsewhere)
    discord.world.user("ana").installed = True
    async with running(discord):
        asked = discord.command("ana", lobby, "ask", question=QUESTION, private=False)
        await discord.until(lambda: asked.messages and len(asked.messages[0].text) > 30, timeout=20)
    assert asked.ephemeral and ANSWER not in asked.messages[0].text


async def test_with_the_intent_a_follow_up_needs_no_mention(
    discord: DiscordSimulator, settings: Settings
) -> None:
    settings.DISCORD_MESSAGE_CONTENT = discord.message_content_allowed = True
    async with running(discord):
        asked = ask(discord)
        await answered(discord, asked)
        thread = discord.thread(asked)
        assert thread is not None
        again, other = (discord.say(who, thread, QUESTION) for who in ("ana", "ben"))
        assert ANSWER in (await answered(discord, again))[0].text
    assert not discord.answers(other)


async def keep_personal(discord: DiscordSimulator, add_text: AddText) -> None:
    """A document of ana's own."""
    await says(discord, "ana", None, "Hello")
    identity = await Identity.objects.select_related("user").aget(external_id=discord.ana.id)
    own = await sync_to_async(lambda: space_for(personal_key(home_workspace(), identity.user)))()
    await sync_to_async(add_text)("Ana's salary is 4711 euros.", "salary.txt", own)


async def test_in_an_archived_thread_nothing_of_ones_own_is_shown(
    discord: DiscordSimulator, add_text: AddText
) -> None:
    thread = discord.start_thread("ana", "general", "money")
    async with running(discord) as responder:
        await keep_personal(discord, add_text)
        platform = responder._platforms["discord"]
        responder.disconnected("discord")
        asked = discord.say("ana", thread, "@askwell What is Ana's salary in euros?")
        discord.archive(thread)
        while not await InboxItem.objects.filter(message=asked.id).aexists():
            await asyncio.sleep(0.02)
        responder.connected(platform)
        replies = await answered(discord, asked)
    assert replies and not [r for r in replies if "4711" in r.text or "doesn't exist" in r.text]


async def test_what_all_see_is_not_answered_where_the_bot_sees_no_more(
    discord: DiscordSimulator, add_text: AddText
) -> None:
    async with running(discord) as responder:
        await keep_personal(discord, add_text)
        platform = responder._platforms["discord"]
        responder.disconnected("discord")
        asked = discord.command(
            "ana", "general", "ask", question="What is Ana's salary in euros?", private=False
        )
        await discord.until(lambda: asked.deferred, timeout=10)
        discord.deny("general", "askwell", "view_channel")
        await asyncio.sleep(0.2)
        responder.connected(platform)
        direct = discord.dm_of("ana")
        await discord.until(
            lambda: "could not answer you there" in discord.messages(direct)[-1].text, timeout=20
        )
    assert not [m for m in discord.messages("general") if "4711" in m.text]


async def test_a_named_server_counts_for_commands_too(discord: DiscordSimulator) -> None:
    other = discord.add_guild("Other", "ana")
    await sync_to_async(claim)("discord", other.id)
    async with running(discord):
        await says(discord, "ana", None, "home")
        listed = discord.command("ana", None, "knowledge list")
        await discord.until(lambda: listed.messages and listed.messages[0].text, timeout=10)
    assert "offices.txt" in listed.messages[0].text


async def test_who_no_longer_sees_the_channel_of_a_private_thread_reads_nothing_of_it(
    discord: DiscordSimulator, add_text: AddText
) -> None:
    thread = discord.start_thread("ben", "general", "plans", private=True)
    discord.join_thread("askwell", thread)
    discord.deny("general", "ben", "view_channel")
    await sync_to_async(keep)(discord, add_text, thread)
    async with running(discord):
        assert "fish" not in await says(discord, "ben", None, LUNCH)
