"""A server that Discord tells of late, or that is out of order for a while."""

import asyncio
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async

from backend import db
from backend.accounts.claiming import claim
from backend.accounts.models import Identity
from bot import responder
from bot.discord import people
from bot.models import InboxItem
from tests.bot.discord.running import ANSWER, QUESTION, ask, one_answer, running
from tests.simulators.discord.simulator import DiscordSimulator
from tests.simulators.faults import Answer
from tests.simulators.gemini import GeminiSimulator

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("home", "offices", "closing_clients"),
]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people, "AWAY", 0.02)
    monkeypatch.setattr(responder, "WAIT", timedelta(milliseconds=1))


async def come_back(discord: DiscordSimulator) -> None:
    """After what waits was tried more often than what fails is tried."""
    await asyncio.sleep(0.5)
    item = await InboxItem.objects.aget()
    assert not item.settled and item.attempts < db.MAX_ATTEMPTS
    discord.come_back("home")


async def test_what_was_said_in_a_server_that_comes_late_is_read_back(
    discord: DiscordSimulator,
) -> None:
    async with running(discord):
        await asyncio.sleep(0.5)
    asked = [ask(discord, where) for where in ("general", discord.add_channel("new"))]
    discord.go_away("home")
    async with running(discord):
        await asyncio.sleep(0.5)
        discord.come_back("home")
        for question in asked:
            await one_answer(discord, question)


async def test_a_question_waits_for_its_server(
    discord: DiscordSimulator, gemini: GeminiSimulator
) -> None:
    gemini.faults.always(Answer("word " * 40 + "[1]", delay=0.1), on="chat")
    async with running(discord):
        asked = ask(discord)
        await discord.until(lambda: discord.answers(asked), timeout=20)
    gemini.faults.always(Answer("It opens at nine o'clock [1]."), on="chat")
    discord.go_away("home")
    async with running(discord):
        await come_back(discord)
        await one_answer(discord, asked, "opens at nine")


async def test_a_private_question_waits_too_and_nobody_counts_as_a_guest(
    discord: DiscordSimulator,
) -> None:
    discord.go_away("home")
    async with running(discord):
        asked = discord.command("ana", "general", "ask", question=QUESTION)
        await come_back(discord)
        await discord.until(lambda: ANSWER in asked.text, timeout=20)
    assert [i.standing async for i in Identity.objects.all()] == ["team"]


async def test_a_direct_message_goes_to_the_server_that_is_there(
    discord: DiscordSimulator,
) -> None:
    other = discord.add_guild("other", "ana")
    await sync_to_async(claim)("discord", other.id)
    async with running(discord):
        discord.go_away("other")
        await one_answer(discord, discord.dm("ana", QUESTION))
