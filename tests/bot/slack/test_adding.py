"""“Add to knowledge”, in the menu of a message: its files, in their channel or for one person."""

import pytest
from pytest_django import Settings

from bot import wording
from bot.models import InboxItem
from bot.slack.events import ADD
from tests.bot.slack.running import point_to, running, shown
from tests.bot.slack.sharing import HOURS, card, knows
from tests.bot.working import working
from tests.simulators.slack.simulator import SlackSimulator
from tests.simulators.slack.state import Channel, Message

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("closing_clients"),
]


@pytest.fixture(autouse=True)
def pointed(slack: SlackSimulator, settings: Settings) -> None:
    point_to(slack, settings)
    slack.settings.ack_timeout = 3.0


async def told(slack: SlackSimulator, channel: Channel, words: str) -> Message:
    """What one person alone was told."""

    def found() -> Message | None:
        return next((m for m in channel.ephemeral if words in shown(m)), None)

    message = await slack.until(found, timeout=10)
    assert message is not None
    return message


async def test_a_files_card_comes_below_its_message(slack: SlackSimulator) -> None:
    async with running(slack), working():
        said = slack.upload("ana", "general", "hours.txt", HOURS, "have a look")
        slack.shortcut("ben", ADD, said)
        there = await card(slack, said)
        assert await knows(slack, "ana", "general")
        slack.shortcut("ana", ADD, said)
        await told(slack, slack.general, wording.ADDED_ALREADY)
        slack.click("ben", there, "remove")  # who had it added may remove it
        await slack.until(lambda: "is removed" in shown(there), timeout=10)
        assert not await knows(slack, "ana", "general")
        slack.shortcut("ana", ADD, said)  # and it may be added again
        await slack.until(lambda: len(slack.answers(said)) == 2, timeout=10)
        await slack.until(lambda: "searchable" in shown(slack.answers(said)[1]), timeout=10)
        assert await knows(slack, "ana", "general")
        slack.delete(said)
        await slack.until(lambda: not slack.answers(said), timeout=10)
        assert not await knows(slack, "ana", "general")


async def test_where_the_bot_is_no_member_it_says_what_to_do(slack: SlackSimulator) -> None:
    async with running(slack):
        said = slack.upload("ana", "random", "hours.txt", HOURS, "have a look")
        slack.shortcut("ben", ADD, said)
        await told(slack, slack.random, wording.NO_FILES_FROM_OUTSIDE)
    assert not await InboxItem.objects.aexists()


async def test_a_message_without_files_has_nothing_to_add(slack: SlackSimulator) -> None:
    async with running(slack):
        said = slack.say("ana", "general", "hello")
        slack.shortcut("ben", ADD, said)
        await told(slack, slack.general, wording.NO_FILES_THERE)
    assert not await InboxItem.objects.aexists()
