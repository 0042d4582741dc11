"""The buttons below the card of a file: who may click them, and what they do."""

import pytest
from asgiref.sync import sync_to_async
from pytest_django import Settings

from backend.accounts.models import Identity, Role
from backend.accounts.roles import set_role
from bot import wording
from bot.models import InboxItem, Kind
from tests.bot.slack.asking import QUESTION, until_settled
from tests.bot.slack.running import point_to, running, shown
from tests.bot.slack.sharing import HOURS, NINE, card, knows, says
from tests.bot.slack.test_clicks import forge
from tests.bot.working import working
from tests.conftest import AddText
from tests.simulators.slack.simulator import SlackSimulator
from tests.simulators.slack.state import Channel, Message

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("closing_clients"),
]


@pytest.fixture(autouse=True)
def pointed(slack: SlackSimulator, settings: Settings) -> None:
    point_to(slack, settings)
    slack.settings.ack_timeout = 3.0


@pytest.fixture
def secret(slack: SlackSimulator) -> Channel:
    """A private channel of ana's, ben's and the app's."""
    return slack.add_channel("secret", "ana", "ben", slack.app.user_id, kind="private_channel")


async def known(slack: SlackSimulator, who: str, role: Role = Role.MEMBER) -> None:
    """The bot knows them, and they have this role."""
    await says(slack, slack.dm(who, "hello"))
    identities = Identity.objects.select_related("user", "installation__workspace")
    identity = await identities.aget(external_id=slack.world.user(who).id)
    await sync_to_async(set_role)(identity.user, identity.installation.workspace, role)


async def told_alone(slack: SlackSimulator, where: Message, count: int = 1) -> list[str]:
    """What was said to one person alone, in the channel of a message."""
    channel = slack.world.channels[where.channel]
    await slack.until(lambda: len(channel.ephemeral) == count, timeout=10)
    return [shown(message) for message in channel.ephemeral]


async def request_in(slack: SlackSimulator, who: str) -> Message:
    """The message that asks this curator."""

    def found() -> Message | None:
        said = slack.dm_of(who).messages.values()
        return next((m for m in said if "asks to make hours.txt" in shown(m)), None)

    message = await slack.until(found, timeout=10)
    assert message is not None
    return message


async def test_a_file_in_a_private_channel_is_known_there_promoted_everywhere_removed_nowhere(
    slack: SlackSimulator, secret: Channel
) -> None:
    slack.add_user("eve")
    slack.join("eve", "general")
    async with running(slack), working():
        await known(slack, "ana", Role.CURATOR)
        there = await card(slack, slack.upload("ben", secret, "hours.txt", HOURS, "@askwell"))

        async def known_in() -> list[bool]:
            direct = [NINE in await says(slack, slack.dm(w, QUESTION)) for w in ("ben", "eve")]
            channels = [await knows(slack, "ben", where) for where in (secret, "general")]
            return [*direct, *channels]

        assert await known_in() == [True, False, True, False]
        slack.click("ana", there, "promote")
        await slack.until(lambda: "the whole team" in shown(there), timeout=10)
        assert await known_in() == [True, True, True, True]
        slack.click("ana", there, "remove")
        await slack.until(lambda: "is removed" in shown(there), timeout=10)
        assert await known_in() == [False, False, False, False]


async def test_a_member_asks_and_a_curator_approves(slack: SlackSimulator, secret: Channel) -> None:
    async with running(slack), working():
        await known(slack, "ana", Role.CURATOR)
        there = await card(slack, slack.upload("ben", secret, "hours.txt", HOURS, "@askwell"))
        slack.click("ben", there, "promote")
        await slack.until(lambda: wording.PROMOTION_ASKED in shown(there), timeout=10)
        assert wording.PROMOTE not in shown(there)
        request = await request_in(slack, "ana")
        # The name of a private channel is not for everybody of the team.
        assert "ben asks to make hours.txt, shared in a channel on Slack," in shown(request)
        assert f"[{wording.APPROVE} = approve]" in shown(request)
        slack.click("ana", request, "approve")
        await slack.until(lambda: "Approved" in shown(request), timeout=10)
        await slack.until(lambda: "the whole team" in shown(there), timeout=10)
        assert wording.APPROVE not in shown(request).replace("Approved", "")
        await until_settled()
    assert await InboxItem.objects.filter(kind=Kind.REQUEST).acount() == 1


async def test_every_curator_is_asked_and_one_decides(slack: SlackSimulator) -> None:
    slack.add_user("cat")
    async with running(slack), working():
        await known(slack, "ana", Role.CURATOR)
        await known(slack, "cat", Role.ADMIN)
        there = await card(slack, slack.upload("ben", "general", "hours.txt", HOURS, "@askwell"))
        slack.click("ben", there, "promote")
        requests = [await request_in(slack, "ana"), await request_in(slack, "cat")]
        for request in requests:
            assert "ben asks to make hours.txt, shared in #general on Slack," in shown(request)
        slack.click("cat", requests[1], "decline")
        for request in requests:
            await slack.until(lambda r=request: "Declined" in shown(r), timeout=10)  # type: ignore[misc]
        await slack.until(lambda: wording.PROMOTION_DECLINED in shown(there), timeout=10)
        assert wording.PROMOTE in shown(there)


