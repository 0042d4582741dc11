"""What was said while nobody listened is read back: nothing is lost within the cap (promise 10)."""

import asyncio
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import OperationalError
from pytest_django import Settings

from bot import inbox, reading_back
from bot.incoming import Heard
from bot.models import InboxItem, ReadMark
from bot.slack import api, history, sockets
from bot.slack.clock import stamp
from tests.bot.slack.asking import OFFICES, QUESTION, ask, one_answer, until_settled
from tests.bot.slack.running import answered, point_to, running, shown
from tests.simulators.slack.faults import Hang, Status
from tests.simulators.slack.simulator import SlackSimulator

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("closing_clients", "offices"),
]
ANSWER = OFFICES.rstrip(".")


@pytest.fixture(autouse=True)
def pointed(slack: SlackSimulator, settings: Settings) -> None:
    point_to(slack, settings)


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading back again and again."""
    monkeypatch.setattr(reading_back, "READ_BACK_EVERY", 0.2)
    monkeypatch.setattr(reading_back, "READ_BACK_AGAIN", 0.2)


@contextmanager
def lost_events(slack: SlackSimulator) -> Iterator[None]:
    """Slack drops what it should send."""
    send, slack.core.send = slack.core.send, lambda delivery: None
    try:
        yield
    finally:
        slack.core.send = send


async def read_back(slack: SlackSimulator, times: int) -> None:
    """So many readings more of #general are over."""

    def readings() -> int:
        calls = slack.calls_to("conversations.history")
        return len([call for call in calls if call.args["channel"] == slack.general.id])

    wanted = readings() + times + 1
    await slack.until(lambda: readings() >= wanted, timeout=30)


async def first_run(slack: SlackSimulator) -> None:
    """From here on there is a mark."""
    async with running(slack):
        await one_answer(slack, ask(slack), ANSWER)
        await slack.until(lambda: slack.calls_to("conversations.history"), timeout=30)


async def test_what_was_said_while_the_bot_was_down_is_answered(slack: SlackSimulator) -> None:
    await first_run(slack)
    private = slack.add_channel("board", "ana", slack.app.user_id, kind="private_channel")
    asked = [ask(slack), ask(slack, "board"), slack.dm("ana", QUESTION)]
    assert private.messages
    async with running(slack):
        for question in asked:
            await one_answer(slack, question, ANSWER)


async def test_what_was_said_in_threads_while_the_bot_was_down_is_answered(
    slack: SlackSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading_back, "READ_BACK_AGAIN", 0.5)
    async with running(slack):
        asked = ask(slack)
        await one_answer(slack, asked, ANSWER)
        await slack.until(lambda: slack.calls_to("conversations.replies"), timeout=30)
    slack.say("ana", "general", QUESTION, thread=asked)
    slack.say("ben", "general", "Nine is late.", thread=asked)
    slack.say("ben", "general", f"@askwell {QUESTION}", thread=asked)
    async with running(slack):
        await slack.until(lambda: len(slack.answers(asked)) == 3, timeout=60)
        await until_settled()
    assert len(slack.answers(asked)) == 3


async def test_a_mention_in_the_thread_of_others_while_the_bot_was_down_is_answered(
    slack: SlackSimulator,
) -> None:
    root = slack.say("ben", "general", "Let us meet in Lisbon.")
    slack.say("ana", "general", "Tomorrow?", thread=root)
    await first_run(slack)
    slack.say("ana", "general", "When does it open there?", thread=root)
    slack.say("ben", "general", f"@askwell {QUESTION}", thread=root)
    later = slack.say("ana", "general", "Thank you.", thread=root)
    async with running(slack):
        await slack.until(lambda: slack.answers(later), timeout=30)
        await until_settled()
    [answer] = slack.answers(later)
    assert ANSWER in shown(answer)


