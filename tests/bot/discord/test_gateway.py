"""The life of the connection to Discord: resuming, dead sockets, refusals, the budget."""

import asyncio
import time
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone
from pytest_django import Settings

from bot.discord import gateway, service
from bot.discord.gateway import AT_ONCE, ONE_IN, take_start
from bot.errors import Resting
from bot.models import SessionStarts
from bot.responder import Responder
from tests.bot.discord.running import ask, one_answer, running
from tests.simulators.discord.faults import Delay, Drop, Status
from tests.simulators.discord.simulator import DiscordSimulator

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("home", "offices", "closing_clients"),
]


async def test_a_cut_socket_is_resumed_and_nothing_is_lost(discord: DiscordSimulator) -> None:
    async with running(discord):
        await one_answer(discord, ask(discord))
        before = discord.gateway.identifies
        for end in (discord.cut_sockets, discord.reconnect):
            end()
            await one_answer(discord, ask(discord))
        assert discord.gateway.identifies == before


async def test_a_dead_socket_is_replaced(
    discord: DiscordSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, seconds in {"QUIET": 0.3, "DEAD": 1.0, "LOOK_EVERY": 0.1}.items():
        monkeypatch.setattr(gateway, name, seconds)
    async with running(discord):
        await one_answer(discord, ask(discord))
        before = discord.gateway.identifies
        discord.black_hole()
        asked = ask(discord)
        await one_answer(discord, asked)
        assert discord.gateway.identifies == before


async def test_a_channel_that_goes_with_its_thread_while_it_is_read_back_ends_nothing(
    discord: DiscordSimulator,
) -> None:
    discord.start_thread("ana", ask(discord), "Lisbon")
    discord.faults.next("GET /channels/{}/messages", Delay(0.5))
    async with running(discord):
        await discord.until(lambda: discord.faults.pending == 0)
        discord.delete_channel("general")
        await asyncio.sleep(1)
        await one_answer(discord, ask(discord, "random"), timeout=5)


@pytest.mark.soak
async def test_dead_sockets_are_replaced_within_a_minute_and_nothing_is_lost(
    discord: DiscordSimulator,
) -> None:
    """With the product's own times (promise 33). Reading back may find the question earlier."""
    took = []
    async with running(discord):
        for _ in range(5):
            discord.black_hole()
            since = time.monotonic()
            asked = ask(discord)
            await discord.until(lambda: _hears(discord), timeout=60)
            took.append(time.monotonic() - since)
            await one_answer(discord, asked)
    print(f"\n5 black holes: replaced after {', '.join(f'{t:.0f} s' for t in took)}, all answered")


def _hears(discord: DiscordSimulator) -> bool:
    return any(one.session and not one.black_hole for one in discord.gateway.connections)


async def serve_until_it_rests() -> str:
    with pytest.raises(Resting) as rests:
        async with asyncio.timeout(20):
            await service.serve(Responder(), asyncio.Event())
    return str(rests.value)


async def test_a_wrong_token_rests_discord(settings: Settings) -> None:
    settings.DISCORD_TOKEN = "wrong"
    assert "DISCORD_TOKEN" in await serve_until_it_rests()


async def test_a_disallowed_intent_names_the_switch(settings: Settings) -> None:
    settings.DISCORD_MESSAGE_CONTENT = True
    assert "switch it on under Bot, Privileged Gateway Intents" in await serve_until_it_rests()


async def test_a_disallowed_intent_costs_no_session(
    discord: DiscordSimulator, settings: Settings
) -> None:
    settings.DISCORD_MESSAGE_CONTENT = True
    await serve_until_it_rests()
    assert discord.gateway.identifies == []
    assert not await SessionStarts.objects.aexists()


async def test_commands_that_could_not_be_sent_are_sent_again(
    discord: DiscordSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "REGISTER_AGAIN", 0.1)
    discord.faults.next("GET /applications/{}/commands", Status(503))
    discord.faults.next("PUT /applications/{}/commands", Drop())
    async with running(discord):
        await one_answer(discord, ask(discord))
    assert "ask" in discord.commands and discord.faults.pending == 0


async def test_a_token_that_is_revoked_rests_discord(discord: DiscordSimulator) -> None:
    serving = asyncio.create_task(serve_until_it_rests())
    await discord.until(lambda: "ask" in discord.commands, timeout=10)
    discord.close_sockets(4004)
    assert "DISCORD_TOKEN" in await serving


async def test_a_crash_loop_begins_at_most_500_sessions_a_day(discord: DiscordSimulator) -> None:
    def starts() -> int:
        return sum(take_start() for _ in range(2 * AT_ONCE))

    assert await sync_to_async(starts)() == AT_ONCE
    assert "new sessions a day" in await serve_until_it_rests()
    assert AT_ONCE + timedelta(days=1) / ONE_IN <= 500
    await SessionStarts.objects.aupdate(paid_until=timezone.now() - timedelta(days=2))
    assert await sync_to_async(starts)() == AT_ONCE


async def test_commands_are_sent_once(discord: DiscordSimulator) -> None:
    for _ in range(2):
        async with running(discord):
            pass
    assert len(discord.calls_to("PUT /applications/{}/commands")) == 1
