"""What a platform tells of people and channels, as it is written down."""

import threading
from collections.abc import Callable
from functools import partial

import pytest
from django.db import connection
from django.utils import timezone

from backend.accounts.audience import Place, readable_keys
from backend.accounts.models import (
    Channel,
    ChannelMember,
    Identity,
    Installation,
    Membership,
    Role,
    Standing,
    User,
)
from backend.accounts.people import (
    NEVER,
    channel_of,
    forget_outsiders,
    installation_of,
    joined_read_at,
    known_person,
    record_came,
    record_channel,
    record_joined,
    record_left,
    record_outsiders,
    record_person,
)
from backend.accounts.roles import role_of, set_role
from backend.accounts.spaces import home, team_key
from tests.backend.people import ago, channel, installed, join, known, organisation

pytestmark = pytest.mark.django_db

NOT_TEAM = sorted(set(Standing.values) - {Standing.TEAM})


def roles(person: Identity) -> list[str]:
    return list(Membership.objects.filter(user=person.user).values_list("role", flat=True))


def at_once(*writes: Callable[[], object]) -> None:
    """Each in a thread and with a connection of its own."""
    ready, errors = threading.Barrier(len(writes)), []

    def run(write: Callable[[], object]) -> None:
        try:
            ready.wait()
            write()
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(write,)) for write in writes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors


def test_an_installation_is_made_once_and_belongs_to_home() -> None:
    made = installation_of("slack", "T1")
    assert made.workspace == home()
    assert installation_of("slack", "T1") == made
    assert installation_of("discord", "T1") != made


def test_an_installation_of_another_workspace_stays_there() -> None:
    theirs = installed(organisation("elsewhere"))
    assert installation_of("slack", theirs.external_id).workspace.slug == "elsewhere"


def test_a_person_gets_a_user_of_their_own_whom_no_mail_reaches() -> None:
    one = record_person(installation_of("slack", "T1"), "U123", Standing.TEAM)
    other = record_person(installation_of("slack", "T2"), "U123", Standing.TEAM)
    assert one.user.email == "u123@t1.slack.invalid"
    assert other.user != one.user
    assert known_person(one.installation, "U123") == one
    assert known_person(one.installation, "U124") is None


def test_someone_of_the_team_becomes_a_member_and_keeps_the_role_that_they_have() -> None:
    person = record_person(installed(), "U1", Standing.TEAM)
    assert roles(person) == [Role.MEMBER]
    set_role(person.user, home(), Role.ADMIN)
    record_person(person.installation, "U1", Standing.TEAM)
    assert roles(person) == [Role.ADMIN]


@pytest.mark.parametrize("standing", NOT_TEAM)
def test_whoever_is_not_of_the_team_any_more_is_no_member(standing: str) -> None:
    person = record_person(installed(), "U1", Standing.TEAM)
    set_role(person.user, home(), Role.ADMIN)
    assert record_person(person.installation, "U1", standing).standing == standing
    assert roles(person) == []
    assert role_of(person.user, home()) is None
    assert team_key(home()) not in readable_keys(Place(home(), user=person.user))


@pytest.mark.parametrize("standing", NOT_TEAM)
def test_another_identity_of_the_team_keeps_the_membership(standing: str) -> None:
    person = record_person(installed(), "U1", Standing.TEAM)
    other = known(installed(), of=person.user)
    record_person(person.installation, "U1", standing)
    assert roles(person) == [Role.MEMBER]
    record_person(other.installation, other.external_id, standing)
    assert roles(person) == []


def test_a_team_elsewhere_keeps_no_membership_here() -> None:
    person = record_person(installed(), "U1", Standing.TEAM)
    elsewhere = installed(organisation("elsewhere"))
    abroad = known(elsewhere, of=person.user)
    record_person(elsewhere, abroad.external_id, Standing.TEAM)
    record_person(person.installation, "U1", Standing.GUEST)
    assert role_of(person.user, home()) is None
    assert role_of(person.user, elsewhere.workspace) == Role.MEMBER


def test_an_earlier_reading_never_replaces_a_later_one() -> None:
    at = installed()
    record_person(at, "U1", Standing.GUEST, ago(seconds=1))
    person = record_person(at, "U1", Standing.TEAM, ago(seconds=2))
    assert (person.standing, roles(person)) == (Standing.GUEST, [])


def test_what_could_not_be_read_takes_nothing_away() -> None:
    at = installed()
    stranger = record_person(at, "U1", Standing.UNKNOWN, NEVER)
    assert (stranger.standing, stranger.read_at) == (Standing.UNKNOWN, NEVER)
    record_person(at, "U1", Standing.TEAM)
    person = record_person(at, "U1", Standing.UNKNOWN, NEVER)
    assert (person.standing, roles(person)) == (Standing.TEAM, [Role.MEMBER])


