"""People come, leave, and become guests: the answer follows what Slack tells of it."""

import asyncio

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from backend.accounts.models import Channel, Standing
from backend.accounts.people import forget_outsiders, record_channel
from tests.bot.slack.people import OTHER_TEAM, World, asker
from tests.simulators.slack.faults import Delay, Error

pytestmark = pytest.mark.django_db(transaction=True)


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
