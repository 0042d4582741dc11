"""Who brought a version, and what becomes of that."""

import json

import pytest

from backend.accounts import linking
from backend.accounts.audience import Place
from backend.accounts.models import Role, User
from backend.accounts.people import installation_of, record_person
from backend.accounts.spaces import home, space_for, team_key
from backend.chat.export import export_of
from backend.chat.forgetting import forget
from backend.chat.joining import enter_code
from backend.ingesting import finish
from backend.library.bringing import bring
from backend.library.models import Contribution
from backend.library.promoting import ask_for_promotion
from knowledge.errors import FileRefused
from knowledge.ingestion import add_document
from knowledge.models import Document, DocumentVersion, Space
from tests.backend.people import channel, installed, join, known, organisation, space_of, user

pytestmark = pytest.mark.django_db

TEXT = b"The ferry to Berlenga leaves at ten."


def brought_by(version: DocumentVersion) -> User | None:
    return Contribution.objects.get(version=version).user


def test_each_version_is_of_whoever_brought_it(team: Space, member: User, admin: User) -> None:
    first = bring(team, "ferry.txt", TEXT, member)
    second = bring(team, "ferry.txt", TEXT + b" Or eleven.", admin)
    assert (first.outcome, second.outcome) == ("ingested", "replaced")
    assert first.version.document == second.version.document
    assert (brought_by(first.version), brought_by(second.version)) == (member, admin)


def test_the_same_bytes_stay_with_whoever_brought_them_first(
    team: Space, member: User, admin: User
) -> None:
    first = bring(team, "ferry.txt", TEXT, member)
    again = bring(team, "again.txt", TEXT, admin)
    assert (again.outcome, again.version) == ("unchanged", first.version)
    assert brought_by(first.version) == member


def test_what_the_terminal_added_is_nobodys(team: Space, member: User) -> None:
    version = add_document(team, "ferry.txt", TEXT).version
    assert bring(team, "ferry.txt", TEXT, member).outcome == "unchanged"
    assert not Contribution.objects.filter(version=version).exists()


def test_of_a_refused_file_nothing_is_kept(team: Space, member: User) -> None:
    with pytest.raises(FileRefused):
        bring(team, "x.pdf", b"garbage", member)
    assert not Document.objects.exists() and not Contribution.objects.exists()


def test_joined_with_another_one_has_still_brought_it(team: Space) -> None:
    ana = record_person(installation_of("slack", "T1"), "U1", "team")
    paula = user(role=Role.MEMBER)
    version = bring(team, "ferry.txt", TEXT, ana.user).version
    code = linking.new_code(Place(home(), identity=ana), "ana")
    for _ in range(2):
        enter_code(Place(home(), user=paula), code)
    assert not User.objects.filter(pk=ana.user_id).exists()
    assert brought_by(version) == paula


def test_a_request_is_of_the_joined_person_too(team: Space) -> None:
    ana = record_person(installation_of("slack", "T1"), "U1", "team")
    paula = user(role=Role.MEMBER)
    version = finish(bring(space_of(ana.user), "ferry.txt", TEXT, ana.user).version)
    request = ask_for_promotion(version.document, Place(home(), identity=ana))
    code = linking.new_code(Place(home(), identity=ana), "ana")
    for _ in range(2):
        enter_code(Place(home(), user=paula), code)
    request.refresh_from_db()
    assert request.asked_by == paula
    assert request.document.space == space_of(paula)


@pytest.mark.django_db(transaction=True)
def test_who_is_forgotten_leaves_what_they_brought_for_others_without_a_name(
    team: Space, member: User, admin: User
) -> None:
    version = bring(team, "ferry.txt", TEXT, member).version
    mine = finish(bring(space_of(member), "mine.txt", b"A secret.", member).version)
    ask_for_promotion(mine.document, Place(home(), user=member))
    forget(Place(home(), user=member))
    assert Document.objects.kept().get() == version.document
    assert brought_by(version) is None
    assert Contribution.objects.count() == 1
    assert not version.document.promotion_requests.model.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_forgotten_in_one_organisation_one_stays_in_another(team: Space, member: User) -> None:
    elsewhere = organisation("elsewhere")
    at = installed()
    here = channel(at)
    there = space_for(team_key(elsewhere))
    member.memberships.create(workspace=elsewhere)
    join(here, known(at, of=member))
    forgotten = [
        bring(space, "ferry.txt", TEXT, member).version for space in (team, space_of(here))
    ]
    kept = bring(there, "ferry.txt", TEXT, member).version
    forget(Place(home(), user=member))
    assert [brought_by(version) for version in forgotten] == [None, None]
    assert brought_by(kept) == member


def test_ones_data_name_what_one_brought_where_one_may_still_read(
    team: Space, member: User
) -> None:
    at = installed()
    inside, outside = channel(at), channel(at)
    join(inside, known(at, of=member))
    for space, name in ((team, "a"), (space_of(inside), "b"), (space_of(outside), "c")):
        bring(space, f"{name}.txt", TEXT, member)
    bring(team, "other.txt", b"Others.", user(role=Role.MEMBER))
    content = json.loads(export_of(Place(home(), user=member)).data)
    listed = [(row["document"], row["version"], row["space"]) for row in content["brought"]]
    assert listed == [("a.txt", 1, team.key), ("b.txt", 1, space_of(inside).key)]
