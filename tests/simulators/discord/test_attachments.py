"""Files that people share: how the bot is told of them, and how it gets their bytes."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from tests.simulators.discord.conftest import Bot
from tests.simulators.discord.faults import CDN, Limited
from tests.simulators.discord.library import app_commands, discord
from tests.simulators.discord.simulator import DiscordSimulator
from tests.simulators.downloads import (
    TWO_GIGABYTES,
    BadDownload,
    Claim,
    Cut,
    Drip,
    Endless,
    Mistyped,
    Redirect,
    Stall,
)

pytestmark = pytest.mark.asyncio
FILE = ("a b.txt", b"more than ten bytes", "text/plain")


@pytest_asyncio.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(0.3)) as session:
        yield session


@pytest_asyncio.fixture
async def url(simulator: DiscordSimulator, bot: Bot) -> str:
    simulator.dm("ana", "", attachments=[FILE])
    await simulator.until(lambda: bot.heard)
    return bot.heard[0].attachments[0].url


async def test_a_message_of_a_file_alone_reaches_the_bot_where_it_is_meant(
    simulator: DiscordSimulator, bot: Bot
) -> None:
    picture = ("a.png", b"png", "image/png")
    simulator.say("ana", "general", "", attachments=[picture])
    simulator.dm("ana", "", attachments=[picture])
    simulator.say("ana", "general", "@askwell", attachments=[picture, FILE])
    await simulator.until(lambda: len(bot.heard) == 3)
    assert [[a.filename for a in m.attachments] for m in bot.heard] == [
        [],
        ["a.png"],
        ["a.png", "a b.txt"],
    ]
    assert (bot.heard[1].content, bot.heard[1].attachments[0].content_type) == ("", "image/png")


async def test_with_the_intent_files_are_read_back(simulator: DiscordSimulator, bot: Bot) -> None:
    simulator.say("ana", "general", "", attachments=[FILE])
    general = bot.get_channel(int(simulator.general.id))
    assert isinstance(general, discord.TextChannel)
    assert (await anext(general.history())).attachments == []
    simulator.message_content_allowed = True
    assert [a.size for a in (await anext(general.history())).attachments] == [19]


async def test_a_file_comes_with_a_command_and_a_menu(
    simulator: DiscordSimulator, bot: Bot
) -> None:
    taken: list[tuple[str, bytes]] = []

    @bot.tree.command(name="ask", description="Ask")
    @app_commands.describe(question="What", file="About this")
    async def ask(interaction: Any, question: str, file: discord.Attachment | None = None) -> None:
        assert file is not None
        taken.append((file.filename, await file.read()))

    @bot.tree.context_menu(name="Add")
    async def add(interaction: Any, message: discord.Message) -> None:
        taken.append((message.attachments[0].filename, await message.attachments[0].read()))

    await bot.tree.sync()
    simulator.command("ana", "general", "/ask", question="why?", file=FILE)
    await simulator.until(lambda: len(taken) == 1)
    unread = simulator.say("ana", "general", "", attachments=[FILE])
    simulator.context_menu("ben", unread, "Add")
    await simulator.until(lambda: len(taken) == 2)
    assert taken == [FILE[:2], FILE[:2]]


async def test_an_address_is_good_for_a_time(
    simulator: DiscordSimulator, url: str, http: aiohttp.ClientSession
) -> None:
    async with http.get(url) as reply:
        assert (reply.content_type, await reply.read()) == ("text/plain", FILE[1])
    for bad in (url.replace("hm=", "hm=1"), url.partition("?")[0], url.replace("ex=6", "ex=5")):
        async with http.get(bad) as reply:
            assert (reply.status, reply.content_type) == (404, "text/plain")
    simulator.delete(simulator.messages(simulator.dm_of("ana"))[0])
    async with http.get(url) as reply:
        assert reply.status == 404


async def test_files_that_are_taken_away_are_an_edit(
    simulator: DiscordSimulator, bot: Bot, http: aiohttp.ClientSession, url: str
) -> None:
    said = simulator.messages(simulator.dm_of("ana"))[0]
    simulator.remove_attachments(said)
    await simulator.until(lambda: "MESSAGE_UPDATE" in bot.events)
    async with http.get(url) as reply:
        assert reply.status == 404


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Stall(), TimeoutError),
        (Drip(0.2), TimeoutError),
        (Cut(), aiohttp.ClientPayloadError),
        (Claim(), TimeoutError),
        (Endless(), TimeoutError),
    ],
)
async def test_downloads_that_do_not_end_well(
    simulator: DiscordSimulator,
    url: str,
    http: aiohttp.ClientSession,
    fault: BadDownload,
    error: type[Exception],
) -> None:
    simulator.faults.next(CDN, fault)
    async with http.get(url) as reply:
        if isinstance(fault, Claim):
            assert reply.content_length == TWO_GIGABYTES
        with pytest.raises(error):
            await reply.read()


async def test_downloads_that_are_something_else(
    simulator: DiscordSimulator, url: str, http: aiohttp.ClientSession
) -> None:
    elsewhere = Redirect("https://evil.example/a")
    simulator.faults.next(CDN, elsewhere, Mistyped(), Limited(7.0))
    async with http.get(url, allow_redirects=False) as reply:
        assert (reply.status, reply.headers["location"]) == (302, "https://evil.example/a")
    async with http.get(url) as reply:
        assert (reply.content_type, await reply.read()) == ("text/html", FILE[1])
    async with http.get(url) as reply:
        assert (reply.status, float(reply.headers["retry-after"]) > 6) == (429, True)