async def test_looking_for_threads_that_went_on_is_capped_and_no_loss(
    slack: SlackSimulator, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(8):
        slack.say("ben", "general", "I was in Lisbon yesterday.")
    await first_run(slack)
    monkeypatch.setattr(history, "MESSAGES", 5)
    monkeypatch.setattr(api, "PAGE", 2)
    asked = ask(slack)
    before, threads = (len(slack.calls_to(f"conversations.{m}")) for m in ("history", "replies"))
    with caplog.at_level(logging.WARNING):
        async with running(slack):
            await one_answer(slack, asked, ANSWER)
            await slack.until(lambda: slack.calls_to("conversations.replies")[threads:])
    calls = slack.calls_to("conversations.history")[before:]
    assert len([call for call in calls if call.args["channel"] == slack.general.id]) == 3
    assert "more than" not in caplog.text


async def test_the_head_of_a_thread_from_before_the_first_start_is_not_answered(
    slack: SlackSimulator, often: None
) -> None:
    """Slack lists it with the replies, however old it is."""
    before = ask(slack)
    async with running(slack):
        asked = slack.say("ben", "general", f"@askwell {QUESTION}", thread=before)
        await answered(slack, asked)
        await read_back(slack, 3)
        await until_settled()
    assert slack.calls_to("conversations.replies")
    assert len(slack.answers(before)) == 1


async def test_the_head_of_a_thread_is_not_answered_again_once_it_is_forgotten(
    slack: SlackSimulator, often: None
) -> None:
    async with running(slack):
        root = ask(slack)
        await one_answer(slack, root, ANSWER)
        await read_back(slack, 2)
    await InboxItem.objects.all().adelete()  # it was kept for thirty days
    await ReadMark.objects.aupdate(read_until=stamp(time.time()))
    async with running(slack):
        asked = slack.say("ben", "general", f"@askwell {QUESTION}", thread=root)
        await answered(slack, asked)
        await read_back(slack, 3)
        await until_settled()
    assert len(slack.answers(root)) == 2


async def test_the_head_of_a_thread_that_was_deleted_in_the_gap_takes_its_answer_along(
    slack: SlackSimulator, often: None
) -> None:
    async with running(slack):
        root = ask(slack)
        await one_answer(slack, root, ANSWER)
        await read_back(slack, 2)
    slack.delete(root)
    async with running(slack):
        await slack.until(lambda: not slack.answers(root), timeout=30)


async def test_a_socket_that_is_cut_is_replaced_and_the_gap_read(
    slack: SlackSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "PING_EVERY", 0.5)
    monkeypatch.setattr(sockets, "LOOK_EVERY", 0.1)
    async with running(slack):
        await one_answer(slack, ask(slack), ANSWER)
        before = slack.sockets.live()
        with lost_events(slack):
            slack.cut_sockets()
            asked = ask(slack)
        await slack.until(
            lambda: slack.sockets.live() and slack.sockets.live() != before, timeout=60
        )
        await one_answer(slack, asked, ANSWER)


async def test_routine_disconnects_lose_nothing(slack: SlackSimulator, often: None) -> None:
    async with running(slack):
        asked = []
        for reason in ("warning", "refresh_requested"):
            slack.disconnect(reason)
            asked += [ask(slack), ask(slack)]
        for question in asked:
            await one_answer(slack, question, ANSWER)


async def test_events_that_slack_drops_are_found_without_a_gap_in_the_connection(
    slack: SlackSimulator, often: None
) -> None:
    async with running(slack):
        await one_answer(slack, ask(slack), ANSWER)
        with lost_events(slack):
            asked = ask(slack)
        await one_answer(slack, asked, ANSWER)


async def test_reading_back_answers_nothing_twice(slack: SlackSimulator, often: None) -> None:
    async with running(slack):
        said = slack.say("ana", "general", "Who knows when the office opens?")
        asked = slack.say("ana", "general", f"@askwell {QUESTION}", thread=said)
        await answered(slack, asked)
        slack.edit(asked, "@askwell Where is the office?")
        await read_back(slack, 3)
        await until_settled()
    assert len(slack.answers(said)) == 1
    assert await InboxItem.objects.acount() == 1


async def test_words_before_the_first_question_of_a_thread_are_left_alone(
    slack: SlackSimulator, often: None
) -> None:
    async with running(slack):
        said = slack.say("ben", "general", "I was in Lisbon yesterday.")
        slack.say("ana", "general", "And when does the office there open?", thread=said)
        asked = slack.say("ana", "general", f"@askwell {QUESTION}", thread=said)
        await answered(slack, asked)
        await read_back(slack, 3)
    async with running(slack):
        await read_back(slack, 2)
        await until_settled()
    assert len(slack.answers(said)) == 1


async def test_new_words_that_were_not_heard_count(slack: SlackSimulator) -> None:
    await first_run(slack)
    asked = slack.say("ana", "general", "@askwell Where is it?")
    slack.edit(asked, f"@askwell {QUESTION}")
    told = slack.say("ana", "general", QUESTION)
    slack.edit(told, f"@askwell {QUESTION}")
    gone = ask(slack)
    slack.delete(gone)
    async with running(slack):
        await one_answer(slack, asked, ANSWER)
        await one_answer(slack, told, ANSWER)
        await until_settled()
    assert not slack.answers(gone)


async def test_beyond_the_cap_the_newest_are_answered_and_it_is_said(
    slack: SlackSimulator, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await first_run(slack)
    monkeypatch.setattr(history, "MESSAGES", 5)
    monkeypatch.setattr(api, "PAGE", 2)
    asked = [ask(slack) for _ in range(8)]
    with caplog.at_level(logging.WARNING):
        async with running(slack):
            for question in asked[3:]:
                await one_answer(slack, question, ANSWER)
            await until_settled()
    assert not any(slack.answers(question) for question in asked[:3])
    assert f"{slack.general.id}: more than 5 messages" in caplog.text


async def test_what_is_too_old_is_left_out_and_it_is_said(
    slack: SlackSimulator, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await first_run(slack)
    old = ask(slack)
    monkeypatch.setattr(history, "OLDEST", 0)
    with caplog.at_level(logging.WARNING):
        async with running(slack):
            await slack.until(lambda: "is not read back" in caplog.text, timeout=30)
            await one_answer(slack, ask(slack), ANSWER)
    assert not slack.answers(old)


async def test_a_reading_that_is_broken_off_begins_again_from_the_old_mark(
    slack: SlackSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    await first_run(slack)
    monkeypatch.setattr(api, "PAGE", 2)
    asked = [ask(slack) for _ in range(6)]
    slack.faults.next("conversations.history", None, Hang())
    async with running(slack):  # and it stops in the middle
        await slack.until(lambda: slack.faults.pending == 0, timeout=30)
    async with running(slack):
        for question in asked:
            await one_answer(slack, question, ANSWER)


async def test_a_channel_that_could_not_be_read_is_read_later(
    slack: SlackSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one that was never read before."""
    await first_run(slack)
    slack.add_channel("new", "ana", slack.app.user_id)
    asked = [ask(slack), ask(slack, "new")]
    slack.faults.next("conversations.history", Status(503), Status(503))
    async with running(slack):
        await slack.until(lambda: len(slack.calls_to("conversations.history")) > 2, timeout=30)
    monkeypatch.setattr(reading_back, "READ_BACK_AGAIN", 0.1)
    slack.faults.next("conversations.history", Status(503), Status(503))
    async with running(slack):
        for question in asked:
            await one_answer(slack, question, ANSWER)


async def test_a_database_failure_while_reading_back_is_made_good(
    slack: SlackSimulator, often: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    await first_run(slack)
    asked = ask(slack)
    take, failures = inbox.take, 2

    def failing(heard: Heard) -> bool:
        nonlocal failures
        failures -= 1
        if failures >= 0:
            raise OperationalError("the disk is full")
        return take(heard)

    monkeypatch.setattr(inbox, "take", failing)
    async with running(slack):
        await one_answer(slack, asked, ANSWER)


async def test_a_clock_that_is_ahead_of_slacks_loses_nothing(slack: SlackSimulator) -> None:
    async with running(slack):
        await one_answer(slack, ask(slack), ANSWER)
    long_ago = stamp(time.time() - 600)
    await ReadMark.objects.aupdate(read_until=long_ago)
    async with running(slack), asyncio.timeout(30):
        while await ReadMark.objects.filter(read_until=long_ago).aexists():
            await asyncio.sleep(0.02)
    slack.world.behind = 20.0
    asked = ask(slack)
    async with running(slack):
        await one_answer(slack, asked, ANSWER)


async def test_the_first_start_reads_nothing_back(slack: SlackSimulator) -> None:
    before = ask(slack)
    async with running(slack):
        await slack.until(lambda: slack.calls_to("conversations.history"), timeout=30)
        answer = await answered(slack, slack.dm("ana", QUESTION))
    assert ANSWER in shown(answer)
    assert not slack.answers(before)


async def test_what_is_said_after_a_first_start_that_read_nothing_is_answered(
    slack: SlackSimulator, often: None
) -> None:
    slack.faults.next("users.conversations", Hang())
    async with running(slack):
        pass
    asked = ask(slack)
    async with running(slack):
        await one_answer(slack, asked, ANSWER)
