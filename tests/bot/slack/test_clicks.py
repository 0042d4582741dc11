"""Thumbs and their reasons, sharing a private answer, asking about a message."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError
from pytest_django import Settings

from backend.accounts.models import User
from backend.accounts.spaces import home, personal_key, space_for
from backend.chat.models import Feedback
from bot import inbox, wording
from bot.models import InboxItem
from bot.slack import actions
from tests.bot.slack.asking import QUESTION, ask, until_settled
from tests.bot.slack.running import answered, point_to, running, shown
from tests.conftest import AddText
from tests.simulators.slack import events
from tests.simulators.slack.core import Delivery
from tests.simulators.slack.faults import Error, Fault, Status
from tests.simulators.slack.simulator import SlackSimulator
from tests.simulators.slack.state import JSON, Channel, Message

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("closing_clients", "offices"),
]
ANSWER = "opens at nine"
OFFERED = f"[{wording.SHARE} = share]"


@pytest.fixture(autouse=True)
def pointed(slack: SlackSimulator, settings: Settings) -> None:
    point_to(slack, settings)
    slack.settings.ack_timeout = 3.0


async def thumbs(slack: SlackSimulator) -> dict[str, bool]:
    """Who found an answer helpful, by name."""
    given = Feedback.objects.values_list("user__identities__external_id", "helpful")
    return {slack.world.user(str(who)).name: helpful async for who, helpful in given}


async def until(condition: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(10):
        while not await condition():
            await asyncio.sleep(0.02)


async def until_thumbs(slack: SlackSimulator, **expected: bool) -> None:
    async def are() -> bool:
        return await thumbs(slack) == expected

    await until(are)


def forge(slack: SlackSimulator, who: str, on: Message, action: str, value: str) -> Delivery:
    """A click on something that the message does not have."""
    forged = {"type": "button", "action_id": action, "value": value}
    with slack.world.lock:
        body = events.block_action(slack.core, slack.world.user(who), on, forged)
        return events.dispatch(slack.core, "interactive", body)


async def asked_privately(
    slack: SlackSimulator, channel: str = "general", question: str = QUESTION
) -> Message:
    """The answer of /ask."""
    where = slack.world.channel(channel)
    before = len(where.ephemeral)
    slack.command("ana", where, "/ask", question)
    await slack.until(lambda: len(where.ephemeral) == before + 2, timeout=10)
    await until_settled()
    return where.ephemeral[-1]


def posted(channel: Channel) -> list[Message]:
    return [message for message in channel.messages.values() if message.by_app]


# Thumbs


async def test_everyone_has_one_thumb_and_the_last_click_counts(slack: SlackSimulator) -> None:
    async with running(slack):
        answer = await answered(slack, ask(slack))
        slack.feedback("ana", answer)
        await until_thumbs(slack, ana=True)
        slack.feedback("ben", answer, good=True)
        await until_thumbs(slack, ana=True, ben=True)
        slack.feedback("ben", answer, good=False)
        await until_thumbs(slack, ana=True, ben=False)
    assert await Feedback.objects.acount() == 2


def reason(text: str | None) -> JSON:
    return {"reason": {"reason": {"type": "plain_text_input", "value": text}}}


async def test_a_reason_is_kept_and_may_be_left_out(slack: SlackSimulator) -> None:
    async with running(slack):
        answer = await answered(slack, ask(slack))
        for number, text in enumerate([" It opens at ten. ", None], start=1):
            slack.feedback("ben", answer, good=False)
            await slack.until(lambda n=number: len(slack.world.views) == n)  # type: ignore[misc]
            delivery = slack.submit("ben", list(slack.world.views.values())[-1], reason(text))
            await slack.until(lambda d=delivery: d.outcome == "acked")  # type: ignore[misc]
            await until(Feedback.objects.filter(reason="It opens at ten.", helpful=False).aexists)
    assert await Feedback.objects.acount() == 1


@pytest.mark.parametrize("fault", [Error("expired_trigger_id"), Status(429), Status(503)])
async def test_a_thumb_counts_where_nobody_can_be_asked_why(
    slack: SlackSimulator, fault: Fault
) -> None:
    slack.faults.always("views.open", fault)
    async with running(slack):
        answer = await answered(slack, ask(slack))
        slack.feedback("ben", answer, good=False)
        await until_thumbs(slack, ben=False)
    assert len(slack.calls_to("views.open")) == 1


def broken(*args: object) -> None:
    raise OperationalError("the disk is full")


async def test_whoever_clicks_is_told_where_that_could_not_be_kept(
    slack: SlackSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(slack):
        answer = await answered(slack, ask(slack))
        private = await asked_privately(slack)
        monkeypatch.setattr(actions, "give_feedback", broken)
        monkeypatch.setattr(inbox, "take", broken)
        clicks: tuple[Callable[[], object], ...] = (
            lambda: slack.feedback("ana", answer),
            lambda: slack.click("ana", private, "share"),
            lambda: slack.shortcut("ana", "ask_about", answer),
        )
        for click in clicks:
            before = len(slack.general.ephemeral)
            click()
            await slack.until(lambda b=before: len(slack.general.ephemeral) > b)  # type: ignore[misc]
            told = slack.general.ephemeral[-1]
            assert (told.text, told.to) == (wording.NOT_DONE, slack.world.user("ana").id)
    assert not posted(slack.general)[1:] and ANSWER in shown(answer) + shown(private)


async def test_whoever_gives_a_reason_is_told_where_it_could_not_be_kept(
    slack: SlackSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(slack):
        answer = await answered(slack, ask(slack))
        slack.feedback("ben", answer, good=False)
        [view] = await slack.until(lambda: list(slack.world.views.values()))
        await until_thumbs(slack, ben=False)
        monkeypatch.setattr(actions, "give_feedback", broken)
        slack.submit("ben", view, reason("It opens at ten."))
        [told] = await slack.until(lambda: posted(slack.dm_of("ben")))
    assert told.text == wording.NOT_DONE


async def test_clicks_on_what_one_cannot_see_have_no_effect(slack: SlackSimulator) -> None:
    async with running(slack):
        answer = await answered(slack, ask(slack))
        private = await asked_privately(slack)
        items = [item.pk async for item in InboxItem.objects.order_by("pk")]
        elsewhere = slack.say("ben", "random", "hello")
        forged = [forge(slack, "ben", elsewhere, "feedback", f"up:{items[0]}")]
        forged += [slack.feedback("ben", private), slack.click("ben", private, "share")]
        for value in ("up:", "up:0", "up:999", "sideways:1", f"up:-{items[0]}", "up:1e9", ""):
            forged.append(forge(slack, "ben", answer, "feedback", value))
        for value in (str(items[0]), str(items[1]), "999", "", "²"):
            forged.append(forge(slack, "ben", answer, "share", value))
        await slack.until(lambda: all(delivery.outcome == "acked" for delivery in forged))
        slack.feedback("ana", answer)
        await until_thumbs(slack, ana=True)
        slack.click("ana", private, "share")
        await slack.until(lambda: len(posted(slack.general)) > 1)
        await until_settled()
    assert len(posted(slack.general)) == 2
    assert await InboxItem.objects.acount() == len(items) + 1
    assert not slack.world.views


async def test_people_of_another_organisation_click_in_a_shared_channel(
    slack: SlackSimulator,
) -> None:
    slack.join(slack.add_user("eve", team_id="T0000EXT0"), "general")
    async with running(slack):
        answer = await answered(slack, ask(slack))
        slack.feedback("eve", answer, good=False)
        await until_thumbs(slack, eve=False)
        [view] = await slack.until(lambda: list(slack.world.views.values()))
        slack.submit("eve", view, reason("It opens at ten."))
        await until(Feedback.objects.filter(reason="It opens at ten.").aexists)


# Sharing


async def test_an_answer_is_shared_once(slack: SlackSimulator) -> None:
    async with running(slack):
        private = await asked_privately(slack)
        clicks = [slack.click("ana", private, "share") for _ in range(3)]
        await slack.until(lambda: all(click.outcome == "acked" for click in clicks))
        await slack.until(lambda: posted(slack.general))
        await until_settled()
        await asyncio.sleep(0.1)
    [shared] = posted(slack.general)
    assert ANSWER in shown(shared)


async def test_where_the_bot_is_no_member_sharing_says_to_invite_it(slack: SlackSimulator) -> None:
    async with running(slack):
        private = await asked_privately(slack, "random")
        value = str((await InboxItem.objects.aget()).pk)
        forge(slack, "ana", private, "share", value)
        await slack.until(lambda: len(slack.random.ephemeral) == 3)
        told = slack.random.ephemeral[-1]
        assert (told.text, told.to) == (wording.INVITE_TO_SHARE, slack.world.user("ana").id)
        assert not posted(slack.random)
        slack.random.members.append(slack.app.user_id)
        forge(slack, "ana", private, "share", value)
        [shared] = await slack.until(lambda: posted(slack.random))
        await slack.until(lambda: ANSWER in shown(shared))


async def test_sharing_is_offered_only_where_others_would_see_something(
    slack: SlackSimulator,
) -> None:
    async with running(slack):
        assert OFFERED in shown(await asked_privately(slack))
        in_a_direct_message = shown(await asked_privately(slack, slack.dm_of("ana").id))
        assert ANSWER in in_a_direct_message and OFFERED not in in_a_direct_message
        refused = await asked_privately(slack, question="What does a heron eat?")
    assert OFFERED not in shown(refused) and "[Helpful" in shown(refused)


# Asking about a message


async def test_asking_about_a_message_answers_whoever_clicked_alone(slack: SlackSimulator) -> None:
    async with running(slack):
        said = slack.say("ben", "general", f"@robot {QUESTION}")
        slack.shortcut("ana", "ask_about", said)
        await slack.until(lambda: len(slack.general.ephemeral) == 2, timeout=10)
    told, answer = slack.general.ephemeral
    assert QUESTION in told.text and ANSWER in shown(answer)
    assert {told.to, answer.to} == {slack.world.user("ana").id}
    assert not posted(slack.general)


async def test_asking_about_a_message_without_words_offers_help(slack: SlackSimulator) -> None:
    async with running(slack):
        slack.shortcut("ana", "ask_about", slack.upload("ben", "general", "a.png", b"data"))
        [told] = await slack.until(lambda: slack.general.ephemeral)
    assert told.text == wording.HELP
    assert not await InboxItem.objects.aexists()


# Where a private answer goes


async def test_an_answer_at_once_stands_below_what_is_searched_for(slack: SlackSimulator) -> None:
    async with running(slack):
        for number in range(1, 6):
            slack.command("ana", "general", "/ask", "hello")
            await slack.until(lambda n=number: len(slack.general.ephemeral) == 2 * n)  # type: ignore[misc]
    searched = [shown(told) == "Searching for: hello" for told in slack.general.ephemeral]
    assert searched == [True, False] * 5


async def test_where_the_bot_is_no_member_an_answer_draws_on_what_is_the_askers_own(
    slack: SlackSimulator, add_text: AddText
) -> None:
    async with running(slack):
        first = await asked_privately(slack, "random")
        assert ANSWER not in shown(first) and wording.NOT_A_MEMBER in shown(first)
        ana = await User.objects.aget(identities__external_id=slack.world.user("ana").id)
        own = await sync_to_async(lambda: space_for(personal_key(home(), ana)))()
        await sync_to_async(add_text)("My office in Lisbon opens at ten.", "own.txt", own)
        slack.command("ana", "random", "/ask", QUESTION)
        await slack.until(lambda: len(slack.random.ephemeral) == 4, timeout=10)
    second = slack.random.ephemeral[-1]
    assert "opens at ten" in shown(second) and wording.NOT_A_MEMBER in shown(second)
    assert OFFERED not in shown(second)


@pytest.mark.parametrize("fault", [Status(404), Status(403)])
async def test_a_response_url_that_refuses_is_left_for_an_ephemeral_message(
    slack: SlackSimulator, fault: Fault
) -> None:
    slack.faults.always("response_url", fault)
    async with running(slack):
        answer = await asked_privately(slack)
    assert len(slack.calls_to("chat.postEphemeral")) == 1
    assert ANSWER in shown(answer) and answer.to == slack.world.user("ana").id


async def test_a_response_url_that_leads_elsewhere_is_not_called(slack: SlackSimulator) -> None:
    with SlackSimulator() as other:
        async with running(slack):
            with slack.world.lock:
                ana = slack.world.user("ana")
                body = events.command(slack.core, ana, slack.general, "/ask", QUESTION)
                body["response_url"] = other.url.replace("/api/", "/response/T1/secret")
                events.dispatch(slack.core, "slash_commands", body)
            await slack.until(lambda: len(slack.general.ephemeral) == 2, timeout=10)
        assert other.calls == []
    assert ANSWER in shown(slack.general.ephemeral[-1])
