"""`/knowledge`: what members, curators and admins do with commands, on any platform."""

from datetime import timedelta

import pytest
from django.utils import timezone

from backend.accounts.audience import Place, readable_keys
from backend.accounts.models import Channel, Identity, Installation, Role, Standing, User
from backend.accounts.people import installation_of, record_channel, record_joined, record_person
from backend.accounts.roles import role_of, set_role
from backend.accounts.spaces import channel_key, home, personal_key, space_for, team_key
from backend.ingesting import finish
from backend.jobs.models import Slot, SlotState
from backend.jobs.registry import JOBS
from backend.jobs.wording import NO_SCHEDULER
from backend.library.promoting import Asker, ask_for_promotion
from bot import wording
from bot.commands import LISTED, Command, knowledge
from knowledge.ingestion import add_document
from knowledge.models import Document
from tests.conftest import AddText

pytestmark = pytest.mark.django_db


@pytest.fixture
def slack() -> Installation:
    return installation_of("slack", "T1")


@pytest.fixture
def ana(slack: Installation) -> Identity:
    """An admin."""
    return person(slack, "U1", role=Role.ADMIN)


@pytest.fixture
def ben(slack: Installation) -> Identity:
    return person(slack, "U2")


@pytest.fixture
def gil(slack: Installation) -> Identity:
    """A guest."""
    return person(slack, "U3", Standing.GUEST)


@pytest.fixture
def general(slack: Installation, ana: Identity, ben: Identity) -> Channel:
    """A channel of the team alone."""
    for one in (ana, ben):
        record_joined(one, ["C1"], one.read_at)
    return record_channel(slack, "C1", False, ana.read_at)


def person(
    slack: Installation, name: str, standing: Standing = Standing.TEAM, role: Role | None = None
) -> Identity:
    identity = record_person(slack, name, standing)
    if role:
        set_role(identity.user, home(), role)
    return identity


def said(who: Identity, text: str, channel: Channel | None = None, whom: str | None = None) -> str:
    place = Place(home(), identity=who, bot_is_member=True)
    return knowledge(Command(text, place, channel, whom))


def add_everywhere(add_text: AddText, who: Identity, channel: Channel) -> None:
    """A document in each space."""
    add_text("Everybody may read this.", "team.txt")
    add_text("The channel may read this.", "channel.txt", space_for(key_of(channel)))
    own = space_for(personal_key(home(), who.user))
    add_text("One person may read this.", "own.txt", own)


def key_of(channel: Channel) -> str:
    return channel_key("slack", "T1", channel.external_id)


def names(listed: str) -> set[str]:
    return {line.removeprefix("• ") for line in listed.splitlines() if line.startswith("• ")}


def kept() -> set[str]:
    return {document.name for document in Document.objects.kept()}


# list


def test_a_list_shows_what_a_file_is_called_as_it_is(add_text: AddText, ana: Identity) -> None:
    document = add_text("Words.", "hr.txt").document
    # As it was kept before such signs were taken out.
    Document.objects.filter(pk=document.pk).update(name="**hr\u202efdp**.txt")
    assert names(said(ana, "list")) == {"`**hrfdp**.txt`"}


def test_a_list_in_private_names_what_the_asker_may_read(
    add_text: AddText, ana: Identity, ben: Identity, general: Channel
) -> None:
    add_everywhere(add_text, ben, general)
    assert names(said(ben, "list")) == {"team.txt", "channel.txt", "own.txt"}
    assert names(said(ana, "LIST ")) == {"team.txt", "channel.txt"}


def test_a_list_in_a_channel_names_what_everyone_there_may_read(
    add_text: AddText, ben: Identity, general: Channel, slack: Installation
) -> None:
    add_everywhere(add_text, ben, general)
    assert names(said(ben, "list", general)) == {"team.txt", "channel.txt"}
    mixed = record_channel(slack, "C1", True, timezone.now())
    assert names(said(ben, "list", mixed)) == {"channel.txt"}


def test_a_guest_is_named_nothing_of_the_teams(
    add_text: AddText, gil: Identity, ben: Identity, general: Channel
) -> None:
    add_everywhere(add_text, ben, general)
    assert said(gil, "list") == wording.NO_DOCUMENTS
    assert names(said(gil, "list", general)) == {"channel.txt"}


