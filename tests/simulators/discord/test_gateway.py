"""Sessions of the gateway: resuming, losing, refusing."""

import asyncio
from collections.abc import Callable

import pytest

from tests.simulators.discord.conftest import Bot
from tests.simulators.discord.library import discord
from tests.simulators.discord.simulator import DiscordSimulator

pytestmark = pytest.mark.asyncio


def heard(bot: Bot) -> Callable[[], list[str]]:
    return lambda: [message.content for message in bot.heard]


async def test_a_cut_socket_resumes_and_hears_what_it_missed(
    simulator: DiscordSimulator, bot: Bot
) -> None:
    simulator.dm("ana", "one")
    await simulator.until(lambda: bot.heard)
    simulator.cut_sockets()
    simulator.dm("ana", "two")
    await simulator.until(lambda: heard(bot)() == ["one", "two"])
    assert len(simulator.gateway.identifies) == 1
    assert len(simulator.gateway.resumes) == 1
    await simulator.until(lambda: "RESUMED" in bot.events)


async def test_a_reconnect_request_is_a_resume(simulator: DiscordSimulator, bot: Bot) -> None:
    simulator.reconnect()
    simulator.dm("ana", "one")
    await simulator.until(lambda: simulator.gateway.resumes and bot.heard)
    assert len(simulator.gateway.identifies) == 1


async def test_a_forgotten_session_identifies_anew_and_lost_events_stay_lost(
    simulator: DiscordSimulator, bot: Bot
) -> None:
    with simulator.lost_events():
        simulator.dm("ana", "lost")
    simulator.forget_sessions()
    simulator.cut_sockets()
    await simulator.until(lambda: len(simulator.gateway.identifies) == 2, timeout=10)
    await simulator.until(lambda: bot.events.count("GUILD_CREATE") == 2)
    simulator.dm("ana", "two")
    await simulator.until(lambda: heard(bot)() == ["two"])
    assert [m.text for m in simulator.messages(simulator.dm_of("ana"))] == ["lost", "two"]


async def test_heartbeats_are_acknowledged_until_the_socket_is_a_zombie(
    simulator: DiscordSimulator, bot: Bot
) -> None:
    await simulator.until(lambda: simulator.gateway.connections[0].heartbeats > 1)
    assert bot.latency < 1
    simulator.black_hole()
    simulator.dm("ana", "one")
    await asyncio.sleep(0.1)
    assert bot.heard == []
    await simulator.until(lambda: heard(bot)() == ["one"])


async def test_a_wrong_token_is_refused(simulator: DiscordSimulator, addresses: None) -> None:
    async with Bot(discord.Intents.default()) as client:
        with pytest.raises(discord.LoginFailure):
            await client.login("wrong")
    assert simulator.rates.invalid == 1


async def test_a_reset_token_closes_the_gateway_for_good(
    simulator: DiscordSimulator, addresses: None
) -> None:
    simulator.settings.identifies = 0
    async with Bot(discord.Intents.default()) as client:
        await client.login(simulator.token)
        with pytest.raises(discord.ConnectionClosed) as closed:
            await asyncio.wait_for(client.connect(), 5)
    assert closed.value.code == 4004
    assert simulator.gateway.closes == [4004]


@pytest.mark.parametrize("name", ["message_content", "members", "presences"])
async def test_an_intent_that_is_switched_off_is_refused(
    simulator: DiscordSimulator, addresses: None, name: str
) -> None:
    intents = discord.Intents.default()
    setattr(intents, name, True)
    async with Bot(intents) as client:
        await client.login(simulator.token)
        with pytest.raises(discord.PrivilegedIntentsRequired):
            await asyncio.wait_for(client.connect(), 5)


async def test_the_message_content_intent_brings_all_content(
    simulator: DiscordSimulator, addresses: None
) -> None:
    simulator.message_content_allowed = True
    intents = discord.Intents.default()
    intents.message_content = True
    async with Bot(intents) as client:
        await client.login(simulator.token)
        running = asyncio.create_task(client.connect())
        await client.wait_until_ready()
        simulator.say("ana", "general", "nobody in particular")
        await simulator.until(lambda: heard(client)() == ["nobody in particular"])
        await client.close()
        await running


async def test_the_identify_budget_is_told(simulator: DiscordSimulator, bot: Bot) -> None:
    told = await bot.http.request(discord.http.Route("GET", "/gateway/bot"))
    assert told["session_start_limit"]["remaining"] == 999


async def test_a_guild_comes_and_goes(simulator: DiscordSimulator, bot: Bot) -> None:
    simulator.add_guild("club", "ana")
    await simulator.until(lambda: len(bot.guilds) == 2)
    simulator.remove_bot("club")
    await simulator.until(lambda: len(bot.guilds) == 1)


async def test_roles_and_overwrites_reach_the_client(simulator: DiscordSimulator, bot: Bot) -> None:
    team = simulator.add_role("team")
    simulator.deny("general", "@everyone", "view_channel")
    simulator.allow("general", team, "view_channel")
    general = bot.get_channel(int(simulator.general.id))
    assert isinstance(general, discord.TextChannel)
    await simulator.until(lambda: len(general.overwrites) == 2)
    assert {role.name for role in bot.guilds[0].roles} == {"@everyone", "team"}


async def test_named_members_can_be_asked_for_without_the_intent(
    simulator: DiscordSimulator, bot: Bot
) -> None:
    simulator.give_role("ana", simulator.add_role("team"))
    ids = [int(simulator.ana.id), int(simulator.eve.id)]
    found = await bot.guilds[0].query_members(user_ids=ids)
    assert [member.name for member in found] == ["ana"]
    fetched = await bot.guilds[0].fetch_member(int(simulator.ana.id))
    assert [role.name for role in fetched.roles] == ["@everyone", "team"]
    with pytest.raises(discord.NotFound):
        await bot.guilds[0].fetch_member(int(simulator.eve.id))