@pytest.mark.django_db(transaction=True)
def test_one_person_recorded_by_many_at_once_is_one() -> None:
    at = installed()
    at_once(*[lambda: record_person(at, "U1", Standing.TEAM) for _ in range(8)])
    person = Identity.objects.get()
    assert User.objects.count() == 1
    assert roles(person) == [Role.MEMBER]


@pytest.mark.django_db(transaction=True)
def test_membership_follows_the_latest_reading_however_the_writes_fall() -> None:
    at = installed()
    for who in ("U1", "U2", "U3", "U4", "U5"):
        at_once(
            partial(record_person, at, who, Standing.TEAM, ago(seconds=1)),
            partial(record_person, at, who, Standing.GUEST, timezone.now()),
        )
        person = Identity.objects.get(external_id=who)
        assert (person.standing, roles(person)) == (Standing.GUEST, [])


def test_a_channel_is_made_with_nothing_known() -> None:
    made = channel_of(installed(), "C1")
    assert (made.has_outsiders, made.outsiders_read_at) == (None, None)
    assert channel_of(made.installation, "C1") == made


@pytest.mark.parametrize("later", [True, False, None])
@pytest.mark.parametrize("earlier", [True, False, None])
def test_what_was_read_later_of_a_channel_stays(earlier: bool | None, later: bool | None) -> None:
    at, when = installed(), timezone.now()
    record_channel(at, "C1", later, when)
    stale = record_channel(at, "C1", earlier, ago(seconds=1))
    assert (stale.has_outsiders, stale.outsiders_read_at) == (later, when)
    assert record_channel(at, "C1", earlier, timezone.now()).has_outsiders == earlier


def test_an_admins_word_on_guests_stays_when_a_channel_is_read() -> None:
    lifted = channel(installed(), allowed=True)
    record_channel(lifted.installation, lifted.external_id, True, timezone.now())
    lifted.refresh_from_db()
    assert lifted.outsiders_allowed


def test_found_outsiders_count_for_the_channels_of_their_installation() -> None:
    at = installed()
    here, other, newer = channel(at, read=ago(minutes=1)), channel(at), channel(at)
    far = Channel.objects.create(installation=installed(), external_id=here.external_id)
    record_channel(at, newer.external_id, False, timezone.now())
    record_outsiders(at, ago(seconds=30), {here.external_id, newer.external_id, "C404"})
    found = set(Channel.objects.filter(has_outsiders=True).values_list("pk", flat=True))
    assert found == {here.pk}
    assert far.pk not in found and other.pk not in found


def test_forgetting_makes_every_channel_of_the_installation_unknown_at_once() -> None:
    at, elsewhere = installed(), channel(installed())
    here, before = channel(at), timezone.now()
    forget_outsiders(at)
    here.refresh_from_db()
    elsewhere.refresh_from_db()
    assert (here.has_outsiders, elsewhere.has_outsiders) == (None, False)
    # A reading that began before does not undo it.
    assert record_channel(at, here.external_id, False, before).has_outsiders is None


def joined(person: Identity) -> set[str]:
    rows = ChannelMember.objects.filter(identity=person)
    return set(rows.values_list("channel__external_id", flat=True))


@pytest.fixture
def at(db: None) -> Installation:
    return installed()


def test_the_channels_of_a_person_are_replaced_as_a_whole(at: Installation) -> None:
    person, colleague = known(at), known(at)
    here = channel(at)
    join(here, person, ago(minutes=1))
    join(here, colleague, ago(minutes=1))
    when = timezone.now()
    record_joined(person, {"CNEW", "COLD"}, ago(seconds=10))
    record_joined(person, {"CNEW", here.external_id}, when)
    assert joined(person) == {"CNEW", here.external_id}
    assert joined_read_at(person) == when
    assert joined(colleague) == {here.external_id}
    record_joined(person, set(), timezone.now())
    assert (joined(person), joined_read_at(person)) == (set(), None)


def test_channels_read_earlier_do_not_replace_what_was_read_later(at: Installation) -> None:
    person = known(at)
    record_joined(person, {"C1"}, timezone.now())
    record_joined(person, {"C2"}, ago(seconds=1))
    assert joined(person) == {"C1"}


def test_coming_and_leaving_count_at_once(at: Installation) -> None:
    person, colleague = known(at), known(at)
    for who in (person, colleague):
        record_joined(who, {"C1"}, ago(minutes=1))
    record_came(at, person.external_id, "C2", timezone.now())
    assert joined(person) == {"C1", "C2"}
    # The others are as old as they were.
    read_at = joined_read_at(person)
    assert read_at is not None and read_at < ago(seconds=50)
    record_left(at, person.external_id, "C1")
    assert joined(person) == {"C2"}
    assert joined(colleague) == {"C1"}


def test_coming_is_no_reading_of_all_channels(at: Installation) -> None:
    person = known(at)
    record_came(at, person.external_id, "C1", timezone.now())
    record_came(at, "U404", "C1", timezone.now())
    assert joined_read_at(person) is None