def test_where_the_bot_is_no_member_there_is_only_what_is_the_askers_own(
    add_text: AddText, ben: Identity, general: Channel
) -> None:
    add_everywhere(add_text, ben, general)
    place = Place(home(), identity=ben, bot_is_member=False)
    assert names(knowledge(Command("list", place))) == {"own.txt"}
    set_role(ben.user, home(), Role.ADMIN)
    refused = wording.NO_SUCH_DOCUMENT.format(name="team.txt")
    assert knowledge(Command("remove team.txt", place)) == refused


def test_a_long_list_says_how_many_there_are_more(add_text: AddText, ben: Identity) -> None:
    for number in range(LISTED + 2):
        add_text(f"Document {number} says {number}.", f"{number:02}.txt")
    listed = said(ben, "list")
    assert len(names(listed)) == LISTED
    assert listed.endswith(wording.MORE_DOCUMENTS.format(count=2))


# remove


@pytest.mark.parametrize("role", [Role.CURATOR, Role.ADMIN])
def test_curators_and_admins_remove_what_is_the_teams(
    add_text: AddText, ben: Identity, general: Channel, role: Role
) -> None:
    add_everywhere(add_text, ben, general)
    set_role(ben.user, home(), role)
    assert said(ben, "remove team.txt", general) == wording.REMOVED.format(name="team.txt")
    assert kept() == {"channel.txt", "own.txt"}


def test_a_member_removes_what_is_their_own_alone(
    add_text: AddText, ben: Identity, general: Channel
) -> None:
    add_everywhere(add_text, ben, general)
    for name in ("team.txt", "channel.txt"):
        assert said(ben, f"remove {name}") == wording.NO_SUCH_DOCUMENT.format(name=name)
    assert said(ben, "remove own.txt") == wording.REMOVED.format(name="own.txt")
    assert kept() == {"team.txt", "channel.txt"}


def test_nobody_removes_what_is_anothers_or_of_a_channel_that_they_are_not_in(
    add_text: AddText, slack: Installation, ben: Identity, general: Channel, gil: Identity
) -> None:
    add_everywhere(add_text, ben, general)
    stranger = person(slack, "U9", role=Role.ADMIN)
    for who, name in [(stranger, "own.txt"), (stranger, "channel.txt"), (gil, "team.txt")]:
        assert said(who, f"remove {name}") == wording.NO_SUCH_DOCUMENT.format(name=name)
    assert kept() == {"team.txt", "channel.txt", "own.txt"}


def test_a_name_that_fits_several_documents_or_none_removes_nothing(
    add_text: AddText, ana: Identity, general: Channel
) -> None:
    add_text("Once.", "same.txt")
    add_text("Twice.", "same.txt", space_for(key_of(general)))
    assert said(ana, "remove same.txt") == wording.SEVERAL_DOCUMENTS.format(name="same.txt")
    assert said(ana, "remove other.txt") == wording.NO_SUCH_DOCUMENT.format(name="other.txt")
    assert said(ana, "remove ") == wording.REMOVE_WHAT
    assert Document.objects.kept().count() == 2


SHOWN_OTHERWISE = [
    ("name with  two spaces.txt", "name with two spaces.txt"),
    ("a`b`c.txt", "a'b'c.txt"),
    ("a`b`c.txt", "`a'b'c.txt`"),
    ("**bold**.txt", "`**bold**.txt`"),
    (f"{'n' * 150}-end.txt", f"{'n' * 90}…n-end.txt"),
]


@pytest.mark.parametrize(("name", "typed"), SHOWN_OTHERWISE)
def test_a_document_is_removed_by_the_name_that_the_list_shows(
    add_text: AddText, ana: Identity, name: str, typed: str
) -> None:
    add_text("Words.", name)
    add_text("Other words.", "other.txt")
    [listed] = names(said(ana, "list")) - {"other.txt"}
    assert listed.strip("`") == typed.strip("`")
    assert said(ana, f"remove {typed}") == wording.REMOVED.format(name=typed)
    assert kept() == {"other.txt"}


