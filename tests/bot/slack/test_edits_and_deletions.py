"""A question is edited or deleted: before, while and after it is answered."""

import asyncio

import pytest
from pytest_django import Settings

from bot import leases, reply
from bot import responder as responding
from bot.models import InboxItem, ItemState, ReplyPart
from bot.slack import api
from tests.bot.slack.asking import OFFICES, ask, one_answer, until_settled
from tests.bot.slack.running import answered, point_to, running, shown
from tests.conftest import AddText
from tests.simulators.faults import Answer
from tests.simulators.gemini import GeminiSimulator
from tests.simulators.slack.core import Delivery
from tests.simulators.slack.faults import Drop
from tests.simulators.slack.simulator import SlackSimulator
from tests.simulators.slack.state import Message

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("closing_clients", "offices"),
]
LISBON = OFFICES.rstrip(".")
PORTO = "The harbour in Porto closes at midnight"
ABOUT_PORTO = "@askwell When does the harbour in Porto close?"
# Slow enough to be interrupted.
SLOWLY = Answer(delay=0.3)


@pytest.fixture(autouse=True)
def pointed(
    slack: SlackSimulator, settings: Settings, monkeypatch: pytest.MonkeyPatch, add_text: AddText
) -> None:
    point_to(slack, settings)
    monkeypatch.setattr(responding, "BEAT", 0.3)
    for module in (leases, reply, api):
        monkeypatch.setattr(module, "REQUEST_TIMEOUT", 1.5)
    add_text(f"{PORTO}.", "harbour.txt")


async def begun(slack: SlackSimulator, asked: Message) -> Message:
    """The reply that is being written."""
    replies = await slack.until(lambda: slack.answers(asked), timeout=30)
    return replies[0]


async def heard(slack: SlackSimulator, *what: Delivery) -> None:
    """Everything was acknowledged, unless it is said what."""
    await slack.until(
        lambda: all(d.outcome == "acked" for d in what or slack.deliveries), timeout=30
    )


def everything_said(slack: SlackSimulator) -> list[Message]:
    """The app's messages that stand anywhere."""
    channels = slack.world.channels.values()
    return [m for c in channels for m in c.messages.values() if m.by_app == slack.app.app_id]


# Edits


async def test_the_words_of_an_edit_before_the_answer_are_answered(slack: SlackSimulator) -> None:
    async with running(slack) as responder:
        responder.disconnected("slack")
        asked = ask(slack)
        slack.edit(asked, ABOUT_PORTO)
        await heard(slack)
    async with running(slack):
        await one_answer(slack, asked, PORTO, "harbour.txt")


async def test_an_answer_that_is_being_written_begins_anew_in_its_message(
    slack: SlackSimulator, gemini: GeminiSimulator
) -> None:
    gemini.faults.next(SLOWLY, on="chat")
    async with running(slack):
        asked = ask(slack)
        reply = await begun(slack, asked)
        slack.edit(asked, ABOUT_PORTO)
        await one_answer(slack, asked, PORTO, "harbour.txt")
    assert slack.answers(asked) == [reply]
    assert "Lisbon" not in shown(reply)


async def test_an_edit_that_another_process_hears_counts_as_well(
    slack: SlackSimulator, gemini: GeminiSimulator
) -> None:
    gemini.faults.next(*[SLOWLY] * 6, on="chat")
    async with running(slack), running(slack):
        asked = [ask(slack) for _ in range(6)]
        for question in asked:
            await begun(slack, question)
            slack.edit(question, ABOUT_PORTO)
        for question in asked:
            await one_answer(slack, question, PORTO, "harbour.txt")


async def test_an_edit_after_the_answer_changes_nothing(slack: SlackSimulator) -> None:
    async with running(slack):
        asked = ask(slack)
        await one_answer(slack, asked, LISBON)
        before = [(m.text, m.edited) for m in slack.answers(asked)]
        slack.edit(asked, ABOUT_PORTO)
        await heard(slack)
        await one_answer(slack, asked, LISBON)
    assert [(m.text, m.edited) for m in slack.answers(asked)] == before


async def test_a_message_that_is_edited_to_mention_the_bot_is_answered(
    slack: SlackSimulator,
) -> None:
    async with running(slack):
        said = slack.say("ana", "general", "When does the harbour in Porto close?")
        slack.edit(said, ABOUT_PORTO)
        await one_answer(slack, said, PORTO, "harbour.txt")


