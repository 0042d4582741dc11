"""A file that is shared in Slack: what it is, whether it is shared there, and its bytes."""

from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django import Settings
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import (
    DownloadFailed,
    DownloadThrottled,
    FileGone,
    FileTooLarge,
    FileWithheld,
    ForeignFile,
    NotSharedHere,
)
from bot.incoming import SharedFile
from bot.slack.api import SlackApi
from bot.slack.files import look_up, read, shared_files
from tests.bot.egress import Bystander
from tests.simulators.downloads import Cut, Mistyped, Redirect
from tests.simulators.slack.faults import Status
from tests.simulators.slack.simulator import SlackSimulator
from tests.simulators.slack.state import Message

pytestmark = pytest.mark.asyncio
PDF = ("a b.pdf", b"%PDF-1.7", "", "application/pdf")


@pytest.fixture
def api(slack: SlackSimulator, client: AsyncWebClient, settings: Settings) -> SlackApi:
    settings.SLACK_API_URL = slack.url
    return SlackApi(client)


@pytest.fixture
def bystander() -> Iterator[Bystander]:
    with Bystander("127.0.0.2") as server:
        yield server


def heard(slack: SlackSimulator) -> dict[str, Any]:
    """The last message that the app was told of."""
    return next(d.event for d in reversed(slack.deliveries) if d.type == "message")


async def read_all(api: SlackApi, message: Message) -> list[bytes]:
    files = [SharedFile(file.id) for file in message.files]
    known = [await look_up(api, file, message.channel, message.ts) for file in files]
    return [await read(api, file) for file in known]


async def test_a_message_says_what_its_files_are_where_it_may(slack: SlackSimulator) -> None:
    message = slack.upload("ana", "#general", *PDF)
    (file,) = shared_files(heard(slack))
    assert (file.name, file.size, file.mime) == ("a b.pdf", 8, "application/pdf")
    slack.delete_file(message.files[0])
    assert shared_files(heard(slack)["message"]) == []
    slack.join(slack.add_user("eve", team_id="T0000EXT0"), "#general")
    message = slack.upload("eve", "#general", *PDF)
    assert shared_files(heard(slack)) == [SharedFile(message.files[0].id)]


@pytest.mark.parametrize("where", ["channel", "private channel", "direct", "thread", "shared"])
async def test_a_file_is_read_wherever_it_is_shared(
    slack: SlackSimulator, api: SlackApi, where: str
) -> None:
    channel, parent = slack.general, None
    if where == "private channel":
        channel = slack.add_channel("secret", "ana", slack.app.user_id, kind="private_channel")
    if where == "direct":
        channel = slack.dm_of("ana")
    if where == "thread":
        parent = slack.say("ben", channel, "hello")
    if where == "shared":
        slack.join(slack.add_user("eve", team_id="T0000EXT0"), channel)
    message = slack.upload("ana", channel, *PDF, thread=parent)
    assert await read_all(api, message) == [PDF[1]]


async def test_a_file_that_is_shared_elsewhere_is_not_read_here(
    slack: SlackSimulator, api: SlackApi
) -> None:
    secret = slack.add_channel("secret", "ana", slack.app.user_id, kind="private_channel")
    hidden = slack.upload("ana", secret, *PDF)
    other = slack.say("ben", "#general", "look, a file")
    file = SharedFile(hidden.files[0].id)
    with pytest.raises(NotSharedHere):
        await look_up(api, file, other.channel, other.ts)
    with pytest.raises(NotSharedHere):
        await look_up(api, file, secret.id, other.ts)
    slack.delete(hidden)
    slack.say("ana", "#general", "", files=hidden.files)
    with pytest.raises(NotSharedHere):
        await look_up(api, file, secret.id, hidden.ts)


