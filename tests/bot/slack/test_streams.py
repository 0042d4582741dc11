"""Streams that Slack ends, refuses or cuts short: the message still ends with the whole answer."""

import pytest
from pytest_django import Settings

from bot.slack import send
from tests.bot.slack.asking import ask, one_answer, until_settled, words
from tests.bot.slack.running import answered, point_to, running, shown
from tests.simulators.faults import Answer
from tests.simulators.gemini import GeminiSimulator
from tests.simulators.slack.faults import Error
from tests.simulators.slack.simulator import SlackSimulator
from tests.simulators.slack.state import Message

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("closing_clients")]

TEXT = words(40)
# More than one message holds.
LONG = (
    "\n\n".join(f"Paragraph {n} says {'so' * 40} {'on' * 40} much{n}." for n in range(100)) + " [1]"
)


@pytest.fixture(autouse=True)
def model(
    offices: None, gemini: GeminiSimulator, slack: SlackSimulator, settings: Settings
) -> GeminiSimulator:
    point_to(slack, settings)
    gemini.faults.always(Answer(TEXT, delay=0.03), on="chat")
    return gemini


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(send, "APPEND_EVERY", 0.05)
    monkeypatch.setattr(send, "UPDATE_EVERY", 0.05)


def ended(message: Message) -> str:
    assert message.stream is not None
    return message.stream.state


async def test_a_stream_that_expires_goes_on_by_editing(slack: SlackSimulator, quick: None) -> None:
    slack.settings.stream_life = 0.5
    async with running(slack):
        asked = ask(slack)
        await one_answer(slack, asked, TEXT)
    [reply] = slack.answers(asked)
    assert (ended(reply), bool(reply.edited)) == ("expired", True)


async def test_a_stream_that_grows_too_long_goes_on_by_editing(
    slack: SlackSimulator, quick: None
) -> None:
    slack.settings.stream_bytes = 100
    async with running(slack):
        await one_answer(slack, ask(slack), TEXT)
    assert any(call.error == "msg_too_long" for call in slack.calls)


async def test_a_first_piece_that_is_too_long_for_a_stream_is_posted(slack: SlackSimulator) -> None:
    slack.settings.stream_bytes = 1
    async with running(slack):
        await one_answer(slack, ask(slack), TEXT)


@pytest.mark.parametrize("code", ["method_not_supported_for_channel_type", "user_not_found"])
async def test_where_streams_are_refused_the_answer_is_posted_and_edited(
    slack: SlackSimulator, quick: None, code: str
) -> None:
    slack.faults.always("chat.startStream", Error(code))
    async with running(slack):
        await one_answer(slack, ask(slack), TEXT)
    assert len(slack.calls_to("chat.startStream")) == 1, "a refused stream was asked for again"
    assert slack.calls_to("chat.update")


@pytest.mark.parametrize("method", ["chat.appendStream", "chat.stopStream"])
async def test_a_stream_that_slack_takes_no_more_of_goes_on_by_editing(
    slack: SlackSimulator, quick: None, method: str
) -> None:
    slack.faults.next(method, Error("message_not_in_streaming_state"))
    async with running(slack):
        await one_answer(slack, ask(slack), TEXT)


async def test_an_answer_whose_stream_somebody_stopped_stays_as_it_was_then(
    slack: SlackSimulator, quick: None
) -> None:
    async with running(slack):
        asked = ask(slack)
        [reply] = await slack.until(lambda: slack.answers(asked), timeout=30)
        slack.stop_stream(reply)
        await answered(slack, asked)
        await until_settled()
    assert slack.answers(asked) == [reply]
    assert "word0" in shown(reply) and "word39" not in shown(reply)


async def test_a_long_answer_comes_in_several_messages_in_order(
    slack: SlackSimulator, model: GeminiSimulator
) -> None:
    model.faults.always(Answer(LONG, delay=0.002), on="chat")
    async with running(slack):
        asked = ask(slack)
        await answered(slack, asked, 60)
    check_long(slack, asked)


async def test_a_long_answer_is_whole_without_streams(
    slack: SlackSimulator, model: GeminiSimulator
) -> None:
    model.faults.always(Answer(LONG, delay=0.002), on="chat")
    slack.faults.always("chat.startStream", Error("method_not_supported_for_channel_type"))
    async with running(slack):
        asked = ask(slack)
        await answered(slack, asked, 60)
    check_long(slack, asked)


def check_long(slack: SlackSimulator, asked: Message) -> None:
    replies = slack.answers(asked)
    assert len(replies) > 1
    together = "\n".join(shown(reply) for reply in replies)
    found = [together.count(f"much{n}.") for n in range(100)]
    assert found == [1] * 100
    places = [together.index(f"much{n}.") for n in range(100)]
    assert places == sorted(places)
    assert [shown(reply).count("[Helpful") for reply in replies] == [0] * (len(replies) - 1) + [1]
    assert together.count("[1] offices.txt") == 1
    assert not any(call.error for call in slack.calls_to("chat.stopStream"))


@pytest.mark.parametrize("method", ["chat.stopStream", "chat.postMessage", "chat.update"])
async def test_where_blocks_are_refused_the_words_are_shown(
    slack: SlackSimulator, quick: None, method: str
) -> None:
    if method != "chat.stopStream":
        slack.faults.always("chat.startStream", Error("method_not_supported_for_channel_type"))
    slack.faults.next(method, Error("invalid_blocks"))
    async with running(slack):
        asked = ask(slack)
        reply = await answered(slack, asked)
        await until_settled()
    assert len(slack.answers(asked)) == 1
    assert "word39" in shown(reply)


async def test_a_long_answer_whose_blocks_are_refused_is_not_cut_off(
    slack: SlackSimulator, model: GeminiSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands below it may be what Slack does not like."""
    model.faults.always(Answer(words(900)), on="chat")
    monkeypatch.setattr(send.ThreadOutlet, "streams", False)
    slack.faults.next("chat.postMessage", Error("invalid_blocks"))
    async with running(slack):
        reply = await answered(slack, ask(slack))
    assert "word899" in shown(reply)