# Deletions


async def test_a_question_that_is_deleted_before_its_answer_gets_none(
    slack: SlackSimulator,
) -> None:
    async with running(slack) as responder:
        responder.disconnected("slack")
        asked = ask(slack)
        slack.delete(asked)
        await heard(slack)
    async with running(slack):
        await one_answer(slack, ask(slack), LISBON)
    assert len(everything_said(slack)) == 1


async def test_a_deletion_that_overtakes_its_message_counts(slack: SlackSimulator) -> None:
    async with running(slack):
        late: list[Delivery] = []
        send, slack.core.send = slack.core.send, late.append
        asked = ask(slack)
        slack.delete(asked)
        slack.core.send = send
        for delivery in reversed(late):
            send(delivery)
            await heard(slack, delivery)
        await one_answer(slack, ask(slack), LISBON)
    assert len(everything_said(slack)) == 1
    item = await InboxItem.objects.aget(message=asked.ts)
    assert (item.state, item.text, item.sender) == (ItemState.VOID, "", "")


async def test_an_answer_is_taken_away_while_it_is_written(
    slack: SlackSimulator, gemini: GeminiSimulator
) -> None:
    gemini.faults.always(SLOWLY, on="chat")
    async with running(slack):
        asked = ask(slack)
        await begun(slack, asked)
        slack.delete(asked)
        await slack.until(lambda: not everything_said(slack), timeout=10)
        await until_settled()


async def test_an_answer_is_taken_away_after_it_was_given(slack: SlackSimulator) -> None:
    async with running(slack):
        asked = ask(slack)
        await one_answer(slack, asked, LISBON)
        slack.delete(asked)
        await slack.until(lambda: not everything_said(slack), timeout=10)
        await until_settled()
    assert not await ReplyPart.objects.exclude(text="").aexists()


async def test_a_deletion_that_another_process_hears_takes_the_answer_away(
    slack: SlackSimulator, gemini: GeminiSimulator
) -> None:
    gemini.faults.always(SLOWLY, on="chat")
    async with running(slack), running(slack):
        asked = [ask(slack) for _ in range(6)]
        for question in asked:
            await begun(slack, question)
            slack.delete(question)
        await slack.until(lambda: not everything_said(slack), timeout=30)
        await until_settled()
    assert not everything_said(slack)


@pytest.mark.parametrize("after", [False, True])
async def test_a_deletion_while_nobody_knows_whether_the_answer_was_begun(
    slack: SlackSimulator, gemini: GeminiSimulator, after: bool
) -> None:
    gemini.faults.always(SLOWLY, on="chat")
    slack.faults.next("chat.startStream", Drop(after=after))
    async with running(slack):
        asked = ask(slack)
        await slack.until(lambda: slack.calls_to("chat.startStream"), timeout=30)
        slack.delete(asked)
        await until_settled()
    assert not everything_said(slack)


async def test_deletions_at_any_moment_leave_nothing(
    slack: SlackSimulator, gemini: GeminiSimulator
) -> None:
    slack.settings.ack_timeout = 3.0  # so many at once take a slow machine longer than the others
    gemini.faults.always(Answer(delay=0.05), on="chat")
    async with running(slack):
        asked = [ask(slack) for _ in range(20)]
        for question in asked:
            await asyncio.sleep(0.05)
            slack.delete(question)
        await heard(slack)
        await until_settled()
    assert not everything_said(slack)


async def test_an_answer_that_somebody_deletes_while_it_is_written_stays_deleted(
    slack: SlackSimulator, gemini: GeminiSimulator
) -> None:
    gemini.faults.always(SLOWLY, on="chat")
    async with running(slack):
        asked = ask(slack)
        slack.delete(await begun(slack, asked))
        await until_settled()
    assert not slack.answers(asked)
    assert (await InboxItem.objects.aget()).state in (ItemState.ANSWERED, ItemState.FAILED)


async def test_the_answer_to_who_deletes_and_asks_anew_is_whole(slack: SlackSimulator) -> None:
    async with running(slack):
        first = ask(slack)
        slack.delete(first)
        again = ask(slack)
        await one_answer(slack, again, LISBON)
        await until_settled()
        await answered(slack, again)
    assert await InboxItem.objects.filter(state=ItemState.ANSWERED).acount() == 1
