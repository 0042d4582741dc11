"""The waits that Discord asks for are obeyed, by every call, and end."""

import asyncio

import pytest
from discord.http import Route

from bot import leases, reading_back, reply
from bot.discord import rest
from bot.discord.render import message
from bot.discord.rest import DiscordApi
from bot.discord.service import logged_in
from bot.errors import NotNow
from tests.bot.discord.running import ask, one_answer, running
from tests.simulators.discord.faults import Limited
from tests.simulators.discord.simulator import DiscordSimulator

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("home", "offices", "closing_clients"),
]

SEND, EDIT = "POST /channels/{}/messages", "PATCH /channels/{}/messages/{}"
# Seconds: longer than a call may take.
LONG = 2.0


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (rest, leases, reply):
        monkeypatch.setattr(module, "REQUEST_TIMEOUT", 1.0)
    monkeypatch.setattr(reading_back, "READ_BACK_AGAIN", 0.3)


@pytest.mark.parametrize("route", [SEND, EDIT])
@pytest.mark.parametrize(
    "limited", [Limited(LONG), Limited(LONG, everywhere=True), Limited(LONG, via=False)]
)
async def test_a_wait_longer_than_a_call_is_obeyed_and_ends(
    discord: DiscordSimulator, route: str, limited: Limited
) -> None:
    async with running(discord):
        discord.faults.next(route, limited)
        await one_answer(discord, ask(discord))
        await one_answer(discord, ask(discord, "random"))
    assert discord.faults.pending == 0
    assert discord.early_calls == []
    # What was under way when the wait was told may have been refused as well.
    assert discord.rates.invalid <= 3


async def test_a_wait_for_everything_leaves_commands_alone(discord: DiscordSimulator) -> None:
    async with running(discord):
        discord.faults.next(SEND, Limited(60, everywhere=True))
        ask(discord)
        await discord.until(lambda: not discord.faults.pending, timeout=10)
        asked = discord.command("ana", "general", "ask", question="help")
        await discord.until(lambda: asked.messages, timeout=3)


async def test_reading_back_obeys_the_wait(discord: DiscordSimulator) -> None:
    async with running(discord):
        await asyncio.sleep(0.5)
    asked = [ask(discord, where) for where in ("general", "random")]
    discord.faults.next("GET /channels/{}/messages", Limited(LONG), Limited(LONG, via=False))
    async with running(discord):
        for question in asked:
            await one_answer(discord, question)
    assert discord.faults.pending == 0
    assert discord.early_calls == []


async def test_a_call_after_which_others_wait_has_its_result(
    discord: DiscordSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Route, "BASE", discord.api_url)
    discord.rates.on, discord.rates.scale = True, 0.4
    async with logged_in() as client:
        api = DiscordApi(client)
        for number in range(6):
            while True:
                try:
                    await _send(api, discord, str(number))
                    break
                except NotNow as asked:
                    await asyncio.sleep(asked.seconds)
    assert [m.text for m in discord.messages("general")] == list("012345")
    assert discord.early_calls == []


async def _send(api: DiscordApi, discord: DiscordSimulator, text: str) -> None:
    path = "/channels/{channel_id}/messages"
    await api.call("POST", path, body=message(text), channel_id=discord.general.id)