async def test_what_would_replace_a_document_of_the_teams_is_asked_first(
    slack: SlackSimulator, add_text: AddText
) -> None:
    await sync_to_async(add_text)("The office in Lisbon is closed.", "hours.txt")
    async with running(slack), working():
        await known(slack, "ana", Role.CURATOR)
        there = await card(slack, slack.upload("ben", "general", "hours.txt", HOURS, "@askwell"))
        slack.click("ana", there, "promote")
        assert await told_alone(slack, there) == [wording.PROMOTION_CONFIRM]
        request = await request_in(slack, "ana")
        assert wording.REQUEST_REPLACES in shown(request)
        assert "this channel" in shown(there)
        slack.click("ana", request, "approve")
        await slack.until(lambda: "the whole team" in shown(there), timeout=10)
        assert "version 2, replaces version 1" in shown(there)


async def test_whoever_asks_is_named_and_not_pinged(slack: SlackSimulator) -> None:
    ben = slack.world.user("ben")
    async with running(slack), working():
        await known(slack, "ana", Role.CURATOR)
        there = await card(slack, slack.upload(ben, "general", "hours.txt", HOURS, "@askwell"))
        ben.name = f"@here <!channel> <@{slack.world.user('ana').id}>"
        slack.click(ben, there, "promote")
        request = await request_in(slack, "ana")
        assert "!channel" in shown(request)
        await until_settled()
    assert [ping.who for ping in slack.pings if ping.by_app] == []


async def test_only_who_brought_a_file_and_curators_remove_it(slack: SlackSimulator) -> None:
    slack.add_user("cat")
    slack.join("cat", "general")
    async with running(slack), working():
        there = await card(slack, slack.upload("ben", "general", "hours.txt", HOURS, "@askwell"))
        slack.click("cat", there, "remove")
        assert await told_alone(slack, there) == [wording.NOT_YOURS_TO_REMOVE]
        assert await knows(slack, "cat", "general")
        slack.click("ben", there, "remove")
        await slack.until(lambda: "is removed" in shown(there), timeout=10)
        assert not await knows(slack, "cat", "general")
        await until_settled()
    assert shown(there) == "hours.txt is removed, with its text and the answers that used it."


async def test_removing_below_the_card_of_a_replaced_version_leaves_the_later_one(
    slack: SlackSimulator,
) -> None:
    async with running(slack), working():
        await known(slack, "ana", Role.ADMIN)
        old = await card(
            slack, slack.upload("ben", "general", "hours.txt", b"Closed on Mondays.", "@askwell")
        )
        new = await card(slack, slack.upload("ben", "general", "hours.txt", HOURS, "@askwell"))
        await slack.until(lambda: "replaced by version 2" in shown(old), timeout=10)
        slack.click("ana", old, "remove")
        await slack.until(lambda: "version 1 is removed" in shown(old), timeout=10)
        assert await knows(slack, "ben", "general")
        assert "searchable by" in shown(new)


async def test_forged_clicks_do_nothing(slack: SlackSimulator, secret: Channel) -> None:
    async with running(slack), working():
        await known(slack, "ana", Role.ADMIN)
        there = await card(slack, slack.upload("ben", secret, "hours.txt", HOURS, "@askwell"))
        elsewhere = slack.say("ana", "random", "hello")
        item = await InboxItem.objects.aget(kind=Kind.FILE)
        other = await InboxItem.objects.filter(kind=Kind.QUESTION).afirst()
        assert other is not None
        tried = [
            (elsewhere, action, value)
            for action in ("promote", "remove", "approve", "decline")
            for value in (str(item.pk), "0", "", "x", str(other.pk))
        ]
        tried += [(there, action, str(item.pk)) for action in ("approve", "decline", "share")]
        clicks = [forge(slack, "ana", *click) for click in tried]
        await slack.until(lambda: all(click.outcome == "acked" for click in clicks), timeout=10)
        assert await knows(slack, "ben", secret)
        await until_settled()
    assert "searchable by: this channel" in shown(there)


async def test_buttons_work_after_a_restart(slack: SlackSimulator) -> None:
    async with running(slack), working():
        there = await card(slack, slack.upload("ben", "general", "hours.txt", HOURS, "@askwell"))
        await until_settled()
    async with running(slack):
        slack.click("ben", there, "remove")
        await slack.until(lambda: "is removed" in shown(there), timeout=10)


async def test_a_changed_file_says_what_it_replaces_and_the_old_card_by_what(
    slack: SlackSimulator,
) -> None:
    async with running(slack), working():
        first = await card(slack, slack.upload("ben", "general", "hours.txt", HOURS, "@askwell"))
        later = HOURS.replace(b"nine", b"ten")
        second = await card(slack, slack.upload("ben", "general", "hours.txt", later, "@askwell"))
        await slack.until(lambda: "replaced by version 2" in shown(first), timeout=10)
        assert "hours.txt: version 2, replaces version 1; 1 passage" in shown(second)
        assert not await knows(slack, "ben", "general")
        await until_settled()
