"""Slack asks to wait, lets nobody in, or does not take a reply: what happens to the questions."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from pytest_django import Settings

from bot import claims, responder, wording
from bot import running as process
from bot.errors import Resting
from bot.models import InboxItem, ItemState
from bot.responder import Responder
from bot.slack import send, service
from tests.bot.slack.asking import OFFICES, ask, item_of, one_answer, until_settled, words
from tests.bot.slack.running import answered, point_to, running, shown
from tests.simulators.faults import Answer
from tests.simulators.gemini import GeminiSimulator
from tests.simulators.slack import rates
from tests.simulators.slack.faults import Error, Status
from tests.simulators.slack.simulator import SlackSimulator

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("closing_clients", "offices"),
]
ANSWER = OFFICES.rstrip(".")


@pytest.fixture(autouse=True)
def pointed(slack: SlackSimulator, settings: Settings) -> None:
    point_to(slack, settings)


@asynccontextmanager
async def serving(
    slack: SlackSimulator, monkeypatch: pytest.MonkeyPatch, rest: float = 0.2
) -> AsyncIterator[None]:
    """The process's own loop around the platform, which rests and tries again."""
    monkeypatch.setattr(process, "REST", rest)
    stop, responder = asyncio.Event(), Responder()
    answering = asyncio.create_task(responder.run(stop))
    connected = asyncio.create_task(process._serve("slack", service, responder, stop))
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(asyncio.gather(answering, connected), 30)


# Rates