def test_a_name_as_it_is_goes_before_one_that_is_shown_so(add_text: AddText, ana: Identity) -> None:
    for name in ("a b.txt", "a  b.txt"):
        add_text(f"Words of {name!r}.", name)
    assert said(ana, "remove a b.txt") == wording.REMOVED.format(name="a b.txt")
    assert kept() == {"a  b.txt"}


def test_a_long_name_that_is_another_documents_removes_nothing(
    add_text: AddText, ana: Identity
) -> None:
    kept_name, typed = (f"{'n' * 95}{year}{'n' * 20}.txt" for year in (2024, 2025))
    add_text("Words.", kept_name)
    assert said(ana, f"remove {typed}") == wording.NO_SUCH_DOCUMENT.format(name=typed)
    assert kept() == {kept_name}


def test_of_several_documents_that_are_shown_alike_none_is_removed(
    add_text: AddText, ana: Identity, ben: Identity
) -> None:
    for name in ("a  b.txt", "a   b.txt"):
        add_text(f"Words of {name!r}.", name)
    assert said(ana, "remove a b.txt") == wording.SEVERAL_DOCUMENTS.format(name="a b.txt")
    assert said(ben, "remove a b.txt") == wording.NO_SUCH_DOCUMENT.format(name="a b.txt")
    assert kept() == {"a  b.txt", "a   b.txt"}


# role


@pytest.mark.parametrize("role", Role.values)
def test_an_admin_gives_a_role(ana: Identity, ben: Identity, role: str) -> None:
    told = said(ana, f"role @U2 {role.upper()}", whom="U2")
    assert told == wording.ROLE_SET.format(role=role)
    assert role_of(ben.user, home()) == role


@pytest.mark.parametrize("role", [Role.MEMBER, Role.CURATOR])
def test_the_last_admin_stays_one(ana: Identity, ben: Identity, role: Role) -> None:
    assert said(ana, f"role @U1 {role}", whom="U1") == wording.LAST_ADMIN
    assert role_of(ana.user, home()) == Role.ADMIN
    set_role(ben.user, home(), Role.ADMIN)
    User.objects.filter(pk=ben.user_id).update(is_active=False)  # they can do nothing
    assert said(ana, f"role @U1 {role}", whom="U1") == wording.LAST_ADMIN
    User.objects.filter(pk=ben.user_id).update(is_active=True)
    assert said(ana, f"role @U1 {role}", whom="U1") == wording.ROLE_SET.format(role=role)
    assert role_of(ana.user, home()) == role


@pytest.mark.parametrize("role", [None, Role.CURATOR])
def test_nobody_else_gives_one(
    slack: Installation, gil: Identity, ben: Identity, role: Role | None
) -> None:
    other = person(slack, "U9", role=role)
    for who in (other, gil, ben):
        assert said(who, "role @U2 admin", whom="U2") == wording.ADMINS_ONLY
    assert role_of(ben.user, home()) == Role.MEMBER


def test_guests_and_unknown_people_get_none(ana: Identity, gil: Identity) -> None:
    for whom in ("U3", "U404"):
        assert said(ana, f"role @{whom} admin", whom=whom) == wording.ROLE_UNKNOWN
    assert role_of(gil.user, home()) is None


def test_the_same_id_in_another_team_is_another_person(ana: Identity) -> None:
    person(installation_of("slack", "T2"), "U7")
    assert said(ana, "role @U7 admin", whom="U7") == wording.ROLE_UNKNOWN


@pytest.mark.parametrize(
    ("text", "whom"),
    [("role", None), ("role @U2", "U2"), ("role @U2 king", "U2"), ("role admin", None)],
)
def test_a_role_command_that_lacks_something_says_how(
    ana: Identity, ben: Identity, text: str, whom: str | None
) -> None:
    assert said(ana, text, whom=whom) == wording.ROLE_HOW
    assert role_of(ben.user, home()) == Role.MEMBER


# guests


def test_an_admin_lets_answers_draw_on_the_teams_documents_before_guests(
    slack: Installation, ana: Identity, general: Channel
) -> None:
    def keys() -> set[str]:
        return readable_keys(Place(home(), identity=ana, channel=general))

    record_channel(slack, "C1", True, timezone.now())
    assert said(ana, "guests on", general) == wording.GUESTS_ON
    assert team_key(home()) in keys()
    assert said(ana, "guests OFF", general) == wording.GUESTS_OFF
    assert keys() == {key_of(general)}


