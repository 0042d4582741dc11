"""What member, curator and admin may change."""

import pytest

from backend.accounts.audience import Place
from backend.accounts.models import Membership, Role, User, Workspace
from backend.accounts.roles import changeable_keys, role_of, set_role
from backend.accounts.spaces import home
from knowledge.models import Space
from tests.backend.people import ago, channel, installed, join, known, organisation, space_of, user

pytestmark = pytest.mark.django_db


def may_change(user: User, workspace: Workspace, space: Space) -> bool:
    return space.key in changeable_keys(Place(workspace, user=user))


@pytest.mark.parametrize(
    ("role", "team"),
    [(None, False), (Role.MEMBER, False), (Role.CURATOR, True), (Role.ADMIN, True)],
)
def test_curators_and_admins_change_the_teams_documents(role: str | None, team: bool) -> None:
    who = user(role=role)
    assert role_of(who, home()) == role
    assert may_change(who, home(), space_of(home())) is team
    assert may_change(who, home(), space_of(who)) is True


@pytest.mark.parametrize("role", [None, *Role.values])
def test_nobody_changes_anothers_own_documents(role: str | None) -> None:
    assert not may_change(user(role=role), home(), space_of(user(role=Role.MEMBER)))


@pytest.mark.parametrize(
    ("role", "may"), [(Role.MEMBER, False), (Role.CURATOR, True), (Role.ADMIN, True)]
)
def test_a_curator_changes_a_channel_that_they_are_in(role: str, may: bool) -> None:
    at = installed()
    inside, outside, stale = channel(at), channel(at), channel(at)
    who = known(at, of=user(role=role))
    join(inside, who)
    join(stale, who, ago(minutes=6))
    assert may_change(who.user, home(), space_of(inside)) is may
    assert not may_change(who.user, home(), space_of(outside))
    assert not may_change(who.user, home(), space_of(stale))


def test_a_role_counts_in_its_workspace_only() -> None:
    elsewhere = organisation("elsewhere")
    who = user(workspace=elsewhere, role=Role.ADMIN)
    assert role_of(who, home()) is None
    assert not may_change(who, home(), space_of(home()))
    assert not may_change(who, home(), space_of(elsewhere))
    assert not may_change(who, elsewhere, space_of(home()))
    assert not may_change(who, home(), space_of(who, elsewhere))
    assert may_change(who, elsewhere, space_of(elsewhere))


def test_whoever_may_no_longer_sign_in_has_no_role() -> None:
    who = user(role=Role.ADMIN)
    User.objects.filter(pk=who.pk).update(is_active=False)
    assert role_of(who, home()) is None
    assert not may_change(who, home(), space_of(home()))


def test_setting_a_role_twice_keeps_one_row_with_the_latest() -> None:
    who = user()
    set_role(who, home(), Role.ADMIN)
    set_role(who, home(), Role.CURATOR)
    assert list(Membership.objects.values_list("user", "role")) == [(who.pk, Role.CURATOR)]


def test_a_role_that_does_not_exist_is_refused() -> None:
    who = user()
    with pytest.raises(ValueError, match="owner"):
        set_role(who, home(), "owner")
    assert role_of(who, home()) is None