async def test_a_file_that_is_gone_is_told_so(slack: SlackSimulator, api: SlackApi) -> None:
    message = slack.upload("ana", "#general", *PDF)
    known = await look_up(api, SharedFile(message.files[0].id), message.channel, message.ts)
    slack.delete_file(message.files[0])
    with pytest.raises(FileGone):
        await read(api, known)
    for file in (known, SharedFile("F404")):
        with pytest.raises(FileGone):
            await look_up(api, file, message.channel, message.ts)


async def test_a_remote_file_is_not_fetched(
    slack: SlackSimulator, api: SlackApi, bystander: Bystander
) -> None:
    message = slack.upload("ana", "#general", *PDF, external_url=bystander.url)
    with pytest.raises(ForeignFile):
        await read_all(api, message)
    (file,) = shared_files(heard(slack))
    with pytest.raises(ForeignFile):  # also where nobody looked it up
        await read(api, file)
    assert bystander.requests == []


async def test_a_remote_file_does_not_lead_to_another_file_in_slack(
    slack: SlackSimulator, api: SlackApi
) -> None:
    secret = slack.add_channel("secret", "ana", slack.app.user_id, kind="private_channel")
    slack.upload("ana", secret, *PDF)
    url = heard(slack)["files"][0]["url_private"]
    message = slack.upload("ben", "#general", *PDF, external_url=url)
    for file in (SharedFile(message.files[0].id), *shared_files(heard(slack))):
        with pytest.raises(ForeignFile):
            await look_up(api, file, message.channel, message.ts)
        with pytest.raises(ForeignFile):
            await read(api, file)
    assert slack.calls_to("files.download") == []


async def test_the_token_is_not_sent_where_slack_is_said_to_have_moved(
    slack: SlackSimulator, api: SlackApi, bystander: Bystander
) -> None:
    message = slack.upload("ana", "#general", *PDF)
    slack.faults.next("files.download", Redirect(bystander.url))
    with pytest.raises(ForeignFile):
        await read_all(api, message)
    assert bystander.requests == []


async def test_without_the_scope_it_is_named(slack: SlackSimulator, api: SlackApi) -> None:
    message = slack.upload("ana", "#general", *PDF)
    known = await look_up(api, SharedFile(message.files[0].id), message.channel, message.ts)
    slack.app.scopes.discard("files:read")
    with pytest.raises(FileWithheld, match="files:read"):
        await look_up(api, known, message.channel, message.ts)
    with pytest.raises(FileWithheld) as withheld:  # Slack does not say why
        await read(api, known)
    assert "a web page instead" in str(withheld.value) and "files:read" not in str(withheld.value)


async def test_a_page_to_sign_in_is_no_file(slack: SlackSimulator, api: SlackApi) -> None:
    slack.faults.next("files.download", Mistyped())
    with pytest.raises(FileWithheld):
        await read_all(api, slack.upload("ana", "#general", *PDF))
    page = slack.upload("ana", "#general", "a.html", b"<p>25 days</p>", "", "text/html")
    assert await read_all(api, page) == [b"<p>25 days</p>"]
    known = await look_up(api, SharedFile(page.files[0].id), page.channel, page.ts)
    slack.app.scopes.discard("files:read")
    with pytest.raises(FileWithheld):
        await read(api, known)


async def test_a_file_over_the_limit_is_not_asked_for(slack: SlackSimulator, api: SlackApi) -> None:
    message = slack.upload("ana", "#general", "big.txt", bytes(25 * 1024**2 + 1))
    with pytest.raises(FileTooLarge, match="25 MB"):
        await read_all(api, message)
    assert slack.calls_to("files.download") == []


async def test_trouble_that_passes_is_no_refusal(slack: SlackSimulator, api: SlackApi) -> None:
    message = slack.upload("ana", "#general", *PDF)
    slack.faults.next("files.download", Cut(after=2), Status(429, retry_after=7), Status(503))
    for expected in (DownloadFailed, DownloadThrottled, DownloadFailed):
        with pytest.raises(expected) as caught:
            await read_all(api, message)
        assert not caught.value.permanent
    assert await read_all(api, message) == [PDF[1]]
