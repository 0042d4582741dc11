"""A file that is shared in Discord: what it is, and its bytes while its address lasts and after."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from pytest_django import Settings

from bot.discord.files import look_up, of_json, read
from bot.discord.listen import make_client
from bot.discord.rest import DiscordApi
from bot.errors import (
    DownloadFailed,
    DownloadThrottled,
    FileGone,
    FileTooLarge,
    ForeignFile,
    Refused,
)
from bot.incoming import SharedFile
from tests.bot.egress import Bystander
from tests.simulators.discord import shapes
from tests.simulators.discord.faults import CDN, Limited, Status
from tests.simulators.discord.library import discord as library
from tests.simulators.discord.simulator import DiscordSimulator
from tests.simulators.discord.state import Message
from tests.simulators.downloads import Cut, Redirect

pytestmark = [pytest.mark.asyncio, pytest.mark.usefixtures("pointed")]
PDF = ("a b.pdf", b"%PDF-1.7", "application/pdf")


@pytest_asyncio.fixture
async def api(
    discord: DiscordSimulator, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[DiscordApi]:
    monkeypatch.setattr(library.http.Route, "BASE", discord.api_url)
    async with make_client() as client:
        await client.login(discord.token)
        yield DiscordApi(client)


@pytest.fixture
def bystander() -> Iterator[Bystander]:
    with Bystander("127.0.0.2") as server:
        yield server


def shared(discord: DiscordSimulator, message: Message) -> SharedFile:
    """The message's file as the bot hears of it."""
    told = shapes.attachment_json(discord.core, message.id, message.attachments[0])
    return of_json(told)


async def test_a_file_is_read_without_the_bots_token(
    discord: DiscordSimulator, api: DiscordApi
) -> None:
    file = shared(discord, discord.dm("ana", "", attachments=[PDF]))
    assert (file.name, file.size, file.mime) == ("a b.pdf", 8, "application/pdf")
    assert await read(api, file) == PDF[1]
    (fetched,) = [r for r in discord.requests if r.path.startswith("/attachments/")]
    assert "authorization" not in fetched.headers


async def test_an_address_whose_time_is_over_is_asked_for_anew(
    discord: DiscordSimulator, api: DiscordApi
) -> None:
    message = discord.say("ana", "general", "@askwell", attachments=[("b", b"b", "x/y"), PDF])
    file = of_json(shapes.message_json(discord.core, message)["attachments"][1])
    discord.expire_attachments()
    assert await read(api, file, message.channel, message.id) == PDF[1]
    with pytest.raises(FileGone):
        await read(api, file)  # of a command: there is no message to look at


async def test_a_file_that_is_gone_is_told_so(discord: DiscordSimulator, api: DiscordApi) -> None:
    message = discord.dm("ana", "see", attachments=[PDF])
    file = shared(discord, message)
    discord.remove_attachments(message)
    with pytest.raises(FileGone):
        await read(api, file, message.channel, message.id)
    discord.delete(message)
    with pytest.raises(FileGone):
        await read(api, file, message.channel, message.id)


async def test_where_the_bot_may_not_look_is_said(
    discord: DiscordSimulator, api: DiscordApi
) -> None:
    message = discord.say("ana", "general", "@askwell", attachments=[PDF])
    file = shared(discord, message)
    discord.deny("general", "@everyone", "view_channel")
    with pytest.raises(Refused):
        await look_up(api, file, message.channel, message.id)
    assert await read(api, file, message.channel, message.id) == PDF[1]


async def test_a_file_that_lies_elsewhere_is_not_fetched(
    discord: DiscordSimulator, api: DiscordApi, bystander: Bystander
) -> None:
    message = discord.dm("ana", "", attachments=[PDF])
    with pytest.raises(ForeignFile):
        await read(api, SharedFile("1", "a.pdf", 8, "", bystander.url))
    discord.faults.next(CDN, Redirect(bystander.url))
    with pytest.raises(ForeignFile):
        await read(api, shared(discord, message))
    assert bystander.requests == []


async def test_a_file_over_the_limit_is_not_asked_for(
    discord: DiscordSimulator, api: DiscordApi
) -> None:
    big = ("big.txt", bytes(25 * 1024**2 + 1), "text/plain")
    file = shared(discord, discord.dm("ana", "", attachments=[big]))
    with pytest.raises(FileTooLarge, match="25 MB"):
        await read(api, file)
    assert [call for call in discord.calls if call.route == CDN] == []


async def test_trouble_that_passes_is_no_refusal(
    discord: DiscordSimulator, api: DiscordApi
) -> None:
    file = shared(discord, discord.dm("ana", "", attachments=[PDF]))
    discord.faults.next(CDN, Cut(after=2), Limited(7.0), Status(503))
    for expected in (DownloadFailed, DownloadThrottled, DownloadFailed):
        with pytest.raises(expected) as caught:
            await read(api, file)
        assert not caught.value.permanent
    assert await read(api, file) == PDF[1]