async def test_under_slacks_limits_all_are_answered_and_no_call_comes_early(
    slack: SlackSimulator, gemini: GeminiSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    gemini.faults.always(Answer(words(40), delay=0.03), on="chat")
    monkeypatch.setattr(send, "APPEND_EVERY", 0.1)
    for tier in (2, 3, 4):  # few calls a window, so that a slow machine meets the limit as well
        monkeypatch.setitem(rates.TIERS, tier, 4)
    slack.rates.on, slack.rates.window = True, 1.0
    async with running(slack):
        asked = [ask(slack) for _ in range(12)]
        for question in asked:
            await one_answer(slack, question, words(40), timeout=120)
    assert any(call.error == "ratelimited" for call in slack.calls), "no limit was met"
    assert slack.early_calls == []


@pytest.mark.parametrize(
    "method", ["chat.startStream", "chat.appendStream", "chat.stopStream", "chat.postMessage"]
)
async def test_a_delay_that_slack_asks_for_is_kept(
    slack: SlackSimulator, gemini: GeminiSimulator, method: str
) -> None:
    gemini.faults.always(Answer(words(40), delay=0.03), on="chat")
    slack.faults.next(method, Status(429, retry_after=1))
    if method == "chat.postMessage":
        slack.faults.always("chat.startStream", Error("method_not_supported_for_channel_type"))
    async with running(slack):
        asked = [ask(slack), ask(slack)]
        for question in asked:
            await one_answer(slack, question, words(40))
    assert slack.early_calls == []


# Tokens


async def test_a_token_that_is_revoked_in_the_middle_and_mended_loses_nothing(
    slack: SlackSimulator, gemini: GeminiSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    gemini.faults.always(Answer(delay=0.2), on="chat")
    async with serving(slack, monkeypatch):
        await slack.until(slack.sockets.live, timeout=30)
        asked = [ask(slack) for _ in range(3)]
        await slack.until(lambda: any(slack.answers(q) for q in asked), timeout=30)
        slack.app.refused = "token_revoked"
        await slack.until(lambda: not slack.sockets.live(), timeout=30)
        assert await InboxItem.objects.filter(settled=False).aexists()
        slack.app.refused = None
        for question in asked:
            await one_answer(slack, question, ANSWER)


async def test_a_bot_that_was_uninstalled_rests_until_it_is_installed_again(
    slack: SlackSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(slack, monkeypatch):
        await slack.until(slack.sockets.live, timeout=30)
        slack.uninstall()
        await slack.until(lambda: not slack.sockets.live(), timeout=30)
        slack.app.refused = None
        await slack.until(slack.sockets.live, timeout=30)
        await one_answer(slack, ask(slack), ANSWER)


@pytest.mark.parametrize("which", ["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"])
async def test_a_wrong_token_is_said_and_tried_again(
    slack: SlackSimulator,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    which: str,
) -> None:
    right = getattr(settings, which)
    setattr(settings, which, "xoxb-wrong-canary")
    with caplog.at_level(logging.ERROR):
        async with serving(slack, monkeypatch):
            await slack.until(lambda: "rests" in caplog.text, timeout=30)
            assert "invalid_auth" in caplog.text and "canary" not in caplog.text
            setattr(settings, which, right)
            await slack.until(slack.sockets.live, timeout=30)
            await one_answer(slack, ask(slack), ANSWER)


@pytest.mark.parametrize("odd", ["xoxb-1\nX-Canary: 1", "xoxb-1\0", "xoxb-ключ", "xoxb-1\r\n"])
@pytest.mark.parametrize("which", ["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"])
async def test_a_token_that_no_request_can_carry_is_named_and_not_shown(
    slack: SlackSimulator, settings: Settings, which: str, odd: str
) -> None:
    setattr(settings, which, odd)
    with pytest.raises(Resting, match=f"{which} holds characters that no token has") as refused:
        async with running(slack):
            pass
    assert odd not in str(refused.value)
    assert not slack.calls


async def test_while_slack_is_away_nothing_is_lost(
    slack: SlackSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    slack.faults.always("auth.test", Status(503))
    async with serving(slack, monkeypatch):
        await slack.until(lambda: len(slack.calls_to("auth.test")) > 1, timeout=30)
        slack.faults.clear()
        await slack.until(slack.sockets.live, timeout=30)
        await one_answer(slack, ask(slack), ANSWER)


# Channels


async def test_a_question_in_a_channel_that_was_archived_is_set_aside(
    slack: SlackSimulator,
) -> None:
    async with running(slack) as responder:
        responder.disconnected("slack")
        asked = ask(slack)
        await slack.until(lambda: all(d.outcome == "acked" for d in slack.deliveries), timeout=30)
    slack.archive("general")
    async with running(slack):
        other = slack.dm("ana", "When does the office in Lisbon open?")
        await one_answer(slack, other, ANSWER)
        await until_settled()
    item = await sync_to_async(item_of)(asked)
    assert "is_archived" in item.reason
    assert not slack.answers(asked)


@pytest.mark.parametrize("takes_ephemeral", [True, False])
async def test_where_the_bot_is_no_member_only_the_asker_is_answered(
    slack: SlackSimulator, takes_ephemeral: bool
) -> None:
    if takes_ephemeral:
        slack.app.scopes.add("chat:write.public")
    async with running(slack):
        slack.say("ana", "random", "@askwell When does the office in Lisbon open?")
        await until_some_item()
        await until_settled()
    dm = list(slack.dm_of("ana").messages.values())
    told = slack.random.ephemeral if takes_ephemeral else dm
    assert len(told) == 1 and len(slack.random.ephemeral) + len(dm) == 1
    assert "not a member" in shown(told[0])
    assert "nine" not in shown(told[0]), "the team's documents are not for this reply"
    assert not [m for m in slack.random.messages.values() if m.by_app == slack.app.app_id]


async def until_some_item() -> None:
    async with asyncio.timeout(30):
        while not await InboxItem.objects.aexists():
            await asyncio.sleep(0.02)


async def test_a_reply_that_slack_refuses_for_good_is_set_aside_and_the_rest_goes_on(
    slack: SlackSimulator,
) -> None:
    for method in ("chat.startStream", "chat.postMessage"):
        slack.faults.next(method, Error("restricted_action"))
    slack.faults.next("chat.postMessage", Error("restricted_action"))
    async with running(slack):
        first = ask(slack)
        await until_some_item()
        await until_settled()
        slack.faults.clear()
        await one_answer(slack, ask(slack), ANSWER)
    item = await sync_to_async(item_of)(first)
    assert item.state in (ItemState.FAILED, ItemState.ANSWERED)
    assert "restricted_action" in item.reason


# Readers


async def test_whoever_asked_is_told_when_a_reply_was_tried_for_too_long(
    slack: SlackSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "MAX_DELIVERIES", 3)
    monkeypatch.setattr(responder, "WAIT", timedelta(seconds=0.01))
    for method in ("chat.stopStream", "chat.update"):
        slack.faults.always(method, Status(503))
    async with running(slack):
        ask(slack)
        [told] = await slack.until(lambda: list(slack.dm_of("ana").messages.values()), timeout=60)
        await until_settled()
    reason = wording.NOT_SHOWN_TRIED.format(platform="Slack")
    assert shown(told) == wording.NOT_SHOWN.format(reason=reason)
    assert len(slack.dm_of("ana").messages) == 1


async def test_a_guest_who_comes_between_question_and_answer_reads_nothing_of_the_teams(
    slack: SlackSimulator, gemini: GeminiSimulator
) -> None:
    guest = slack.add_user("guest", is_restricted=True)
    gemini.faults.always(Answer(delay=0.5), on="chat")
    async with running(slack):
        asked = ask(slack)
        await slack.until(lambda: gemini.requests, timeout=30)
        slack.join(guest, "general", by="ana")
        answer = await answered(slack, asked, 60)
        await until_settled()
    assert len(slack.answers(asked)) == 1
    assert "nine" not in shown(answer) and "offices.txt" not in shown(answer)


@pytest.mark.parametrize("method", ["chat.postMessage", "chat.update", "chat.stopStream"])
async def test_a_guest_who_comes_while_slack_lets_the_answer_wait_reads_nothing_of_the_teams(
    slack: SlackSimulator, gemini: GeminiSimulator, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    guest = slack.add_user("guest", is_restricted=True)
    if method == "chat.stopStream":  # with all the words in its end
        monkeypatch.setattr(send, "APPEND_EVERY", 60)
        gemini.faults.always(Answer(delay=0.1), on="chat")
    else:
        slack.faults.always("chat.startStream", Error("method_not_supported_for_channel_type"))
        monkeypatch.setattr(send.ThreadOutlet, "streams", method == "chat.update")
        monkeypatch.setattr(send, "UPDATE_EVERY", 60)
        gemini.faults.always(Answer(delay=0.1), on="chat")
    slack.faults.next(method, Status(429, retry_after=2))
    async with running(slack):
        asked = ask(slack)
        await slack.until(lambda: slack.calls_to(method), timeout=30)
        slack.join(guest, "general", by="ana")
        answer = await answered(slack, asked, 60)
        await until_settled()
    assert len(slack.answers(asked)) == 1
    assert "nine" not in shown(answer) and "offices.txt" not in shown(answer)
    told = [text for _, text in answer.seen]
    assert not any("nine" in text for text in told), told
