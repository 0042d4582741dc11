"""Whose a file is, by where it was shared and by whom; and what holds of it after gaps and
forgetting."""

from typing import Any

import pytest
from pytest_django import Settings

from bot import reading_back, wording
from bot.models import InboxItem, ItemState, Kind
from knowledge.models import Document
from tests.bot.slack.asking import QUESTION, until_settled
from tests.bot.slack.running import point_to, running, shown
from tests.bot.slack.sharing import HOURS, NINE, card, knows, says
from tests.bot.slack.test_gaps import lost_events, read_back
from tests.bot.working import working
from tests.simulators.slack.simulator import SlackSimulator

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("closing_clients"),
]


@pytest.fixture(autouse=True)
def pointed(slack: SlackSimulator, settings: Settings) -> None:
    point_to(slack, settings)
    slack.settings.ack_timeout = 3.0


async def directly(slack: SlackSimulator, who: str) -> bool:
    """Whether the answer to a direct message tells when the office opens."""
    return NINE in await says(slack, slack.dm(who, QUESTION))


async def test_a_file_in_a_group_message_is_the_groups(slack: SlackSimulator) -> None:
    slack.add_user("cat")
    people = [slack.world.user(who).id for who in ("ana", "ben")]
    group = slack.world.direct(*people, slack.app.user_id)
    async with running(slack), working():
        there = await card(slack, slack.upload("ana", group, "hours.txt", HOURS, "@askwell"))
        assert "searchable by: this channel" in shown(there)
        assert await knows(slack, "ben", group)
        assert [await directly(slack, who) for who in ("ben", "cat")] == [True, False]
        assert not await knows(slack, "ana", "general")


@pytest.mark.parametrize("outsider", [{"is_restricted": True}, {"team_id": "T0000EXT0"}], ids=str)
async def test_what_somebody_from_outside_shares_in_a_channel_is_the_channels(
    slack: SlackSimulator, outsider: dict[str, Any]
) -> None:
    slack.add_user("eve", **outsider)
    slack.join("eve", "general")
    async with running(slack), working():
        there = await card(slack, slack.upload("eve", "general", "hours.txt", HOURS, "@askwell"))
        assert await knows(slack, "ana", "general")
        assert await directly(slack, "eve")
        slack.click("eve", there, "promote")  # guests have no say in what the team has
        await slack.until(lambda: slack.general.ephemeral, timeout=10)
        await until_settled()
    assert "searchable by: this channel" in shown(there)


async def test_a_file_that_was_shared_in_a_gap_is_read_back(
    slack: SlackSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading_back, "READ_BACK_AGAIN", 0.2)
    monkeypatch.setattr(reading_back, "READ_BACK_EVERY", 0.2)
    async with running(slack), working():
        await read_back(slack, 1)
        with lost_events(slack):
            said = slack.upload("ana", "general", "hours.txt", HOURS, "@askwell")
        await card(slack, said)
        await read_back(slack, 2)
        await until_settled()
    assert len(slack.answers(said)) == 1
    assert await InboxItem.objects.acount() == 1


async def test_who_is_forgotten_leaves_their_own_files_nowhere_and_the_channels_there(
    slack: SlackSimulator,
) -> None:
    async with running(slack), working():
        await card(slack, slack.dm("ben", "", files=[slack.file("ben", "own.txt", HOURS)]))
        said = slack.upload("ben", "general", "hours.txt", HOURS, "@askwell")
        await card(slack, said)
        await until_settled()
        command = slack.command("ben", "general", "/forget")
        await slack.until(lambda: command.outcome == "acked", timeout=10)
        await slack.until(
            lambda: any(wording.FORGOTTEN in shown(m) for m in slack.general.ephemeral), timeout=10
        )
        assert await knows(slack, "ana", "general")
    kept = [name async for name in Document.objects.kept().values_list("name", flat=True)]
    assert kept == ["hours.txt"]
    files = InboxItem.objects.filter(kind=Kind.FILE)
    left = [item async for item in files]
    assert {(item.state, item.text, item.sender) for item in left} == {(ItemState.VOID, "", "")}
    assert not any(item.route or item.sha256 or item.space or item.version_id for item in left)
