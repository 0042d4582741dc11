"""Rate limits, and what goes wrong on the way."""

import asyncio
import time

import aiohttp
import pytest

from tests.simulators.discord.conftest import Bot
from tests.simulators.discord.faults import Delay, Drop, Error, Hang, Limited, Status
from tests.simulators.discord.library import discord
from tests.simulators.discord.simulator import DiscordSimulator

pytestmark = pytest.mark.asyncio
SEND = "POST /channels/{}/messages"


@pytest.fixture
def general(simulator: DiscordSimulator, bot: Bot) -> discord.TextChannel:
    found = bot.get_channel(int(simulator.general.id))
    assert isinstance(found, discord.TextChannel)
    return found


async def test_the_headers_pace_a_client_so_that_it_never_hits_the_limit(
    simulator: DiscordSimulator, general: discord.TextChannel
) -> None:
    simulator.rates.on, simulator.rates.scale = True, 0.1
    start = time.monotonic()
    for number in range(11):
        await general.send(str(number))
    assert time.monotonic() - start > 0.9
    assert len(simulator.messages("general")) == 11
    assert simulator.rates.invalid == 0


async def test_a_burst_of_sends_is_paced_too(
    simulator: DiscordSimulator, general: discord.TextChannel
) -> None:
    simulator.rates.on, simulator.rates.scale = True, 0.1
    await asyncio.gather(*(general.send(str(number)) for number in range(12)))
    assert len(simulator.messages("general")) == 12
    assert simulator.rates.invalid == 0


async def test_a_client_that_ignores_the_limit_is_refused_and_noted(
    simulator: DiscordSimulator,
) -> None:
    simulator.rates.on = True
    url = f"{simulator.api_url}/channels/{simulator.general.id}/messages"
    headers = {"Authorization": f"Bot {simulator.token}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        for _ in range(5):
            async with session.post(url, json={"content": "x"}) as answer:
                assert answer.status == 200
        async with session.post(url, json={"content": "x"}) as answer:
            assert answer.status == 429
            assert 0 < (await answer.json())["retry_after"] <= 5
            assert answer.headers["via"] == "1.1 google"
        await asyncio.sleep(0.06)
        async with session.post(url, json={"content": "x"}) as answer:
            assert answer.status == 429
    assert len(simulator.early_calls) == 1
    assert simulator.rates.invalid == 2


async def test_the_global_limit_spares_interactions(simulator: DiscordSimulator) -> None:
    simulator.rates.on = True
    headers = {"Authorization": f"Bot {simulator.token}"}
    paths = ["users/@me", "gateway", "applications/@me"] * 17
    async with aiohttp.ClientSession(headers=headers) as session:
        statuses = []
        for path in paths:
            async with session.get(f"{simulator.api_url}/{path}") as answer:
                statuses.append(answer.status)
        async with session.post(f"{simulator.api_url}/interactions/1/x/callback") as answer:
            assert answer.status == 404
    assert statuses == [200] * 50 + [429]


async def test_a_429_is_waited_out(
    simulator: DiscordSimulator, general: discord.TextChannel
) -> None:
    simulator.faults.next(SEND, Limited(0.2))
    await general.send("x")
    assert [call.status for call in simulator.calls_to(SEND)] == [429, 200]
    assert simulator.early_calls == []


async def test_a_ban_page_is_not_retried(
    simulator: DiscordSimulator, general: discord.TextChannel
) -> None:
    simulator.faults.next(SEND, Limited(1, via=False))
    with pytest.raises(discord.HTTPException):
        await general.send("x")
    assert len(simulator.calls_to(SEND)) == 1


async def test_refusals_and_outages_can_be_asked_for(
    simulator: DiscordSimulator, general: discord.TextChannel
) -> None:
    simulator.faults.next(SEND, Error(50013), Status(503))
    with pytest.raises(discord.Forbidden):
        await general.send("x")
    with pytest.raises(discord.DiscordServerError):
        await general.send("x")
    assert simulator.faults.pending == 0


async def test_a_dropped_answer_leaves_the_message_there(
    simulator: DiscordSimulator, general: discord.TextChannel
) -> None:
    simulator.faults.next(SEND, Drop(), Drop(after=True))
    for _ in range(2):
        with pytest.raises(aiohttp.ClientError):
            await general.send("x", nonce="n")
    await general.send("x", nonce="n")
    assert [m.text for m in simulator.messages("general")] == ["x"]


async def test_a_hung_call_took_effect_or_not(
    simulator: DiscordSimulator, general: discord.TextChannel
) -> None:
    simulator.faults.next(SEND, Hang(after=True), Delay(0.05))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(general.send("x"), 0.1)
    await general.send("y")
    assert [m.text for m in simulator.messages("general")] == ["x", "y"]
