"""Files that people share: how the app is told of them, and how it gets their bytes."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

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
from tests.simulators.slack.faults import Status
from tests.simulators.slack.simulator import SlackSimulator
from tests.simulators.slack.state import File

pytestmark = pytest.mark.asyncio
Event = dict[str, Any]
MENTION = "@askwell what about this?"


@pytest_asyncio.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(0.3)) as session:
        yield session


def told(slack: SlackSimulator, kind: str) -> Event:
    return next(d.event for d in reversed(slack.deliveries) if d.type == kind)


async def refusal(client: AsyncWebClient, file: File) -> str:
    with pytest.raises(SlackApiError) as caught:
        await client.files_info(file=file.id)
    return str(caught.value.response["error"])


def download(http: aiohttp.ClientSession, url: str, slack: SlackSimulator) -> Any:
    headers = {"authorization": f"Bearer {slack.app.bot_token}"}
    return http.get(url, headers=headers, allow_redirects=False)


async def test_a_mention_with_a_file_is_told_in_three_events(slack: SlackSimulator) -> None:
    message = slack.upload("ana", "#general", "a b.txt", b"25 days", MENTION)
    file = message.files[0]
    assert "files" not in told(slack, "app_mention")
    said = told(slack, "message")
    assert (said["subtype"], said["files"][0]["id"]) == ("file_share", file.id)
    assert (said["files"][0]["size"], said["files"][0]["filetype"]) == (7, "txt")
    assert "shares" not in said["files"][0]
    shared = told(slack, "file_shared")
    assert (shared["file_id"], shared["channel_id"]) == (file.id, slack.general.id)
    assert shared["event_ts"] != message.ts


async def test_a_mention_may_come_with_its_files(slack: SlackSimulator) -> None:
    slack.settings.mention_files = True
    message = slack.upload("ana", "#general", "a.txt", b"text", MENTION)
    assert told(slack, "app_mention")["files"][0]["id"] == message.files[0].id


async def test_files_are_read_back_from_history_and_threads(
    slack: SlackSimulator, client: AsyncWebClient
) -> None:
    parent = slack.upload("ana", "#general", "a.txt", b"text")
    slack.upload("ben", "#general", "b.txt", b"text", thread=parent)
    where: Any = {"channel": slack.general.id}
    history = await client.conversations_history(**where)
    replies = await client.conversations_replies(**where, ts=parent.ts)
    assert [m["files"][0]["name"] for m in history["messages"]] == ["a.txt"]
    assert [m["files"][0]["name"] for m in replies["messages"]] == ["a.txt", "b.txt"]


async def test_where_a_file_is_shared_says_files_info_alone(
    slack: SlackSimulator, client: AsyncWebClient
) -> None:
    secret = slack.add_channel("secret", "ana", slack.app.user_id, kind="private_channel")
    file = slack.file("ana", "a.txt", b"text")
    assert await refusal(client, file) == "file_not_found"
    slack.say("ana", "#random", "here", files=[file])  # the app is not there
    assert await refusal(client, file) == "file_not_found"
    first = slack.say("ana", "#general", "here", files=[file])
    slack.say("ana", secret, "and here", files=[file])
    shares = (await client.files_info(file=file.id))["file"]["shares"]
    assert shares["public"][slack.general.id][0]["ts"] == first.ts
    assert list(shares["private"]) == [secret.id]
    slack.delete(first)
    shares = (await client.files_info(file=file.id))["file"]["shares"]
    assert slack.general.id not in shares["public"]


async def test_what_a_shared_channels_files_are_says_files_info_alone(
    slack: SlackSimulator, client: AsyncWebClient
) -> None:
    slack.join(slack.add_user("eve", team_id="T0000EXT0"), "#general")
    message = slack.upload("eve", "#general", "a.txt", b"text")
    (file,) = told(slack, "message")["files"]
    assert (file["file_access"], "url_private" in file) == ("check_file_info", False)
    info = (await client.files_info(file=message.files[0].id))["file"]
    assert (info["file_access"], info["name"]) == ("visible", "a.txt")


async def test_a_deleted_file_leaves_a_tombstone(
    slack: SlackSimulator, client: AsyncWebClient, http: aiohttp.ClientSession
) -> None:
    message = slack.upload("ana", "#general", "a.txt", b"text")
    url = told(slack, "message")["files"][0]["url_private"]
    slack.delete_file(message.files[0])
    assert told(slack, "file_deleted")["file_id"] == message.files[0].id
    changed = told(slack, "message")
    assert changed["message"]["files"] == [{"id": message.files[0].id, "mode": "tombstone"}]
    assert await refusal(client, message.files[0]) == "file_deleted"
    async with download(http, url, slack) as reply:
        assert reply.status == 404


async def test_without_the_scope_the_app_is_not_told(slack: SlackSimulator) -> None:
    slack.app.scopes.discard("files:read")
    message = slack.upload("ana", "#general", "a.txt", b"text")
    slack.delete_file(message.files[0])
    assert {d.type for d in slack.deliveries} == {"message"}


@pytest.mark.parametrize("missing", ["token", "scope", "membership"])
async def test_whoever_may_not_have_a_file_gets_the_sign_in_page(
    slack: SlackSimulator, http: aiohttp.ClientSession, missing: str
) -> None:
    slack.upload("ana", "#general", "a.pdf", b"%PDF", mimetype="application/pdf")
    url = told(slack, "message")["files"][0]["url_private"]
    async with download(http, url, slack) as reply:
        assert (reply.content_type, await reply.read()) == ("application/pdf", b"%PDF")
    if missing == "scope":
        slack.app.scopes.discard("files:read")
    if missing == "membership":
        slack.leave(slack.app.user_id, "#general")
    async with http.get(url) if missing == "token" else download(http, url, slack) as reply:
        assert (reply.status, reply.content_type) == (200, "text/html")


async def test_a_remote_file_is_wherever_it_says(slack: SlackSimulator) -> None:
    slack.upload("ana", "#general", "a.txt", b"", external_url="https://evil.example/a")
    (file,) = told(slack, "message")["files"]
    assert (file["is_external"], file["mode"]) == (True, "external")
    assert file["url_private"] == file["url_private_download"] == "https://evil.example/a"


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
    slack: SlackSimulator, http: aiohttp.ClientSession, fault: BadDownload, error: type[Exception]
) -> None:
    slack.upload("ana", "#general", "a.txt", b"more than ten bytes")
    slack.faults.next("files.download", fault)
    url = told(slack, "message")["files"][0]["url_private"]
    async with download(http, url, slack) as reply:
        if isinstance(fault, Claim):
            assert reply.content_length == TWO_GIGABYTES
        with pytest.raises(error):
            await reply.read()


async def test_downloads_that_are_something_else(
    slack: SlackSimulator, http: aiohttp.ClientSession
) -> None:
    slack.upload("ana", "#general", "a.txt", b"text")
    elsewhere = Redirect("https://evil.example/a")
    slack.faults.next("files.download", elsewhere, Mistyped(), Status(429, retry_after=7))
    url = told(slack, "message")["files"][0]["url_private"]
    async with download(http, url, slack) as reply:
        assert (reply.status, reply.headers["location"]) == (302, "https://evil.example/a")
    async with download(http, url, slack) as reply:
        assert (reply.content_type, await reply.read()) == ("text/html", b"text")
    async with download(http, url, slack) as reply:
        assert (reply.status, reply.headers["retry-after"]) == (429, "7")


async def test_a_message_shortcut_brings_the_messages_files(slack: SlackSimulator) -> None:
    message = slack.upload("ben", "#general", "a.txt", b"text")
    delivery = slack.shortcut("ana", "add_to_knowledge", message)
    assert delivery.payload["message"]["files"][0]["id"] == message.files[0].id
