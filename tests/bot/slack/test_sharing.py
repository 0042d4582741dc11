"""Files shared in Slack become knowledge of whoever is there, and their cards say so."""

import asyncio

import pytest
from pytest_django import Settings

from backend.accounts.models import Channel
from bot import wording
from bot.models import InboxItem
from knowledge.models import Document
from tests.bot.slack.asking import QUESTION, until_settled
from tests.bot.slack.running import point_to, running, shown
from tests.bot.slack.sharing import HOURS, NINE, card, knows, says
from tests.bot.working import working
from tests.simulators.slack.simulator import SlackSimulator

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("closing_clients"),
]


@pytest.fixture(autouse=True)
def pointed(slack: SlackSimulator, settings: Settings) -> None:
    point_to(slack, settings)


async def test_a_file_shared_with_a_mention_is_known_in_the_channel(slack: SlackSimulator) -> None:
    async with running(slack), working():
        said = slack.upload("ana", "general", "hours.txt", HOURS, "@askwell")
        there = await card(slack, said)
        assert await knows(slack, "ben", "general")
        await until_settled()
    assert slack.answers(said) == [there]
    assert shown(there) == (
        "hours.txt: 1 passage, searchable by: this channel\n"
        "[Make available to the team = promote]  [Remove = remove]"
    )
    versions = [text for _, text in there.seen]
    assert versions[0] == "Reading hours.txt…"


async def test_a_file_in_a_direct_message_is_known_to_its_sender_alone(
    slack: SlackSimulator,
) -> None:
    async with running(slack), working():
        said = slack.upload("ana", slack.dm_of("ana"), "hours.txt", HOURS)
        there = await card(slack, said)
        assert NINE in await says(slack, slack.dm("ana", QUESTION))
        for asked in (
            slack.dm("ben", QUESTION),
            slack.say("ana", "general", f"@askwell {QUESTION}"),
        ):
            assert NINE not in await says(slack, asked)
    assert "searchable by: you alone" in shown(there)


async def test_a_question_that_comes_with_a_file_is_answered_from_it(slack: SlackSimulator) -> None:
    async with running(slack):
        said = slack.upload("ana", "general", "hours.txt", HOURS, f"@askwell {QUESTION}")
        await card(slack, said, "Reading")
        await asyncio.sleep(0.5)
        assert len(slack.answers(said)) == 1
        async with working():
            answer = await says(slack, said)
            await card(slack, said)
    assert NINE in answer and "[1] hours.txt" in answer
    assert len(slack.answers(said)) == 2


async def test_words_between_people_with_a_file_are_not_heard(slack: SlackSimulator) -> None:
    async with running(slack), working():
        slack.upload("ana", "general", "hours.txt", HOURS, "have a look")
        assert not await knows(slack, "ben", "general")
    assert await InboxItem.objects.acount() == 1


async def test_a_channel_that_collects_knows_every_file_that_is_shared_there(
    slack: SlackSimulator,
) -> None:
    async with running(slack), working():
        assert not await knows(slack, "ben", "general")
        await Channel.objects.aupdate(collects=True)
        said = slack.upload("ana", "general", "hours.txt", HOURS, "have a look")
        await card(slack, said)
        # Who shared it speaks to the others, and not to the bot.
        slack.say("ana", "general", "When do you come?", thread=said)
        assert await knows(slack, "ben", "general")
        await until_settled()
    assert len(slack.answers(said)) == 1


async def test_a_file_that_cannot_be_read_has_a_card_that_says_why(slack: SlackSimulator) -> None:
    async with running(slack), working():
        said = slack.upload("ana", "general", "broken.pdf", b"%PDF-1.7 broken", "@askwell")
        there = await card(slack, said, "was not added")
        await until_settled()
    assert shown(there).startswith("broken.pdf was not added. ")
    assert wording.REMOVE not in shown(there)


async def test_a_deleted_message_takes_along_what_it_brought(slack: SlackSimulator) -> None:
    async with running(slack), working():
        said = slack.upload("ana", "general", "hours.txt", HOURS, "@askwell")
        await card(slack, said)
        slack.delete(said)
        await slack.until(lambda: not slack.answers(said), timeout=10)
        assert not await knows(slack, "ben", "general")
        await until_settled()
    assert not await Document.objects.filter(purged_at=None).aexists()


async def test_what_another_message_brought_as_well_stays(slack: SlackSimulator) -> None:
    async with running(slack), working():
        first = slack.upload("ana", "general", "hours.txt", HOURS, "@askwell")
        await card(slack, first)
        second = slack.upload("ben", "general", "hours.txt", HOURS, "@askwell")
        again = await card(slack, second)
        assert wording.FILE_UNCHANGED in shown(again)
        slack.delete(first)
        await slack.until(lambda: not slack.answers(first), timeout=10)
        await until_settled()
        assert await knows(slack, "ana", "general")
        slack.delete(second)
        await slack.until(lambda: not slack.answers(second), timeout=10)
        await until_settled()
    assert not await Document.objects.filter(purged_at=None).aexists()


async def test_a_file_that_is_deleted_before_it_is_fetched_has_a_card_that_says_so(
    slack: SlackSimulator,
) -> None:
    async with running(slack) as responder:
        responder.disconnected("slack")
        said = slack.upload("ana", "general", "hours.txt", HOURS, "@askwell")
        slack.delete_file(said.files[0])
        await slack.until(lambda: all(d.outcome == "acked" for d in slack.deliveries))
    async with running(slack):
        await card(slack, said, "The file is no longer there")
        await until_settled()
    assert not await Document.objects.aexists()


async def test_a_file_that_is_deleted_after_it_was_read_is_not_known_any_more(
    slack: SlackSimulator,
) -> None:
    async with running(slack), working():
        said = slack.upload("ana", "general", "hours.txt", HOURS, "@askwell")
        await card(slack, said)
        slack.delete_file(said.files[0])
        await slack.until(lambda: not slack.answers(said), timeout=10)
        await until_settled()
    assert not await Document.objects.filter(purged_at=None).aexists()
