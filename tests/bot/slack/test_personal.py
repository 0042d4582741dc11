"""`/link`, `/unlink`, `/mydata` and `/forget` in Slack, typed and read by people."""

import asyncio
import json

import pytest
from pytest_django import Settings

from backend.accounts.models import Identity, User
from backend.chat.models import Message
from bot import wording
from bot.models import InboxItem, ItemState
from tests.bot.slack.asking import QUESTION, ask, until_settled
from tests.bot.slack.running import answered, point_to, running, shown
from tests.bot.slack.test_delivery import heard_of, redeliver
from tests.bot.slack.test_slash_commands import told
from tests.simulators.faults import Answer
from tests.simulators.gemini import GeminiSimulator
from tests.simulators.slack.simulator import SlackSimulator

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("closing_clients", "offices"),
]


@pytest.fixture(autouse=True)
def pointed(slack: SlackSimulator, settings: Settings) -> None:
    point_to(slack, settings)
    slack.settings.ack_timeout = 3.0


async def user_of(slack: SlackSimulator, name: str) -> User:
    identity = await Identity.objects.select_related("user").aget(
        external_id=slack.world.user(name).id
    )
    return identity.user


async def test_two_identities_are_linked_and_part_again(slack: SlackSimulator) -> None:
    async with running(slack):
        code = (await told(slack, "/link")).split("`")[1]
        assert "from ana on Slack" in await told(slack, f"/link {code}", "ben")
        assert await told(slack, f"/link {code}", "ben") == wording.LINKED
        assert await user_of(slack, "ana") == await user_of(slack, "ben")
        assert "begin anew" in await told(slack, "/unlink", "ben")
        assert await user_of(slack, "ana") != await user_of(slack, "ben")
        assert "wrong" in await told(slack, "/link <!here>", "ben")
    assert [ping for ping in slack.pings if ping.by_app] == []


async def test_who_parted_again_is_answered_in_a_conversation_of_their_own(
    slack: SlackSimulator,
) -> None:
    async with running(slack):
        code = (await told(slack, "/link")).split("`")[1]
        await told(slack, f"/link {code}", "ben")
        assert await told(slack, f"/link {code}", "ben") == wording.LINKED
        first = slack.dm("ben", QUESTION)
        await answered(slack, first)
        await told(slack, "/unlink", "ben")
        for thread in (None, first):
            asked = slack.dm("ben", QUESTION, thread=thread)
            assert "[1]" in shown(await answered(slack, asked))


async def test_a_name_that_shouts_pings_nobody(slack: SlackSimulator) -> None:
    slack.add_user("<!channel> *eve*")
    async with running(slack):
        code = (await told(slack, "/link", "<!channel> *eve*")).split("`")[1]
        assert "<!channel>" not in await told(slack, f"/link {code}")
    assert [ping for ping in slack.pings if ping.by_app] == []


async def test_mydata_comes_as_a_file_to_the_person_alone(slack: SlackSimulator) -> None:
    async with running(slack):
        await answered(slack, ask(slack))
        assert await told(slack, "/mydata") == wording.MY_DATA_SENT
    (message,) = slack.dm_of("ana").messages.values()
    assert message.text == wording.MY_DATA
    content = json.loads(message.files[0].data)
    assert content["conversations"][0]["messages"][0]["text"] == QUESTION
    assert content["me"]["identities"][0]["id"] == slack.world.user("ana").id
    others = [m for c in slack.world.channels.values() for m in c.messages.values() if m.files]
    assert others == [message]


async def test_without_the_scope_it_is_said_what_is_missing(slack: SlackSimulator) -> None:
    slack.app.scopes.remove("files:write")
    async with running(slack):
        said = await told(slack, "/mydata")
    assert said == wording.MY_DATA_NOT_SENT.format(reason="missing_scope")


async def test_who_is_forgotten_is_not_answered_again(slack: SlackSimulator) -> None:
    async with running(slack):
        asked = ask(slack)
        await answered(slack, asked)
        assert await told(slack, "/forget") == wording.FORGOTTEN
        assert not await Identity.objects.filter(external_id=slack.world.user("ana").id).aexists()
        assert not await Message.objects.aexists()
        for delivery in heard_of(slack, "message") + heard_of(slack, "app_mention"):
            redeliver(slack, delivery)
        await answered(slack, ask(slack, who="ben"))
    assert len(slack.answers(asked)) == 1
    items = InboxItem.objects.filter(message=asked.ts)
    assert [item.state async for item in items] == [ItemState.VOID]


async def test_an_answer_under_way_is_stopped_and_taken_away(
    slack: SlackSimulator, gemini: GeminiSimulator
) -> None:
    gemini.faults.always(Answer(delay=0.3), on="chat")
    async with running(slack):
        asked = ask(slack)
        await slack.until(lambda: bool(slack.answers(asked)), timeout=10)
        assert await told(slack, "/forget") == wording.FORGOTTEN
        await asyncio.wait_for(until_settled(), 10)
    assert slack.answers(asked) == []
    assert not await Message.objects.aexists()
