"""`claim`: which chat communities belong to the workspace."""

import pytest
from django.core.management import CommandError
from django.utils import timezone

from backend.accounts.audience import Place, readable_keys
from backend.accounts.claiming import claimed
from backend.accounts.models import Installation, Role, Standing
from backend.accounts.people import record_channel, record_person
from backend.accounts.roles import role_of
from backend.accounts.spaces import home, personal_key
from tests.backend.people import organisation
from tests.management.commands import failure, run

pytestmark = pytest.mark.django_db
GUILD = "112233445566778899"


def test_a_server_belongs_to_nobody_until_it_is_claimed() -> None:
    assert claimed("discord", GUILD) is None
    assert run("claim", "discord", GUILD) == (
        f"discord/{GUILD} belongs to home; every member counts as team.\n"
    )
    found = claimed("discord", GUILD)
    assert found is not None
    assert (found.workspace, found.team_role) == (home(), "")
    assert claimed("slack", GUILD) is None


def test_claiming_again_changes_the_role() -> None:
    run("claim", "discord", GUILD)
    assert "the role Staff" in run("claim", "discord", GUILD, "--team-role", "Staff")
    assert Installation.objects.get().team_role == "Staff"
    run("claim", "discord", GUILD)
    assert Installation.objects.get().team_role == ""


def test_a_new_team_role_counts_from_the_next_question_on() -> None:
    run("claim", "discord", GUILD)
    server = Installation.objects.get()
    person = record_person(server, "7", Standing.TEAM)
    channel = record_channel(server, "8", False, timezone.now())
    run("claim", "discord", GUILD)
    channel.refresh_from_db()
    assert channel.has_outsiders is False
    run("claim", "discord", GUILD, "--team-role", "Staff")
    channel.refresh_from_db()
    person.refresh_from_db()
    assert channel.has_outsiders is None
    assert readable_keys(Place(home(), identity=person)) == {personal_key(home(), person.user)}
    again = record_person(server, "7", Standing.GUEST)
    assert again.standing == Standing.GUEST


def test_a_server_of_another_workspace_stays_there() -> None:
    theirs = organisation("elsewhere")
    Installation.objects.create(platform="discord", external_id=GUILD, workspace=theirs)
    assert "belongs to elsewhere" in run("claim", "discord", GUILD)


@pytest.mark.parametrize(
    ("platform", "server"),
    [("irc", "1"), ("discord", "my-server"), ("slack", "T/1"), ("slack", "")],
)
def test_what_can_be_no_server_is_refused(platform: str, server: str) -> None:
    with pytest.raises(CommandError):
        run("claim", platform, server)
    assert not Installation.objects.exists()


def test_a_role_is_given_to_who_is_in_several_servers_and_team_in_one() -> None:
    servers = ("1", "2")
    for server in servers:
        run("claim", "discord", server)
    one, two = (Installation.objects.get(external_id=server) for server in servers)
    here = record_person(one, "7", Standing.TEAM)
    there = record_person(two, "7", Standing.GUEST)
    run("role", "discord/7", "curator")
    assert role_of(here.user, home()) == Role.CURATOR
    assert role_of(there.user, home()) is None
    record_person(one, "7", Standing.GUEST)
    assert "not one of the team" in failure("role", "discord/7", "admin")
