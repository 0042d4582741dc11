"""How people name spaces, and how spaces are named to people."""

import pytest

from backend.accounts.models import User
from backend.accounts.spaces import (
    channel_key,
    home,
    parse_space,
    personal_key,
    space_for,
    space_name,
    team_key,
)
from knowledge.models import Space
from tests.backend.people import organisation

pytestmark = pytest.mark.django_db


def ada() -> User:
    return User.objects.for_email("Ada@Example.org ")


@pytest.mark.parametrize("name", ["team", "personal:ada@example.org", "channel:slack/T1/C1"])
def test_a_name_leads_to_its_space_and_back(name: str) -> None:
    ada()
    space = parse_space(name)
    assert parse_space(name) == space
    assert space_name(space) == name


def test_an_address_is_the_same_in_any_case() -> None:
    own = space_for(personal_key(home(), ada()))
    assert parse_space("personal:ADA@example.ORG") == own


def test_a_channel_need_not_be_known_yet() -> None:
    assert parse_space("channel:discord/12/34").key == channel_key("discord", "12", "34")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "teams",
        "Team",
        "team:home",
        "personal:",
        "personal",
        "channel:slack/T1",
        "channel:slack/T1/",
        "channel:slack//C1",
        "channel:irc/T1/C1",
        "channel:slack/T1/C1/more",
    ],
)
def test_anything_else_names_no_space_and_makes_none(name: str) -> None:
    with pytest.raises(ValueError, match="names no space"):
        parse_space(name)
    assert not Space.objects.exists()


def test_an_unknown_person_has_no_space() -> None:
    with pytest.raises(User.DoesNotExist):
        parse_space("personal:nobody@example.org")


def test_spaces_of_another_workspace_do_not_pass_for_homes() -> None:
    elsewhere = organisation("elsewhere")
    assert space_name(space_for(team_key(elsewhere))) == "team:elsewhere"
    assert space_name(space_for(personal_key(elsewhere, ada()))) != "personal:ada@example.org"


def test_the_space_of_a_person_who_is_gone_can_still_be_listed() -> None:
    person = ada()
    space = space_for(personal_key(home(), person))
    person.delete()
    assert space_name(space) == space.key


def test_two_people_never_share_a_key() -> None:
    keys = {personal_key(home(), ada()), personal_key(organisation("elsewhere"), ada())}
    keys.add(personal_key(home(), User.objects.for_email("bob@example.org")))
    assert len(keys) == 3
