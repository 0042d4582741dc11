"""What Slack does not say counts as the smaller set."""

import asyncio
import logging

import pytest

from bot.errors import Resting
from bot.slack import api, guests
from tests.bot.slack.people import SWEEP, World
from tests.simulators.slack import rates
from tests.simulators.slack.faults import Drop, Error, Fault, Hang, Status

pytestmark = pytest.mark.django_db(transaction=True)


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
