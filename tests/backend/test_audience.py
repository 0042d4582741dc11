"""The table of who may read what: every place, every kind of asker."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from backend.accounts import audience
from backend.accounts.audience import Place, readable_keys, readable_spaces
from backend.accounts.models import (
    Channel,
    ChannelMember,
    Identity,
    Membership,
    Platform,
    Role,
    Standing,
    User,
)
from backend.accounts.spaces import home
from knowledge.models import Space
from tests.backend.people import (
    ago,
    channel,
    installed,
    join,
    known,
    organisation,
    space_of,
    user,
)

pytestmark = pytest.mark.django_db

STALE = timedelta(minutes=5, seconds=1)
# name: what is known of the channel's members
CHANNELS: dict[str, dict[str, Any]] = {
    "team only": {"outsiders": False},
    "with guests": {"outsiders": True},
    "guests unknown": {"outsiders": None},
    "team only, read long ago": {"outsiders": False, "stale": True},
    "never read": {"outsiders": False, "unread": True},
    "guests lifted": {"outsiders": True, "allowed": True},
    "guests lifted, unknown": {"outsiders": None, "allowed": True},
    "guests lifted, read long ago": {"outsiders": False, "stale": True, "allowed": True},
}
# Of the team, as was read too long ago to count.
NOT_READ_LATELY = "team, read long ago"
ASKERS = [*Standing.values, "inactive", NOT_READ_LATELY]
NOTHING: set[str] = set()
PRIVATE = {
    "team": {"own", "joined", "team"},
    "guest": {"own", "joined"},
    "external": {"own", "joined"},
    "unknown": {"own", "joined"},
    NOT_READ_LATELY: {"own", "joined"},
    "removed": NOTHING,
    "inactive": NOTHING,
}
# On the page there is no identity: membership decides, and the channels that identities are in.
ON_THE_PAGE = PRIVATE | {"removed": {"own"}, NOT_READ_LATELY: PRIVATE["team"]}
# What someone of the team draws on there, and what everyone else does.
IN_A_CHANNEL: dict[str, tuple[set[str], set[str]]] = {
    "team only": ({"here", "team"}, {"here"}),
    "with guests": ({"here"}, {"here"}),
    "guests unknown": ({"here"}, {"here"}),
    "team only, read long ago": ({"here"}, {"here"}),
    "never read": ({"here"}, {"here"}),
    "guests lifted": ({"here", "team"}, {"here", "team"}),
    "guests lifted, unknown": ({"here", "team"}, {"here", "team"}),
    "guests lifted, read long ago": ({"here", "team"}, {"here", "team"}),
}


def in_a_channel(where: str, who: str) -> set[str]:
    of_the_team, others = IN_A_CHANNEL[where]
    if who in ("removed", "inactive"):
        return NOTHING
    return of_the_team if who == "team" else others


@dataclass
class World:
    """One asker among spaces of every kind, in their own workspace and in another."""

    asker: Identity
    here: Channel
    spaces: dict[str, Space]

    @property
    def user(self) -> User:
        return self.asker.user

    def names(self, place: Place) -> set[str]:
        """The spaces of this place by what they are to the asker."""
        names = {space.pk: name for name, space in self.spaces.items()}
        return {names[space.pk] for space in readable_spaces(place)}


def world(who: str = "team", **facts: Any) -> World:
    at, elsewhere = installed(), installed(organisation("elsewhere"))
    asker = known(at, who if who in Standing.values else Standing.TEAM)
    if who == NOT_READ_LATELY:
        Identity.objects.filter(pk=asker.pk).update(read_at=timezone.now() - STALE)
    read = timezone.now() - STALE if facts.pop("stale", False) else None
    unread = facts.pop("unread", False)
    here = channel(at, read=read, **facts)
    if unread:
        Channel.objects.filter(pk=here.pk).update(outsiders_read_at=None)
    joined, other, far = channel(at), channel(at), channel(elsewhere)
    colleague, stranger = known(at), known(elsewhere)
    for place, people in ((here, (asker, colleague)), (joined, (asker,)), (far, (stranger,))):
        for person in people:
            join(place, person)
    if who == "inactive":
        User.objects.filter(pk=asker.user.pk).update(is_active=False)
    return World(
        asker,
        here,
        {
            "team": space_of(home()),
            "own": space_of(asker.user),
            "here": space_of(here),
            "joined": space_of(joined),
            "another channel": space_of(other),
            "a colleague's own": space_of(colleague.user),
            "own elsewhere": space_of(asker.user, elsewhere.workspace),
            "team elsewhere": space_of(elsewhere.workspace),
            "channel elsewhere": space_of(far),
        },
    )


@pytest.mark.parametrize("who", ASKERS)
def test_a_direct_message_draws_on_what_its_asker_may_read(who: str) -> None:
    they = world(who)
    expected = PRIVATE[who] | ({"here"} if PRIVATE[who] else set())
    assert they.names(Place(home(), identity=they.asker)) == expected


@pytest.mark.parametrize("who", ASKERS)
def test_the_page_draws_on_what_its_user_may_read(who: str) -> None:
    they = world(who)
    expected = ON_THE_PAGE[who] | ({"here"} if "joined" in ON_THE_PAGE[who] else set())
    assert they.names(Place(home(), user=they.user)) == expected


@pytest.mark.parametrize("who", ASKERS)
@pytest.mark.parametrize("where", CHANNELS)
def test_a_channel_draws_on_what_everyone_in_it_may_read(where: str, who: str) -> None:
    they = world(who, **CHANNELS[where])
    place = Place(home(), identity=they.asker, channel=they.here)
    assert they.names(place) == in_a_channel(where, who)


@pytest.mark.parametrize("who", ASKERS)
@pytest.mark.parametrize("where", [None, *CHANNELS])
def test_where_the_bot_is_no_member_the_askers_own_space_alone_is_drawn_on(
    where: str | None, who: str
) -> None:
    they = world(who, **CHANNELS[where] if where else {})
    here = they.here if where else None
    own = NOTHING if who in ("removed", "inactive") else {"own"}
    place = Place(home(), identity=they.asker, channel=here, bot_is_member=False)
    assert they.names(place) == own
    assert they.names(Place(home(), channel=here, bot_is_member=False)) == NOTHING


@pytest.mark.parametrize("where", CHANNELS)
def test_a_channel_without_an_asker_draws_on_what_its_members_may_read(where: str) -> None:
    they = world(**CHANNELS[where])
    place = Place(home(), channel=they.here)
    assert they.names(place) == in_a_channel(where, "team")


@pytest.mark.parametrize("who", ASKERS)
@pytest.mark.parametrize("where", CHANNELS)
def test_nothing_personal_ever_surfaces_in_a_channel(where: str, who: str) -> None:
    they = world(who, **CHANNELS[where])
    for place in (
        Place(home(), they.user, channel=they.here),
        Place(home(), they.user, they.asker, they.here),
        Place(home(), identity=they.asker, channel=they.here),
        Place(home(), channel=they.here),
    ):
        assert not {key for key in readable_keys(place) if key.startswith("personal:")}


def test_the_terminal_without_a_user_draws_on_homes_team_space_only() -> None:
    assert world().names(Place(home())) == {"team"}


def test_a_user_who_is_no_member_makes_a_channel_the_smaller_set() -> None:
    they = world("guest", outsiders=False)
    assert they.names(Place(home(), they.user, channel=they.here)) == {"here"}


def test_a_guest_known_from_their_question_counts_before_the_channel_was_read_again() -> None:
    they = world("team", outsiders=False)
    place = Place(home(), identity=they.asker, channel=they.here)
    assert they.names(place) == {"here", "team"}
    Identity.objects.filter(pk=they.asker.pk).update(standing=Standing.GUEST)
    assert they.names(place) == {"here"}


@pytest.mark.parametrize(
    ("change", "left"),
    [
        (lambda t: Channel.objects.update(has_outsiders=True), {"here"}),
        (lambda t: Channel.objects.update(has_outsiders=None), {"here"}),
        (lambda t: Channel.objects.update(outsiders_read_at=timezone.now() - STALE), {"here"}),
        (lambda t: Identity.objects.update(standing=Standing.REMOVED), NOTHING),
        (lambda t: Identity.objects.all().delete(), NOTHING),
        (lambda t: User.objects.update(is_active=False), NOTHING),
        (lambda t: Channel.objects.all().delete(), NOTHING),
    ],
)
def test_what_changed_since_the_place_was_made_counts(
    change: Callable[[World], object], left: set[str]
) -> None:
    they = world("team", outsiders=False)
    place = Place(home(), identity=they.asker, channel=they.here)
    assert they.names(place) == {"here", "team"}
    change(they)
    assert they.names(place) == left


def test_a_reading_counts_for_five_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    they = world("team", outsiders=False, stale=True)
    place = Place(home(), identity=they.asker, channel=they.here)
    assert they.names(place) == {"here"}
    assert timedelta(minutes=5) == audience.KNOWN_FOR
    Channel.objects.filter(pk=they.here.pk).update(outsiders_read_at=ago(minutes=4, seconds=50))
    assert they.names(place) == {"here", "team"}


def test_the_standing_of_the_asker_counts_for_five_minutes() -> None:
    they = world("team", outsiders=False)
    private, here = (
        Place(home(), identity=they.asker),
        Place(home(), identity=they.asker, channel=they.here),
    )
    for age, of_the_team in ((timedelta(minutes=4, seconds=50), True), (STALE, False)):
        Identity.objects.update(read_at=timezone.now() - age)
        assert ("team" in they.names(private)) is of_the_team
        assert ("team" in they.names(here)) is of_the_team


def test_a_channel_whose_membership_was_read_long_ago_is_not_searched_in_private() -> None:
    they = world()
    private = Place(home(), identity=they.asker)
    assert "joined" in they.names(private)
    ChannelMember.objects.update(read_at=timezone.now() - STALE)
    assert they.names(private) == {"own", "team"}
    assert they.names(Place(home(), user=they.user)) == {"own", "team"}


def test_leaving_a_channel_takes_it_out_of_private_answers() -> None:
    they = world()
    ChannelMember.objects.filter(identity=they.asker, channel=they.here).delete()
    assert they.names(Place(home(), identity=they.asker)) == {"own", "joined", "team"}


def test_linked_identities_of_one_person_share_their_channels_in_a_workspace() -> None:
    slack, discord = installed(), installed(platform=Platform.DISCORD)
    person = known(slack)
    alias = known(discord, Standing.GUEST, of=person.user)
    ours = channel(discord)
    join(ours, alias)
    assert space_of(ours) in readable_spaces(Place(home(), identity=person))
    # On Discord they are a guest, so an answer that they get there leaves the team's out.
    space_of(home())
    assert readable_spaces(Place(home(), identity=alias)) == [space_of(ours)]


def test_nothing_crosses_workspaces_with_a_person_who_is_in_both() -> None:
    elsewhere = organisation("elsewhere")
    person = user(role=Role.ADMIN)
    Membership.objects.create(user=person, workspace=elsewhere, role=Role.ADMIN)
    there = known(installed(elsewhere), of=person)
    far, near = channel(there.installation), channel(installed())
    join(far, there)
    join(near, known(near.installation, of=person))
    at_home = {space_of(home()), space_of(person), space_of(near)}
    abroad = {space_of(elsewhere), space_of(person, elsewhere), space_of(far)}
    assert set(readable_spaces(Place(home(), user=person))) == at_home
    assert set(readable_spaces(Place(elsewhere, user=person))) == abroad
    assert set(readable_spaces(Place(elsewhere, identity=there))) == abroad


def test_an_identity_or_a_channel_of_another_workspace_reads_nothing() -> None:
    elsewhere = installed(organisation("elsewhere"))
    stranger, far = known(elsewhere), channel(elsewhere)
    space_of(home()), space_of(far), space_of(stranger.user), space_of(elsewhere.workspace)
    for place in (
        Place(home(), identity=stranger),
        Place(home(), channel=far),
        Place(home(), user=user(role=Role.ADMIN), channel=far),
        Place(home(), identity=known(installed()), channel=far),
        Place(elsewhere.workspace, identity=known(installed())),
    ):
        assert readable_keys(place) == set()


def test_a_membership_row_that_joins_two_workspaces_is_not_believed() -> None:
    near, far = known(installed()), channel(installed(organisation("elsewhere")))
    join(far, near)
    assert space_of(far) not in readable_spaces(Place(home(), identity=near))


def test_channels_of_the_same_id_in_two_installations_are_two_spaces() -> None:
    first, second = channel(installed()), channel(installed())
    Channel.objects.filter(pk__in=(first.pk, second.pk)).update(external_id="C1")
    first.refresh_from_db()
    second.refresh_from_db()
    assert space_of(first) != space_of(second)
    assert readable_spaces(Place(home(), channel=first)) == [space_of(first)]


def test_a_space_that_nobody_filled_yet_has_no_row() -> None:
    person = user(role=Role.MEMBER)
    assert readable_spaces(Place(home(), user=person)) == []
    assert not Space.objects.exists()
