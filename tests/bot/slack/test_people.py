"""Who asks in Slack and who reads along: the table of who may read what, read from Slack."""

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from backend.accounts.models import Channel, Standing
from backend.accounts.roles import role_of
from bot.slack import guests
from tests.bot.slack.people import OTHER_TEAM, World, asker
from tests.simulators.slack import state

pytestmark = pytest.mark.django_db(transaction=True)


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
