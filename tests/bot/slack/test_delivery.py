"""Every question is answered once: however often Slack sends it, and whoever hears it."""

import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError
from pytest_django import Settings

from bot import inbox
from bot.incoming import Heard
from bot.models import InboxItem
from tests.bot.slack.asking import OFFICES, QUESTION, ask, check_one_answer, one_answer
from tests.bot.slack.running import point_to, running
from tests.simulators.faults import Answer
from tests.simulators.gemini import GeminiSimulator
from tests.simulators.slack import events
from tests.simulators.slack.core import Delivery
from tests.simulators.slack.simulator import SlackSimulator

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("closing_clients", "offices"),
]
ANSWER = OFFICES.rstrip(".")


@pytest.fixture(autouse=True)
def pointed(slack: SlackSimulator, settings: Settings) -> None:
    point_to(slack, settings)


def heard_of(slack: SlackSimulator, kind: str) -> list[Delivery]:
    """The deliveries of people's own words."""
    bot = slack.app.user_id
    return [d for d in slack.deliveries if d.type == kind and d.event.get("user") != bot]


def redeliver(slack: SlackSimulator, delivery: Delivery) -> None:
    events.dispatch(slack.core, delivery.kind, delivery.payload)


def quiet(slack: SlackSimulator) -> bool:
    return all(delivery.outcome == "acked" for delivery in slack.deliveries)


async def test_a_message_that_is_delivered_four_times_more_is_answered_once(
    slack: SlackSimulator,
) -> None:
    async with running(slack):
        asked = ask(slack)
        for _ in range(2):  # while it is answered, and afterwards
            for delivery in heard_of(slack, "message")[:1] + heard_of(slack, "app_mention")[:1]:
                redeliver(slack, delivery)
                redeliver(slack, delivery)
            await one_answer(slack, asked, ANSWER)
        await slack.until(lambda: quiet(slack), timeout=30)
        check_one_answer(slack, asked, ANSWER)
    assert await InboxItem.objects.acount() == 1


async def test_a_mention_and_its_message_are_one_question_in_either_order(
    slack: SlackSimulator,
) -> None:
    async with running(slack):
        asked = ask(slack)
        pair = heard_of(slack, "message") + heard_of(slack, "app_mention")
        assert {delivery.event["ts"] for delivery in pair} == {asked.ts} and len(pair) == 2
        await one_answer(slack, asked, ANSWER)
    assert await InboxItem.objects.acount() == 1


async def test_a_message_that_slack_gave_up_on_is_answered_when_it_comes_again(
    slack: SlackSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database failure is not acknowledged; Slack sends it again."""
    take, broken = inbox.take, True

    def failing(heard: Heard) -> bool:
        if broken:
            raise OperationalError("the disk is full")
        return take(heard)

    monkeypatch.setattr(inbox, "take", failing)
    async with running(slack):
        asked = ask(slack)
        said = heard_of(slack, "message")[0]
        await slack.until(lambda: len(said.attempts) >= 2, timeout=30)
        assert not any(attempt.acked for attempt in said.attempts)
        broken = False
        await one_answer(slack, asked, ANSWER)
        await slack.until(lambda: said.outcome != "pending", timeout=30)
        if said.outcome == "given_up":
            redeliver(slack, said)
        await slack.until(lambda: slack.deliveries[-1].outcome == "acked", timeout=30)
        check_one_answer(slack, asked, ANSWER)


async def test_two_sockets_of_one_bot_answer_once(slack: SlackSimulator) -> None:
    async with running(slack), running(slack):
        await slack.until(lambda: len(slack.sockets.live()) == 2, timeout=30)
        asked = [ask(slack) for _ in range(12)]
        for delivery in heard_of(slack, "message") + heard_of(slack, "app_mention"):
            redeliver(slack, delivery)
        for question in asked:
            await one_answer(slack, question, ANSWER)
        await slack.until(lambda: quiet(slack), timeout=30)
        for question in asked:
            check_one_answer(slack, question, ANSWER)
        used = {attempt.via for delivery in slack.deliveries for attempt in delivery.attempts}
    assert len(used) == 2, "one socket had it all"
    assert await InboxItem.objects.acount() == 12


async def test_two_bots_stream_an_answer_once(
    slack: SlackSimulator, gemini: GeminiSimulator
) -> None:
    gemini.faults.always(Answer(delay=0.05), on="chat")
    async with running(slack), running(slack):
        asked = [ask(slack) for _ in range(6)]
        for question in asked:
            await one_answer(slack, question, ANSWER)
    assert len(slack.calls_to("chat.startStream")) == 6


async def test_a_question_that_was_in_hand_when_the_bot_stopped_is_answered_by_the_next(
    slack: SlackSimulator, gemini: GeminiSimulator
) -> None:
    gemini.faults.always(Answer(delay=0.3), on="chat")
    async with running(slack):
        asked = ask(slack)
        await slack.until(lambda: slack.answers(asked), timeout=30)
    assert not (await sync_to_async(InboxItem.objects.get)()).settled
    gemini.faults.clear()
    async with running(slack):
        await one_answer(slack, asked, ANSWER)


async def test_what_waits_in_the_inbox_is_answered_after_a_restart(slack: SlackSimulator) -> None:
    async with running(slack) as responder:
        responder.disconnected("slack")  # it listens, and answers nothing
        asked = [ask(slack) for _ in range(3)]
        await slack.until(lambda: quiet(slack), timeout=30)
    assert await InboxItem.objects.filter(settled=False).acount() == 3
    async with running(slack):
        for question in asked:
            await one_answer(slack, question, ANSWER)


async def test_the_same_question_in_two_threads_is_answered_in_both(slack: SlackSimulator) -> None:
    async with running(slack):
        first, second = ask(slack), ask(slack, who="ben")
        direct = slack.dm("ana", QUESTION)
        for question in (first, second, direct):
            await one_answer(slack, question, ANSWER)
