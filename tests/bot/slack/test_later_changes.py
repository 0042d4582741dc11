"""Edits and deletions that don't look as if they were about a question, and those in a gap."""

import pytest
from pytest_django import Settings

from bot.models import InboxItem, ItemState
from tests.bot.slack.asking import QUESTION, ask, until_settled
from tests.bot.slack.running import answered, point_to, running, shown
from tests.conftest import AddText
from tests.simulators.slack.simulator import SlackSimulator

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("closing_clients", "offices"),
]
ABOUT_PORTO = "When does the canteen in Porto open?"


@pytest.fixture(autouse=True)
def pointed(slack: SlackSimulator, settings: Settings, add_text: AddText) -> None:
    point_to(slack, settings)
    add_text("The canteen in Porto opens at six o'clock.", "canteen.txt")


async def heard(slack: SlackSimulator) -> None:
    await slack.until(lambda: all(d.outcome == "acked" for d in slack.deliveries), timeout=10)


async def test_the_words_of_an_edit_that_drops_the_mention_are_answered(
    slack: SlackSimulator,
) -> None:
    async with running(slack) as responder:
        responder.disconnected("slack")
        asked = ask(slack)
        await heard(slack)
        slack.edit(asked, ABOUT_PORTO)
        await heard(slack)
    async with running(slack):
        assert "opens at six" in shown(await answered(slack, asked))


async def test_a_deleted_question_loses_its_answer_also_without_its_mention(
    slack: SlackSimulator,
) -> None:
    async with running(slack):
        asked = ask(slack)
        await answered(slack, asked)
        slack.edit(asked, QUESTION)
        await heard(slack)
        slack.delete(asked)
        await slack.until(lambda: not slack.answers(asked))


async def test_a_question_that_was_deleted_in_a_gap_loses_its_answer(
    slack: SlackSimulator,
) -> None:
    async with running(slack):
        asked = ask(slack)
        await answered(slack, asked)
        await until_settled()
    slack.delete(asked)
    async with running(slack):
        await slack.until(lambda: not slack.answers(asked), timeout=10)
        await until_settled()
    item = await InboxItem.objects.aget()
    assert (item.state, item.text, item.answer_id) == (ItemState.VOID, "", None)


async def test_changes_of_what_was_never_asked_leave_nothing(slack: SlackSimulator) -> None:
    async with running(slack):
        root = slack.say("ana", "general", "Lunch?")
        reply = slack.say("ben", "general", "@ana at noon.", thread=root)
        for said in (root, reply):
            slack.edit(said, "Coffee?")
        for said in (root, reply):
            slack.delete(said)
        await heard(slack)
    assert not await InboxItem.objects.aexists()
