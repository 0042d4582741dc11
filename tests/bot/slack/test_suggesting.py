"""Questions that are suggested to who opens the direct message with the bot."""

import pytest
from asgiref.sync import sync_to_async
from pytest_django import Settings

from backend.accounts.models import User
from backend.accounts.spaces import channel_key, home, personal_key, space_for
from bot import wording
from bot.slack.suggesting import WHAT_CAN_YOU_DO
from tests.bot.slack.asking import QUESTION
from tests.bot.slack.running import answered, point_to, running, shown
from tests.conftest import AddText
from tests.simulators.slack.faults import Drop, Error, Fault, Status
from tests.simulators.slack.simulator import SlackSimulator
from tests.simulators.slack.state import JSON

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("closing_clients")]
METHOD = "assistant.threads.setSuggestedPrompts"
HELP = {"title": wording.WHAT_CAN_YOU_DO, "message": WHAT_CAN_YOU_DO}


@pytest.fixture(autouse=True)
def pointed(slack: SlackSimulator, settings: Settings) -> None:
    point_to(slack, settings)


async def suggested(slack: SlackSimulator, who: str) -> list[JSON]:
    """What somebody is shown who opens the direct message."""
    slack.prompts.pop(slack.dm_of(who).id, None)
    slack.open_app(who)
    await slack.until(lambda: slack.dm_of(who).id in slack.prompts, timeout=10)
    found = slack.prompts[slack.dm_of(who).id]
    assert found["title"] == wording.ASK_ME
    return list(found["prompts"])


def about(name: str) -> str:
    return f"## {name.title()} hours\n\nThe {name} opens at nine and closes at five.\n"


async def test_questions_are_of_documents_that_this_person_may_read(
    slack: SlackSimulator, add_text: AddText
) -> None:
    add = sync_to_async(add_text)
    await add(about("bakery"), "bakery.md")
    slack.add_user("gil", is_restricted=True)
    slack.join("gil", "random")
    slack.random.members.append(slack.app.user_id)
    async with running(slack):
        for who in ("ana", "ben", "gil"):
            await suggested(slack, who)
        ana = await User.objects.aget(identities__external_id=slack.world.user("ana").id)
        own = await sync_to_async(lambda: space_for(personal_key(home(), ana)))()
        channel = channel_key("slack", slack.world.team_id, slack.random.id)
        await add(about("winery"), "winery.md", own)
        await add(about("library"), "library.md", await sync_to_async(space_for)(channel))
        seen = {who: str(await suggested(slack, who)) for who in ("ana", "ben", "gil")}
    found = {
        who: {name for name in ("bakery", "winery", "library") if name in prompts.lower()}
        for who, prompts in seen.items()
    }
    assert found == {
        "ana": {"bakery", "winery", "library"},
        "ben": {"bakery", "library"},
        "gil": {"library"},
    }


async def test_there_are_at_most_three_questions_and_the_help(
    slack: SlackSimulator, add_text: AddText
) -> None:
    for name in ("bakery", "winery", "library", "brewery", "pottery"):
        await sync_to_async(add_text)(about(name), f"{name}.md")
    async with running(slack):
        prompts = await suggested(slack, "ana")
        assert len(prompts) == 4 and prompts[-1] == HELP
        answer = await answered(slack, slack.dm("ana", prompts[0]["message"]))
        assert "opens at nine" in shown(answer)
        answer = await answered(slack, slack.dm("ana", prompts[-1]["message"]))
        assert "/ask QUESTION" in shown(answer)
    [call, *_] = slack.calls_to(METHOD)
    assert "thread_ts" not in call.args


async def test_where_there_is_nothing_to_ask_the_help_is_offered(slack: SlackSimulator) -> None:
    async with running(slack):
        assert await suggested(slack, "ana") == [HELP]


async def test_another_tab_shows_nothing(slack: SlackSimulator) -> None:
    async with running(slack):
        home_tab = slack.open_app("ben", tab="home")
        await slack.until(lambda: home_tab.outcome == "acked")
        await suggested(slack, "ana")
    assert list(slack.prompts) == [slack.dm_of("ana").id]


@pytest.mark.usefixtures("offices")
@pytest.mark.parametrize("fault", [Status(429, retry_after=30), Status(503), Drop(), Error("oh")])
async def test_a_refusal_does_no_harm(
    slack: SlackSimulator, caplog: pytest.LogCaptureFixture, fault: Fault
) -> None:
    slack.faults.always(METHOD, fault)
    async with running(slack):
        opened = slack.open_app("ana")
        await slack.until(lambda: slack.calls_to(METHOD), timeout=10)
        assert "opens at nine" in shown(await answered(slack, slack.dm("ana", QUESTION)))
    assert opened.outcome == "acked" and len(slack.calls_to(METHOD)) == 1
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


@pytest.mark.usefixtures("offices")
async def test_a_missing_scope_does_no_harm(
    slack: SlackSimulator, caplog: pytest.LogCaptureFixture
) -> None:
    slack.app.scopes.remove("assistant:write")
    async with running(slack):
        slack.open_app("ana")
        await slack.until(lambda: "assistant:write" in caplog.text, timeout=10)
        assert "opens at nine" in shown(await answered(slack, slack.dm("ana", QUESTION)))
