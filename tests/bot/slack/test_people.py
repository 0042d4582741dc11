"""Who asks in Slack and who reads along: the table of who may read what, read from Slack."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from django.utils import timezone
from slack_sdk.web.async_client import AsyncWebClient

from backend.accounts.audience import Place, readable_keys
from backend.accounts.models import Channel, ChannelMember, Identity, Installation, Standing
from backend.accounts.people import forget_outsiders, installation_of, record_channel
from backend.accounts.roles import role_of
from backend.accounts.spaces import channel_key, personal_key, team_key
from bot.errors import Resting
from bot.slack import api, guests
from bot.slack.api import SlackApi
from bot.slack.people import People
from tests.simulators.slack import rates, state
from tests.simulators.slack.faults import Delay, Drop, Error, Fault, Hang, Status
from tests.simulators.slack.simulator import SlackSimulator

pytestmark = pytest.mark.django_db(transaction=True)

OTHER_TEAM = "T0000EXT0"
SWEEP = ("users.list", "users.conversations")


@dataclass
class World:
    """A Slack team, read by one process; `again()` is another process with the same database."""

    slack: SlackSimulator
    client: AsyncWebClient
    installation: Installation
    people: People

    def again(self) -> People:
        self.people = People(SlackApi(self.client), self.installation)
        return self.people

    async def place(
        self,
        who: state.User,
        where: state.Channel | None = None,
        *,
        private: bool = False,
        team: str | None = None,
    ) -> Place:
        return await self.people.place(
            user=who.id, team=team, channel=where.id if where else None, private=private
        )

    async def reads(
        self, who: state.User, where: state.Channel | None = None, *, private: bool = False
    ) -> set[str]:
        """What an answer may draw on: own, team, and the channels by name."""
        return await self.named(await self.place(who, where, private=private))

    async def named(self, place: Place) -> set[str]:
        at = self.installation
        names = {team_key(at.workspace): "team"}
        for channel in self.slack.world.channels.values():
            names[channel_key(at.platform, at.external_id, channel.id)] = channel.name
        if place.asker:
            names[personal_key(at.workspace, place.asker)] = "own"
        return {names[key] for key in await sync_to_async(readable_keys)(place)}

    async def told_everything(self) -> None:
        """What Slack sent so far reaches the bot."""
        for delivery in list(self.slack.deliveries):
            await self.people.told(delivery.event)
        self.slack.deliveries.clear()

    def user(self, name: str) -> state.User:
        return self.slack.world.user(name)

    def count(self, *methods: str) -> int:
        return sum(len(self.slack.calls_to(method)) for method in methods)

    async def age(self, **span: float) -> None:
        """As if all that was read were so much older."""

        def back() -> None:
            by = timedelta(**span)
            for identity in Identity.objects.all():
                Identity.objects.filter(pk=identity.pk).update(read_at=identity.read_at - by)
            for channel in Channel.objects.exclude(outsiders_read_at=None):
                at = channel.outsiders_read_at
                assert at is not None
                Channel.objects.filter(pk=channel.pk).update(outsiders_read_at=at - by)
            for member in ChannelMember.objects.all():
                ChannelMember.objects.filter(pk=member.pk).update(read_at=member.read_at - by)

        await sync_to_async(back)()

    async def channel(self, where: state.Channel) -> Channel:
        return await Channel.objects.aget(external_id=where.id)

    async def standing(self, who: state.User) -> str:
        return (await Identity.objects.aget(external_id=who.id)).standing


@pytest_asyncio.fixture
async def world(slack: SlackSimulator, client: AsyncWebClient) -> AsyncIterator[World]:
    installation = await sync_to_async(installation_of)("slack", slack.world.team_id)
    world = World(slack, client, installation, People(SlackApi(client), installation))
    yield world
    await world.people.close()


def asker(world: World, who: str) -> state.User:
    flags: dict[str, dict[str, Any]] = {
        "member": {},
        "guest": {"is_restricted": True},
        "external": {"team_id": OTHER_TEAM, "is_stranger": True},
        "removed": {"deleted": True},
    }
    return world.slack.add_user(who, **flags[who])


ASKERS = ("member", "guest", "external", "removed")
KINDS: tuple[state.Kind, ...] = ("public_channel", "private_channel", "mpim")
PRIVATE = {
    "member": {"own", "joined", "team"},
    "guest": {"own", "joined"},
    "external": {"own", "joined"},
    "removed": set[str](),
}


@pytest.mark.parametrize("who", ASKERS)
@pytest.mark.parametrize("where", ["direct message", "the same by its channel", "command"])
async def test_in_private_everyone_draws_on_what_is_theirs(
    world: World, where: str, who: str
) -> None:
    person = asker(world, who)
    world.slack.add_channel("joined", person, world.slack.app.user_id, kind="private_channel")
    world.slack.add_channel("other", "ana", world.slack.app.user_id)
    place = {
        "direct message": None,
        "the same by its channel": world.slack.dm_of(person),
        "command": world.slack.general,
    }[where]
    assert (
        await world.reads(person, place, private=where != "the same by its channel")
        == (PRIVATE[who])
    )


@pytest.mark.parametrize("who", ASKERS)
async def test_where_the_bot_is_not_a_member_all_but_the_askers_own_is_left_out(
    world: World, who: str
) -> None:
    person = asker(world, who)
    world.slack.add_channel("joined", person, world.slack.app.user_id)
    kinds: tuple[state.Kind, ...] = ("public_channel", "private_channel", "mpim", "im")
    for kind, private in product(kinds, (True, False)):
        elsewhere = world.slack.add_channel("elsewhere", person, "ana", kind=kind)
        place = await world.place(person, elsewhere, private=private)
        assert not place.bot_is_member
        assert await world.named(place) == (set() if who == "removed" else {"own"})


MEMBERS: dict[str, Callable[[World, state.Channel], object]] = {
    "team": lambda world, here: None,
    "guest": lambda world, here: here.members.append(
        world.slack.add_user("gil", is_restricted=True).id
    ),
    "guest of one channel": lambda world, here: here.members.append(
        world.slack.add_user("gil", is_ultra_restricted=True).id
    ),
    "shared": lambda world, here: setattr(here, "is_ext_shared", True),
}


@pytest.mark.parametrize("who", ASKERS)
@pytest.mark.parametrize("members", MEMBERS)
async def test_a_channel_draws_on_what_everyone_in_it_may_read(
    world: World, members: str, who: str
) -> None:
    person = asker(world, who)
    world.slack.add_channel("joined", person, world.slack.app.user_id)
    here = {
        (kind, lifted): world.slack.add_channel(
            "here", person, "ana", world.slack.app.user_id, kind=kind
        )
        for kind, lifted in product(KINDS, (True, False))
    }
    for (_, lifted), channel in here.items():
        MEMBERS[members](world, channel)
        await Channel.objects.acreate(
            installation=world.installation, external_id=channel.id, outsiders_allowed=lifted
        )
    for (_, lifted), channel in here.items():
        only_team = members == "team" and who == "member"
        expected = {"here", "team"} if only_team or lifted else {"here"}
        place = await world.place(person, channel)
        assert place.channel is not None and place.channel.external_id == channel.id
        assert await world.named(place) == (set() if who == "removed" else expected)


async def test_someone_of_another_team_is_external_whatever_slack_says_of_strangers(
    world: World,
) -> None:
    ana = world.user("ana")
    assert (await world.place(ana, world.slack.general)).identity is not None
    assert await world.standing(ana) == Standing.TEAM
    place = await world.place(ana, world.slack.general, team=OTHER_TEAM)
    assert await world.named(place) == {"general"}
    assert await world.standing(ana) == Standing.EXTERNAL
    eve = world.slack.add_user("eve", team_id=OTHER_TEAM, is_stranger=False)
    assert await world.reads(eve) == {"own"}


@pytest.mark.parametrize(
    ("said", "standing"),
    [
        ({}, Standing.TEAM),
        ({"is_restricted": True}, Standing.GUEST),
        ({"is_ultra_restricted": True, "is_restricted": True}, Standing.GUEST),
        ({"is_stranger": True}, Standing.EXTERNAL),
        ({"team_id": OTHER_TEAM}, Standing.EXTERNAL),
        ({"team_id": OTHER_TEAM, "is_restricted": True}, Standing.EXTERNAL),
        ({"team_id": None}, Standing.EXTERNAL),
        ({"is_bot": True}, Standing.UNKNOWN),
        ({"deleted": True, "is_bot": True}, Standing.REMOVED),
        ({"deleted": True, "team_id": OTHER_TEAM}, Standing.REMOVED),
    ],
)
def test_what_a_user_is_to_the_team(said: dict[str, Any], standing: str) -> None:
    assert guests.standing_of({"id": "U1", "team_id": "T1"} | said, "T1") == standing


async def test_a_person_of_the_same_team_by_the_event_is_of_the_team(world: World) -> None:
    ana = world.user("ana")
    for team in (world.slack.world.team_id, "", None):
        assert "team" in await world.named(await world.place(ana, None, private=True, team=team))


async def test_bots_and_unknown_people_read_the_smaller_set(world: World) -> None:
    bot = world.slack.add_user("hal", is_bot=True)
    assert await world.reads(bot) == {"own"}
    nobody = state.User("U404", "nobody")
    assert await world.reads(nobody) == {"own"}
    assert await world.standing(nobody) == Standing.UNKNOWN


async def test_membership_of_the_workspace_follows_slack(world: World) -> None:
    ben = world.user("ben")
    place = await world.place(ben)
    assert place.asker is not None
    assert await sync_to_async(role_of)(place.asker, world.installation.workspace) == "member"
    ben.is_restricted = True
    await world.age(minutes=3)
    await world.place(ben)
    assert await sync_to_async(role_of)(place.asker, world.installation.workspace) is None


# How often Slack is asked


async def test_two_hundred_questions_at_once_cause_one_reading_each(world: World) -> None:
    gil = world.slack.add_user("gil", is_restricted=True)
    hidden = world.slack.add_channel("hidden", gil, world.slack.app.user_id)
    rooms = [world.slack.add_channel(f"c{n}", "ana", world.slack.app.user_id) for n in range(4)]
    ana = world.user("ana")
    rooms += [hidden]
    places = await asyncio.gather(*[world.place(ana, rooms[n % 5]) for n in range(200)])
    assert world.count("users.list") == world.count("users.info") == 1
    assert world.count("users.conversations") == 1  # the guest's
    assert world.count("conversations.info") == 5
    sets = [await world.named(place) for place in places]
    assert sets[0] == {"c0", "team"} and sets[4] == {"hidden"}
    assert sets == sets[:5] * 40


async def test_two_hundred_private_questions_at_once_cause_one_reading_each(world: World) -> None:
    ana = world.user("ana")
    await asyncio.gather(*[world.place(ana) for _ in range(200)])
    assert [call.method for call in world.slack.calls] == ["users.info", "users.conversations"]


async def test_everyone_who_asks_at_once_is_read_once(world: World) -> None:
    people = [world.slack.add_user(f"p{n}") for n in range(50)]
    where = world.slack.general
    places = await asyncio.gather(*[world.place(person, where) for person in people * 4])
    assert world.count("users.list") == world.count("conversations.info") == 1
    assert world.count("users.info") <= 50
    assert len({place.asker for place in places}) == 50
    assert await world.named(places[-1]) == {"general", "team"}


async def test_what_was_read_lately_is_not_read_again(world: World) -> None:
    ana, general = world.user("ana"), world.slack.general
    await world.reads(ana, general)
    await world.reads(ana)
    before = len(world.slack.calls)
    await world.reads(ana, general)
    await world.reads(ana)
    assert len(world.slack.calls) == before
    # Another process trusts the rows, and asks only whether the bot is in the channel.
    world.again()
    assert await world.reads(ana, general) == {"general", "team"}
    assert await world.reads(ana) == {"own", "general", "random", "team"}
    assert [call.method for call in world.slack.calls[before:]] == ["conversations.info"]


async def test_what_is_older_than_two_minutes_is_read_again(world: World) -> None:
    ana, general = world.user("ana"), world.slack.general
    await world.reads(ana, general)
    await world.reads(ana)
    await world.age(minutes=2, seconds=1)
    gil = world.slack.add_user("gil", is_restricted=True)
    general.members.append(gil.id)
    world.slack.random.members.remove(ana.id)
    world.again()
    assert await world.reads(ana, general) == {"general"}
    assert await world.reads(ana) == {"own", "general", "team"}


async def test_guests_are_found_on_every_page(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "PAGE", 3)
    for number in range(7):
        world.slack.add_user(f"p{number}")
    gil = world.slack.add_user("gil", is_restricted=True)
    rooms = [world.slack.add_channel(f"c{n}", gil, world.slack.app.user_id) for n in range(8)]
    ana = world.user("ana")
    for room in rooms:
        room.members.append(ana.id)
    assert await world.reads(ana, rooms[7]) == {"c7"}
    assert await world.reads(ana, world.slack.general) == {"general", "team"}
    assert await world.reads(ana) == {"own", "team", "general", "random"} | {r.name for r in rooms}
    assert world.count("users.list") == 4


async def test_a_guest_who_left_slack_during_the_sweep_spoils_nothing(world: World) -> None:
    world.slack.add_user("gil", is_restricted=True)
    world.slack.faults.next("users.conversations", Error("user_not_found"))
    assert await world.reads(world.user("ana"), world.slack.general) == {"general", "team"}


async def test_no_user_is_made_from_an_address_that_slack_tells(world: World) -> None:
    world.slack.app.scopes.add("users:read.email")
    place = await world.place(world.user("ana"))
    assert place.asker is not None
    team, ana = world.slack.world.team_id.lower(), world.user("ana").id.lower()
    assert place.asker.email == f"{ana}@{team}.slack.invalid"


# Events


async def test_a_guest_who_joins_counts_at_once(world: World) -> None:
    ana, general = world.user("ana"), world.slack.general
    gil = world.slack.add_user("gil", is_restricted=True)
    place = await world.place(ana, general)
    assert await world.named(place) == {"general", "team"}
    world.slack.join(gil, general)
    await world.told_everything()
    # The very place of the question that is being answered.
    assert await world.named(place) == {"general"}
    assert await world.reads(ana, general) == {"general"}
    world.slack.leave(gil, general)
    await world.told_everything()
    assert (await world.channel(general)).has_outsiders is None
    assert await world.named(place) == {"general"}
    assert await world.reads(ana, general) == {"general", "team"}


@pytest.mark.parametrize("who", ["guest", "external"])
async def test_an_outsider_who_joins_counts_before_slack_was_asked(world: World, who: str) -> None:
    ana, general = world.user("ana"), world.slack.general
    place = await world.place(ana, general)
    person = asker(world, who)
    world.slack.deliveries.clear()
    world.slack.join(person, general)
    world.slack.faults.always("*", Delay(5))
    telling = asyncio.create_task(world.told_everything())
    for _ in range(200):
        if await world.named(place) == {"general"}:
            break
        await asyncio.sleep(0.005)
    assert (await world.channel(general)).has_outsiders is True
    if who == "external":  # whose team the event names
        await asyncio.wait_for(telling, 2)
    assert telling.done() is (who == "external")
    telling.cancel()


async def test_a_colleague_who_joins_changes_nothing_for_long(world: World) -> None:
    ana, general = world.user("ana"), world.slack.general
    await world.reads(ana, general)
    for name in ("kim", "lee"):
        person = world.slack.add_user(name)
        if name == "kim":  # as if team_join had been missed
            world.slack.deliveries.clear()
        world.slack.join(person, general)
        await world.told_everything()
        assert await world.reads(ana, general) == {"general", "team"}
    assert world.count("users.list") == 2  # lee was known from team_join


async def test_someone_of_whom_nothing_can_be_known_makes_a_channel_the_smaller_set(
    world: World,
) -> None:
    ana, general = world.user("ana"), world.slack.general
    await world.reads(ana, general)
    kim = world.slack.add_user("kim")
    world.slack.deliveries.clear()
    world.slack.faults.always("users.info", Error("internal_error"))
    world.slack.join(kim, general)
    await world.told_everything()
    assert await world.reads(ana, general) == {"general"}


async def test_the_bot_may_be_asked_as_soon_as_it_was_invited(world: World) -> None:
    ana, random = world.user("ana"), world.slack.random
    assert await world.reads(ana, random, private=True) == {"own"}
    world.slack.join(world.slack.app.user_id, random)
    await world.told_everything()
    assert "team" in await world.reads(ana, random, private=True)
    assert await world.reads(ana, random) == {"random", "team"}
    world.slack.leave(world.slack.app.user_id, random)
    await world.told_everything()
    assert await world.reads(ana, random) == {"own"}


async def test_a_bot_invited_unheard_is_a_member_when_it_is_asked_for_all_to_see(
    world: World,
) -> None:
    ana, random = world.user("ana"), world.slack.random
    assert not (await world.place(ana, random)).bot_is_member
    random.members.append(world.slack.app.user_id)
    assert await world.reads(ana, random) == {"random", "team"}


async def test_becoming_a_guest_makes_all_channels_unknown_until_they_are_read(
    world: World,
) -> None:
    ana, ben, general = world.user("ana"), world.user("ben"), world.slack.general
    place, private = await world.place(ana, general), await world.place(ben)
    assert "team" in await world.named(private)
    world.slack.change_user(ben, is_restricted=True)
    await world.told_everything()
    assert await world.named(place) == {"general"}
    assert "team" not in await world.named(private)
    assert await world.reads(ana, general) == {"general"}
    # A guest's new profile picture changes nothing.
    calls_before = len(world.slack.calls)
    world.slack.change_user(ben, name="benny")
    await world.told_everything()
    assert await world.reads(ana, general) == {"general"}
    assert len(world.slack.calls) == calls_before
    world.slack.change_user(ben, is_restricted=False)
    await world.told_everything()
    assert await world.reads(ana, general) == {"general", "team"}


async def test_a_removed_person_reads_nothing_at_once(world: World) -> None:
    ben = world.user("ben")
    private, here = await world.place(ben), await world.place(ben, world.slack.general)
    world.slack.change_user(ben, deleted=True)
    await world.told_everything()
    assert await world.standing(ben) == Standing.REMOVED
    assert await world.named(private) == await world.named(here) == set()
    assert await world.reads(ben) == set()


async def test_leaving_a_channel_takes_it_out_of_private_answers_at_once(world: World) -> None:
    ben = world.user("ben")
    private = await world.place(ben)
    assert await world.named(private) == {"own", "team", "general", "random"}
    world.slack.leave(ben, world.slack.general)
    await world.told_everything()
    assert await world.named(private) == {"own", "team", "random"}
    world.slack.join(ben, world.slack.general)
    await world.told_everything()
    assert await world.named(private) == {"own", "team", "general", "random"}


async def test_a_channel_that_is_shared_counts_at_once(world: World) -> None:
    ana, general = world.user("ana"), world.slack.general
    place = await world.place(ana, general)
    general.is_ext_shared = True
    about = {"channel": general.id, "connected_team_id": OTHER_TEAM}
    await world.people.told({"type": "channel_shared"} | about)
    assert await world.named(place) == await world.reads(ana, general) == {"general"}
    general.is_ext_shared = False
    await world.people.told({"type": "channel_unshared"} | about)
    assert await world.named(place) == {"general"}
    assert await world.reads(ana, general) == {"general", "team"}


async def test_a_channel_that_another_process_heard_change_is_read_anew(world: World) -> None:
    ana, general = world.user("ana"), world.slack.general
    await world.reads(ana, general)
    general.is_ext_shared = True
    now = timezone.now()
    await sync_to_async(record_channel)(world.installation, general.id, None, now)
    assert await world.reads(ana, general) == {"general"}
    assert (await world.channel(general)).has_outsiders is True


async def test_a_guest_whom_another_process_heard_of_is_found(world: World) -> None:
    ana, general = world.user("ana"), world.slack.general
    await world.reads(ana, general)
    world.user("ben").is_restricted = True
    await sync_to_async(forget_outsiders)(world.installation)
    assert await world.reads(ana, general) == {"general"}


async def test_a_guest_who_joins_during_a_sweep_is_not_forgotten_by_it(world: World) -> None:
    ana, general = world.user("ana"), world.slack.general
    gil = world.slack.add_user("gil", is_restricted=True)
    # The guest's channels are looked up before they join, and the answer comes after.
    world.slack.faults.next("users.conversations", Delay(0.3, after=True))
    asking = asyncio.create_task(world.place(ana, general))
    await world.slack.until(lambda: world.count("users.conversations"))
    await asyncio.sleep(0.1)
    world.slack.join(gil, general)
    await world.told_everything()
    assert await world.named(await asking) == {"general"}
    assert (await world.channel(general)).has_outsiders is True


async def test_someone_who_becomes_a_guest_during_a_sweep_is_found_by_the_next(
    world: World,
) -> None:
    ana, ben, general = world.user("ana"), world.user("ben"), world.slack.general
    world.slack.add_user("gil", is_restricted=True)
    # The list of users is read before, the sweep ends after.
    world.slack.faults.next("users.conversations", Delay(0.3))
    asking = asyncio.create_task(world.place(ana, general))
    await world.slack.until(lambda: world.count("users.conversations"))
    world.slack.change_user(ben, is_restricted=True)
    await world.told_everything()
    assert await world.named(await asking) == {"general"}
    assert await world.reads(ana, general) == {"general"}
    assert (await world.channel(general)).has_outsiders is True


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"type": "message", "channel": "C1", "user": "U1"},
        {"type": "channel_created", "channel": {"id": "C1"}},
        {"type": "member_joined_channel", "channel": None},
        {"type": "user_change", "user": None},
        {"type": "app_uninstalled"},
    ],
)
async def test_other_events_change_nothing(world: World, event: dict[str, object]) -> None:
    await world.people.told(event)
    assert not await Channel.objects.aexists()


# When Slack does not say


@pytest.mark.parametrize(
    "fault",
    [
        Error("internal_error"),
        Error("ratelimited"),
        Status(503),
        Status(429, retry_after=1),
        Drop(),
    ],
)
@pytest.mark.parametrize("method", ["users.info", "conversations.info", *SWEEP])
async def test_what_slack_does_not_say_counts_as_the_smaller_set(
    world: World, method: str, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guests, "SWEEP_WAIT", 0.2)
    world.slack.add_user("gil", is_restricted=True)
    ana, general = world.user("ana"), world.slack.general
    world.slack.faults.always(method, fault)
    expected = {
        # The list of all users says it as well, once it was read.
        "users.info": ({"general"}, {"own", "general", "random", "team"}),
        "conversations.info": ({"general"}, {"own", "general", "random", "team"}),
        "users.list": ({"general"}, {"own", "general", "random", "team"}),
        "users.conversations": ({"general"}, {"own", "team"}),
    }[method]
    assert await world.reads(ana, general) == expected[0]
    assert await world.reads(ana) == expected[1]
    if method == "conversations.info":
        assert world.count("users.list") == 0  # nothing to find for a channel of no known kind
        assert await world.reads(ana, general, private=True) == {"own"}
        assert await world.reads(ana, world.slack.dm_of(ana)) == {"own"}


@pytest.mark.parametrize("method", ["users.info", "conversations.info", *SWEEP])
async def test_not_to_be_let_in_is_not_to_know_less(world: World, method: str) -> None:
    world.slack.faults.always(method, Error("token_revoked"))
    private = method == "users.conversations"
    with pytest.raises(Resting, match="token_revoked"):
        await world.reads(world.user("ana"), world.slack.general, private=private)


async def test_a_slack_that_hangs_is_given_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "REQUEST_TIMEOUT", 0.1)
    world.slack.faults.always("*", Hang())
    people = [world.slack.add_user(f"p{n}") for n in range(50)]
    async with asyncio.timeout(5):
        places = await asyncio.gather(*[world.place(p, world.slack.general) for p in people])
    assert {frozenset(await world.named(place)) for place in places} == {frozenset({"general"})}
    assert world.count("users.info") == 1


async def test_what_was_known_counts_until_it_is_five_minutes_old(world: World) -> None:
    ana, general = world.user("ana"), world.slack.general
    await world.reads(ana, general)
    await world.reads(ana)
    world.slack.faults.always("*", Error("internal_error"))
    await world.age(minutes=4)
    world.again()
    assert await world.reads(ana, general) == {"general", "team"}
    assert await world.reads(ana) == {"own", "general", "random", "team"}
    await world.age(minutes=1, seconds=1)
    world.again()
    assert await world.reads(ana, general) == {"general"}
    assert await world.reads(ana) == {"own"}


@pytest.mark.parametrize(
    ("scope", "in_general", "in_private"),
    [
        ("users:read", {"general"}, {"own", "general", "random"}),
        ("channels:read", {"general"}, {"own", "team"}),
        ("groups:read", {"general"}, {"own", "team"}),
        ("mpim:read", {"general"}, {"own", "team"}),
    ],
)
async def test_a_missing_scope_is_named_once_and_leaves_the_smaller_set(
    world: World,
    caplog: pytest.LogCaptureFixture,
    scope: str,
    in_general: set[str],
    in_private: set[str],
) -> None:
    world.slack.add_user("gil", is_restricted=True)
    world.slack.app.scopes.discard(scope)
    ana, general = world.user("ana"), world.slack.general
    with caplog.at_level(logging.WARNING, "bot"):
        for _ in range(3):
            assert await world.reads(ana, general) == in_general
            assert await world.reads(ana) == in_private
    told = [record.getMessage() for record in caplog.records]
    assert told and all(f"add the bot scope {scope}" in line for line in told)
    assert len(set(told)) == len(told)


async def test_a_failed_sweep_is_not_tried_again_for_each_question(world: World) -> None:
    world.slack.faults.always("users.list", Error("internal_error"))
    for _ in range(5):
        assert await world.reads(world.user("ana"), world.slack.general) == {"general"}
    assert world.count("users.list") == 1


async def test_a_mended_slack_is_read_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guests, "REST", 0.05)
    ana, general = world.user("ana"), world.slack.general
    world.slack.app.scopes.discard("users:read")
    assert await world.reads(ana, general) == {"general"}
    world.slack.app.scopes.add("users:read")
    await asyncio.sleep(0.1)
    assert await world.reads(ana, general) == {"general", "team"}


async def test_no_call_comes_before_slack_wants_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for tier in (2, 3, 4):
        monkeypatch.setitem(rates.TIERS, tier, 10)
    monkeypatch.setattr(api, "PAGE", 5)
    world.slack.rates.on, world.slack.rates.window = True, 1.0
    for number in range(20):
        gil = world.slack.add_user(f"g{number}", is_restricted=True)
        world.slack.random.members.append(gil.id)
    people = [world.slack.add_user(f"p{n}") for n in range(40)]
    rooms = [world.slack.add_channel(f"c{n}", "ana", world.slack.app.user_id) for n in range(20)]
    asked = [world.place(person, world.slack.general) for person in people]
    asked += [world.place(person) for person in people]
    asked += [world.place(world.user("ana"), room) for room in rooms]
    assert len(await asyncio.gather(*asked)) == 100
    refused = {call.method for call in world.slack.calls if call.error == "ratelimited"}
    assert refused == {"users.info", "users.list", "users.conversations", "conversations.info"}
    assert world.slack.early_calls == []
    # The sweep went on after each wait.
    assert await world.reads(world.user("ana"), world.slack.general) == {"general", "team"}


async def test_nothing_goes_on_after_closing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guests, "SWEEP_WAIT", 0.05)
    world.slack.faults.always("users.list", Status(429, retry_after=1))
    assert await world.reads(world.user("ana"), world.slack.general) == {"general"}
    await world.people.close()
    await asyncio.sleep(1.2)
    assert world.count("users.list") == 1
