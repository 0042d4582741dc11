"""Slack breaks off while it is told something: nobody knows whether it was done, and still there
is one answer, whole (promise 3)."""

import pytest
from pytest_django import Settings

from bot import leases, reply
from bot.slack import api, send
from tests.bot.slack.asking import ask, one_answer, until_settled, words
from tests.bot.slack.chat import SlackChat
from tests.bot.slack.running import point_to, running, shown
from tests.simulators.faults import Answer
from tests.simulators.gemini import GeminiSimulator
from tests.simulators.slack.faults import Drop, Error, Hang, Status
from tests.simulators.slack.simulator import SlackSimulator

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("closing_clients")]

UNCLEAR = SlackChat.unclear
TEXT = words(40)


@pytest.fixture(autouse=True)
def hurried(slack: SlackSimulator, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Streams that are written quickly, to a Slack that soon counts as silent."""
    point_to(slack, settings)
    for module in (leases, reply, api):
        monkeypatch.setattr(module, "REQUEST_TIMEOUT", 1.0)
    monkeypatch.setattr(api, "REST", 0.0)
    monkeypatch.setattr(send, "APPEND_EVERY", 0.05)
    monkeypatch.setattr(send, "UPDATE_EVERY", 0.05)


@pytest.fixture(autouse=True)
def model(offices: None, gemini: GeminiSimulator) -> GeminiSimulator:
    gemini.faults.always(Answer(TEXT, delay=0.03), on="chat")
    return gemini


async def asked_of_each(slack: SlackSimulator, method: str) -> None:
    """As many questions at once as there are ways to break off; each way is met once."""
    slack.faults.next(method, *UNCLEAR)
    async with running(slack):
        asked = [ask(slack) for _ in UNCLEAR]
        for question in asked:
            await one_answer(slack, question, TEXT)
        for _ in range(slack.faults.pending):  # an answer may have needed no such call
            await one_answer(slack, ask(slack), TEXT)
    assert slack.faults.pending == 0, "not every fault was met"


async def test_a_stream_whose_beginning_is_unclear_is_found_or_begun_anew(
    slack: SlackSimulator,
) -> None:
    await asked_of_each(slack, "chat.startStream")


async def test_a_stream_whose_growing_is_unclear_ends_with_the_whole_text(
    slack: SlackSimulator,
) -> None:
    await asked_of_each(slack, "chat.appendStream")


async def test_a_stream_whose_end_is_unclear_ends_with_the_whole_text(
    slack: SlackSimulator,
) -> None:
    await asked_of_each(slack, "chat.stopStream")


async def test_a_message_whose_posting_is_unclear_is_found_or_posted_anew(
    slack: SlackSimulator,
) -> None:
    slack.faults.always("chat.startStream", Error("method_not_supported_for_channel_type"))
    await asked_of_each(slack, "chat.postMessage")


async def test_a_message_whose_editing_is_unclear_ends_with_the_whole_text(
    slack: SlackSimulator,
) -> None:
    slack.faults.always("chat.startStream", Error("method_not_supported_for_channel_type"))
    await asked_of_each(slack, "chat.update")


async def test_looking_for_a_lost_message_may_fail_as_well(slack: SlackSimulator) -> None:
    slack.faults.next("chat.startStream", Drop(after=True))
    slack.faults.next("conversations.replies", Drop(), Status(503), Hang())
    async with running(slack):
        await one_answer(slack, ask(slack), TEXT)


async def test_a_private_reply_is_given_at_most_once(slack: SlackSimulator) -> None:
    slack.faults.next("response_url", None, Drop(after=True), Drop(), Status(500))
    async with running(slack):
        for word in ("When", "Where", "Who", "Why"):
            question = f"{word} does the office in Lisbon open?"
            slack.command("ana", "general", "/ask", question)
        await slack.until(lambda: len(slack.calls_to("response_url")) == 4, timeout=30)
        await until_settled()
    assert len([m for m in slack.general.ephemeral if "word39" in shown(m)]) == 2
