"""People and guests are read from Slack once for all who ask, and not again for a while."""

import asyncio

import pytest

from bot.slack import api
from tests.bot.slack.people import World
from tests.simulators.slack.faults import Error

pytestmark = pytest.mark.django_db(transaction=True)


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
