"""Questions in Slack, from the words to the answer."""

import pytest
from pytest_django import Settings

from tests.bot.slack.running import answered, point_to, running, shown
from tests.conftest import AddText
from tests.simulators.gemini import GeminiSimulator
from tests.simulators.slack.faults import Delay
from tests.simulators.slack.simulator import SlackSimulator

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("closing_clients")]


@pytest.fixture(autouse=True)
def pointed(slack: SlackSimulator, settings: Settings) -> None:
    point_to(slack, settings)


@pytest.fixture(autouse=True)
def offices(add_text: AddText) -> None:
    add_text("The office in Lisbon opens at nine o'clock.", "offices.txt")


QUESTION = "When does the office in Lisbon open?"


async def test_a_mention_is_answered_in_its_thread(slack: SlackSimulator) -> None:
    async with running(slack):
        asked = slack.say("ana", "general", f"@askwell {QUESTION}")
        answer = await answered(slack, asked)
    assert "opens at nine" in shown(answer)
    assert "[1] offices.txt" in shown(answer)
    assert "[Helpful" in shown(answer)
    assert [status.text for status in slack.statuses], "no status was shown"


async def test_a_direct_message_needs_no_mention(slack: SlackSimulator) -> None:
    async with running(slack):
        answer = await answered(slack, slack.dm("ana", QUESTION))
    assert "opens at nine" in shown(answer)


async def test_the_asker_goes_on_in_the_thread_without_a_mention(slack: SlackSimulator) -> None:
    async with running(slack):
        asked = slack.say("ana", "general", f"@askwell {QUESTION}")
        await answered(slack, asked)
        slack.say("ana", "general", "And in which city is that office?", thread=asked)
        await slack.until(lambda: len(slack.answers(asked)) == 2)


async def test_others_in_the_thread_are_left_alone_unless_they_mention_the_bot(
    slack: SlackSimulator,
) -> None:
    async with running(slack):
        asked = slack.say("ana", "general", f"@askwell {QUESTION}")
        await answered(slack, asked)
        slack.say("ben", "general", "Nine is late.", thread=asked)
        slack.say("ana", "general", "@ben what do you think of nine o'clock?", thread=asked)
        mention = slack.say("ben", "general", f"@askwell {QUESTION}", thread=asked)
        await slack.until(lambda: len(slack.answers(mention)) == 2)
        await slack.until(lambda: all(d.outcome == "acked" for d in slack.deliveries))
    assert len(slack.answers(asked)) == 2


async def test_ask_is_answered_to_the_asker_alone_and_shared_on_demand(
    slack: SlackSimulator,
) -> None:
    async with running(slack):
        slack.command("ana", "general", "/ask", QUESTION)
        await slack.until(lambda: len(slack.general.ephemeral) == 2)
        told, answer = slack.general.ephemeral
        assert QUESTION in told.text
        assert answer.to == slack.world.user("ana").id
        assert "opens at nine" in shown(answer)
        assert not slack.general.messages
        slack.click("ana", answer, "share")
        await slack.until(lambda: slack.general.messages)
        [posted] = slack.general.messages.values()
        await slack.until(lambda: "[Helpful" in shown(posted))
        assert "asked by ana" in posted.text
        assert "opens at nine" in shown(posted)
        follow_up = slack.say("ana", "general", QUESTION, thread=posted)
        await slack.until(lambda: slack.answers(follow_up))


async def test_help_is_offered_to_a_bare_mention(slack: SlackSimulator) -> None:
    async with running(slack):
        answer = await answered(slack, slack.say("ana", "general", "@askwell"))
    assert "/ask QUESTION" in shown(answer)


async def test_help_is_offered_to_a_bare_mention_of_which_no_message_comes(
    slack: SlackSimulator,
) -> None:
    """As where the app hears mentions alone."""
    send = slack.core.send
    slack.core.send = lambda delivery: None if delivery.type == "message" else send(delivery)
    async with running(slack):
        answer = await answered(slack, slack.say("ana", "general", "@askwell"))
    assert "/ask QUESTION" in shown(answer)


async def test_what_is_too_long_is_answered_with_what_to_do(slack: SlackSimulator) -> None:
    async with running(slack):
        answer = await answered(slack, slack.dm("ana", "why " * 10_000))
    assert "too long" in shown(answer)


async def test_an_answer_streams_word_by_word(
    slack: SlackSimulator, gemini: GeminiSimulator
) -> None:
    async with running(slack):
        answer = await answered(slack, slack.dm("ana", QUESTION))
    assert answer.stream is not None
    assert answer.stream.state == "completed"


async def test_the_status_holds_up_no_question_and_comes_after_no_answer(
    slack: SlackSimulator, gemini: GeminiSimulator
) -> None:
    slack.faults.next("assistant.threads.setStatus", Delay(2.0))
    async with running(slack):
        await answered(slack, slack.say("ana", "general", f"@askwell {QUESTION}"))
    [begun] = [call.arrived for call in slack.calls if call.method == "chat.startStream"]
    [status], asked = slack.statuses, gemini.requests[-1]
    assert asked.arrived < status.at < begun


async def test_bots_and_its_own_words_are_ignored(slack: SlackSimulator) -> None:
    async with running(slack):
        other = slack.add_user("robot", is_bot=True)
        slack.general.members.append(other.id)
        said = slack.say(other, "general", f"@askwell {QUESTION}")
        asked = slack.say("ana", "general", f"@askwell {QUESTION}")
        await answered(slack, asked)
        await slack.until(lambda: all(d.outcome == "acked" for d in slack.deliveries))
    assert not slack.answers(said)
    assert len(slack.answers(asked)) == 1