def test_nobody_else_does(ben: Identity, gil: Identity, general: Channel) -> None:
    set_role(ben.user, home(), Role.CURATOR)
    for who in (ben, gil):
        assert said(who, "guests on", general) == wording.ADMINS_ONLY
    assert not Channel.objects.get(pk=general.pk).outsiders_allowed


def test_guests_are_a_matter_of_channels(ana: Identity, general: Channel) -> None:
    assert said(ana, "guests on") == wording.GUESTS_WHERE
    assert said(ana, "guests perhaps", general) == wording.GUESTS_HOW
    assert said(ana, "guests", general) == wording.GUESTS_HOW


# status


def test_an_admin_is_told_how_maintenance_stands(ana: Identity) -> None:
    now = timezone.now()
    slot = Slot(job="purge", at=JOBS["purge"].slot_at(now), state=SlotState.DONE, did="Deleted it.")
    slot.began_at, slot.ended_at = now - timedelta(hours=3, seconds=9), now - timedelta(hours=3)
    slot.save()

    told = said(ana, "status").splitlines()

    assert told[-len(JOBS) - 1] == wording.NOT_MAINTAINED.format(why=NO_SCHEDULER)
    (purge,) = [line for line in told if "purge" in line]
    assert purge.startswith(
        "• purge: Deleted it. That was 3 hours ago and took 9 seconds. Next in "
    )


def test_who_is_no_admin_is_not(ben: Identity, gil: Identity) -> None:
    set_role(ben.user, home(), Role.CURATOR)
    for who in (ben, gil):
        assert "purge" not in said(who, "status")


@pytest.mark.parametrize("text", ["", "help", "state", "drop table"])
def test_anything_else_says_what_there_is(ben: Identity, text: str) -> None:
    assert said(ben, text) == wording.KNOWLEDGE_HELP


# Collecting, and how it stands


def test_an_admin_has_a_channel_collect_files(ana: Identity, general: Channel) -> None:
    assert said(ana, "collect on", general) == wording.COLLECT_ON
    general.refresh_from_db()
    assert general.collects
    assert wording.COLLECTS in said(ana, "status", general)
    assert said(ana, "collect OFF", general) == wording.COLLECT_OFF
    general.refresh_from_db()
    assert not general.collects


def test_nobody_else_has_it_collect_files(ben: Identity, general: Channel) -> None:
    assert said(ben, "collect on", general) == wording.ADMINS_ONLY
    general.refresh_from_db()
    assert not general.collects


@pytest.mark.parametrize("words", ["collect", "collect maybe", "collect on off"])
def test_collecting_without_a_state_is_explained(
    ana: Identity, general: Channel, words: str
) -> None:
    assert said(ana, words, general) == wording.COLLECT_HOW


def test_collecting_is_for_channels(ana: Identity) -> None:
    assert said(ana, "collect on") == wording.COLLECT_WHERE


def test_the_status_counts_what_an_answer_here_may_draw_on(
    add_text: AddText, ben: Identity, general: Channel
) -> None:
    add_everywhere(add_text, ben, general)
    add_document(space_for(key_of(general)), "new.txt", b"Not read yet.")
    broken = add_document(space_for(key_of(general)), "broken.pdf", b"%PDF-1.7 broken")
    finish(broken.version)
    lines = said(ben, "status", general).splitlines()
    assert lines[0] == wording.STATUS_READY.format(count=2)
    assert wording.STATUS_WAITING.format(count=1) in lines
    [failed] = [line for line in lines if "broken.pdf" in line]
    assert "damaged" in failed


def test_curators_see_what_waits_for_them(
    add_text: AddText, ana: Identity, ben: Identity, general: Channel
) -> None:
    document = add_text("The plan.", "plan.txt", space_for(key_of(general))).document
    ask_for_promotion(document, Place(home(), identity=ben), Asker("Ben"))
    waiting = wording.STATUS_ASKED.format(asker="Ben", name="plan.txt")
    assert waiting in said(ana, "status")
    assert waiting not in said(ben, "status")
