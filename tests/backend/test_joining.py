"""Two identities that become one person, and part again."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from backend import db
from backend.accounts import linking
from backend.accounts.audience import Place, readable_keys, readable_spaces
from backend.accounts.errors import (
    AlreadyOne,
    ElsewhereToo,
    NothingLinked,
    Stranger,
    TooManyTries,
    TwoAddresses,
    WrongCode,
)
from backend.accounts.models import Identity, LinkCode, Membership, Role, Standing, User
from backend.accounts.people import installation_of, record_joined, record_person
from backend.accounts.roles import role_at, role_of, set_role
from backend.accounts.spaces import channel_key, home, personal_key, space_for, team_key
from backend.chat.joining import enter_code, part_place
from backend.chat.models import Conversation, Feedback, Message
from backend.ingesting import LEASE, work_on_next
from knowledge import ingestion, publishing
from knowledge.errors import LeaseLost
from knowledge.index.cache import indexes
from knowledge.ingestion import add_document
from knowledge.models import Chunk, Document, DocumentVersion, Embedding, EmbeddingModel, Space
from knowledge.removal import purge_removed
from knowledge.retrieval import search
from tests.backend.people import installed, known, organisation, user
from tests.backend.talk import asked, kept
from tests.conftest import AddText

pytestmark = pytest.mark.django_db(transaction=True)

TEXT = "The lighthouse keeper of Peniche is called Rosalina."
ASK = "What is the lighthouse keeper of Peniche called?"


def met(platform: str = "slack", standing: str = Standing.TEAM, at: str = "HERE") -> Identity:
    """Somebody who wrote to the bot."""
    name = f"U{Identity.objects.count() + 1}"
    return record_person(installation_of(platform, at), name, standing)


def of(who: Identity | User) -> Place:
    """Their private place, as it is now."""
    if isinstance(who, User):
        return Place(home(), user=who)
    return Place(home(), identity=Identity.objects.select_related("user").get(pk=who.pk))


def joined(asks: Identity | User, enters: Identity | User) -> User:
    """One person of both."""
    code = linking.new_code(of(asks), "ana")
    enter_code(of(enters), code)
    assert enter_code(of(enters), code).joined
    one = of(enters).asker
    assert one is not None
    return one


def mine(who: Identity | User) -> Space:
    owner = of(who).asker
    assert owner is not None
    return space_for(personal_key(home(), owner))


def found(who: Identity | User) -> list[str]:
    return [passage.document for passage in search(ASK, readable_spaces(of(who)), 8)]


def test_the_first_time_one_is_told_whose_code_it_is_and_the_second_joins() -> None:
    ana, bea = met("discord", at="G1"), met()
    code = linking.new_code(of(ana), "ana")
    told = enter_code(of(bea), code.lower().replace("-", " "))
    assert (told.name, told.platform, told.joined) == ("ana", "discord", False)
    assert of(bea).asker != of(ana).asker
    assert enter_code(of(bea), code).joined
    assert of(bea).asker == of(ana).asker == ana.user
    assert not User.objects.filter(pk=bea.user_id).exists()
    with pytest.raises(WrongCode):
        enter_code(of(met()), code)


def test_another_who_enters_a_code_is_told_first_as_well() -> None:
    ana, bea, eve = met(), met(), met()
    code = linking.new_code(of(ana), "ana")
    enter_code(of(bea), code)
    assert not enter_code(of(eve), code).joined
    assert not enter_code(of(bea), code).joined
    assert enter_code(of(bea), code).joined
    assert of(eve).asker == eve.user


def test_a_code_ends_after_ten_minutes_and_is_kept_as_a_hash() -> None:
    ana, bea = met(), met()
    code = linking.new_code(of(ana), "ana")
    assert code.replace("-", "") not in repr(LinkCode.objects.values())
    left = LinkCode.objects.get().expires_at - timezone.now()
    assert timedelta(minutes=9) < left <= timedelta(minutes=10)
    LinkCode.objects.update(expires_at=timezone.now())
    with pytest.raises(WrongCode):
        enter_code(of(bea), code)


def test_a_person_has_few_codes_open() -> None:
    ana, bea = met(), met()
    codes = [linking.new_code(of(ana), "ana") for _ in range(linking.OPEN_CODES + 1)]
    assert LinkCode.objects.count() == linking.OPEN_CODES
    with pytest.raises(WrongCode):
        enter_code(of(bea), codes[0])
    assert not enter_code(of(bea), codes[-1]).joined


def test_wrong_codes_are_limited_and_right_ones_are_not() -> None:
    ana, bea = met(), met()
    code = linking.new_code(of(ana), "ana")
    for _ in range(linking.TRIES - 1):
        with pytest.raises(WrongCode):
            enter_code(of(bea), "AAAA-AAAA")
    enter_code(of(bea), code)
    with pytest.raises(WrongCode):
        enter_code(of(bea), "AAAA-AAAA")
    with pytest.raises(TooManyTries):
        enter_code(of(bea), code)
    assert of(bea).asker == bea.user


def test_nobody_is_joined_with_themselves() -> None:
    ana = met()
    with pytest.raises(AlreadyOne):
        enter_code(of(ana), linking.new_code(of(ana), "ana"))


@pytest.mark.parametrize("gone", ["removed", "locked"])
def test_a_code_of_somebody_who_is_gone_meanwhile_is_worth_nothing(gone: str) -> None:
    ana, bea = met(), met()
    code = linking.new_code(of(ana), "ana")
    enter_code(of(bea), code)
    if gone == "removed":
        record_person(ana.installation, ana.external_id, Standing.REMOVED)
    else:
        User.objects.filter(pk=ana.user_id).update(is_active=False)
    with pytest.raises(WrongCode):
        enter_code(of(bea), code)
    with pytest.raises(Stranger):
        linking.new_code(of(ana), "ana")


def test_a_code_of_another_workspace_is_worth_nothing() -> None:
    there = organisation("elsewhere")
    eve = known(installed(there))
    code = linking.new_code(Place(there, identity=eve), "eve")
    with pytest.raises(WrongCode):
        enter_code(of(met()), code)


def test_whoever_has_things_in_another_workspace_does_not_vanish() -> None:
    ana, bea = met(), met()
    known(installed(organisation("elsewhere")), of=bea.user)
    code = linking.new_code(of(ana), "ana")
    with pytest.raises(ElsewhereToo):
        enter_code(of(bea), code)
    assert of(bea).asker == bea.user


def test_what_somebody_has_in_another_workspace_stays_apart(add_text: AddText) -> None:
    ana, bea = met(), met()
    there = organisation("elsewhere")
    away = known(installed(there), of=ana.user)
    add_text(TEXT, "bea.txt", mine(bea))
    one = joined(ana, bea)
    assert one == ana.user
    keys = readable_keys(Place(there, identity=away))
    assert personal_key(home(), one) not in keys
    assert personal_key(there, one) in keys


def test_the_address_of_the_page_stays_whoever_asked() -> None:
    for page_asks in (True, False):
        paula, bea = user(role=Role.MEMBER), met()
        pair = (paula, bea) if page_asks else (bea, paula)
        assert joined(*pair) == paula
        assert of(bea).asker == paula


def test_two_addresses_are_not_joined() -> None:
    code = linking.new_code(of(user(role=Role.MEMBER)), "ana")
    with pytest.raises(TwoAddresses):
        enter_code(of(user(role=Role.MEMBER)), code)


@pytest.mark.parametrize("asks", ["slack", "discord"])
def test_the_higher_role_counts(asks: str) -> None:
    ana, bea = met("slack"), met("discord", at="G1")
    set_role(bea.user, home(), Role.CURATOR)
    one = joined(ana, bea) if asks == "slack" else joined(bea, ana)
    assert role_of(one, home()) == Role.CURATOR
    assert Membership.objects.filter(workspace=home()).count() == 1


def test_history_feedback_and_documents_are_one(add_text: AddText) -> None:
    ana, bea = met("discord", at="G1"), met()
    add_text(TEXT, "bea.txt", mine(bea))
    add_text("The ferry to Berlenga leaves at ten.", "ana.txt", mine(ana))
    answer = kept(asked(ASK, of(bea)))
    assert "Rosalina" in answer.text
    Feedback.objects.create(message=answer, user=bea.user, helpful=True)
    one = joined(ana, bea)
    assert Conversation.objects.get(messages=answer).user == one
    assert Feedback.objects.get().user == one
    assert set(Message.objects.values_list("asker", flat=True)) == {one.pk}
    for who in (ana, bea):
        assert "bea.txt" in found(who)
    assert {space.key for space in answer.spaces.all()} == {personal_key(home(), one)}
    again = kept(asked(ASK, of(ana)))
    assert "Rosalina" in again.text


def test_documents_move_with_versions_and_vectors_and_are_not_embedded_again(
    add_text: AddText,
) -> None:
    ana, bea = met(), met()
    old = add_text(TEXT, "bea.txt", mine(bea))
    new = add_text(TEXT + " She is ninety.", "bea.txt", mine(bea))
    rows = (
        set(Chunk.objects.values_list("pk", "embedded_sha256")),
        set(Embedding.objects.values_list("pk", "chunk")),
    )
    source = mine(bea)
    one = joined(ana, bea)
    target = space_for(personal_key(home(), one))
    moved = Document.objects.get(pk=new.document_id)
    assert moved.space == target
    assert [version.pk for version in moved.versions.order_by("number")] == [old.pk, new.pk]
    assert moved.current == new
    assert rows == (
        set(Chunk.objects.values_list("pk", "embedded_sha256")),
        set(Embedding.objects.values_list("pk", "chunk")),
    )
    assert not Space.objects.filter(pk=source.pk).exists()


def test_indexes_that_are_held_follow(add_text: AddText) -> None:
    ana, bea = met(), met()
    add_text("The ferry to Berlenga leaves at ten.", "ana.txt", mine(ana))
    add_text(TEXT, "bea.txt", mine(bea))
    assert found(ana) == ["ana.txt"]
    assert found(bea) == ["bea.txt"]
    before = mine(ana).revision
    joined(ana, bea)
    assert set(found(ana)) == set(found(bea)) == {"ana.txt", "bea.txt"}
    assert mine(ana).revision == before + 1
    held = indexes.at_revision_of(mine(ana), EmbeddingModel.objects.get())
    indexes.clear()
    fresh = indexes.at_revision_of(mine(ana), EmbeddingModel.objects.get())
    assert sorted(i for s in held.segments for i in s.chunk_ids[s.alive]) == sorted(
        i for s in fresh.segments for i in s.chunk_ids[s.alive]
    )


def test_the_same_bytes_become_one_and_answers_that_used_either_stay(add_text: AddText) -> None:
    ana, bea = met(), met()
    stays = add_text(TEXT, "ana.txt", mine(ana))
    add_text(TEXT, "bea.txt", mine(bea))
    answer = kept(asked(ASK, of(bea)))
    one = joined(ana, bea)
    purge_removed()
    assert found(bea) == ["ana.txt"]
    assert [d.pk for d in Document.objects.kept()] == [stays.document_id]
    answer.refresh_from_db()
    source = answer.sources.get()
    assert "Rosalina" in answer.text and answer.erased_at is None
    assert (source.version, source.section) == (stays, stays.sections.get())
    assert add_document(mine(one), "again.txt", TEXT.encode()).outcome == "unchanged"


def test_a_file_that_is_being_read_is_read_again_where_it_is_then(
    work: Callable[[], None],
) -> None:
    ana, bea = met(), met()
    version = add_document(mine(bea), "bea.txt", TEXT.encode()).version
    reading = db.claim_row(DocumentVersion.objects.filter(pk=version.pk), LEASE)
    assert reading is not None
    one = joined(ana, bea)
    with pytest.raises(LeaseLost):
        ingestion.process(reading, keep=lambda: None)
    work()
    assert found(one) == ["bea.txt"]


def test_what_is_cut_anew_meanwhile_is_not_shown_in_a_space_that_is_gone(
    add_text: AddText,
) -> None:
    ana, bea = met(), met()
    version = add_text(TEXT, "bea.txt", mine(bea))
    sizes, model = (60, 0), EmbeddingModel.objects.get()
    cuts = publishing.cut("bea.txt", list(version.sections.all()), *sizes)
    built = publishing.build(version, cuts, sizes, model, keep=lambda: None)
    one = joined(ana, bea)
    with pytest.raises(LeaseLost):
        publishing.publish(built.chunking, version)
    assert found(one) == ["bea.txt"]


def test_a_file_that_waits_is_read_where_it_is_then(work: Callable[[], None]) -> None:
    ana, bea = met(), met()
    add_document(mine(bea), "bea.txt", TEXT.encode())
    one = joined(ana, bea)
    work()
    assert found(one) == ["bea.txt"]


@pytest.fixture
def work(team: Space) -> Callable[[], None]:
    def until_done() -> None:
        while work_on_next():
            pass

    return until_done


def test_a_guest_who_is_team_elsewhere_is_still_a_guest_where_they_are_one(
    add_text: AddText,
) -> None:
    ana, gil = met("discord", at="G1"), met("slack", Standing.GUEST)
    set_role(ana.user, home(), Role.ADMIN)
    record_joined(ana, ["ops"], timezone.now())
    record_joined(gil, ["lobby"], timezone.now())
    ours, theirs = channel_key("discord", "G1", "ops"), channel_key("slack", "HERE", "lobby")
    add_text(TEXT)
    one = joined(ana, gil)
    team, own = team_key(home()), personal_key(home(), one)
    assert readable_keys(of(gil)) == {own, theirs}
    assert readable_keys(of(ana)) == {own, ours, theirs, team}
    assert found(gil) == []
    assert (role_at(of(gil)), role_at(of(ana))) == (None, Role.ADMIN)
    assert role_at(of(one)) == Role.ADMIN
    # What the platforms say later changes nothing about it.
    record_person(gil.installation, gil.external_id, Standing.GUEST)
    record_person(ana.installation, ana.external_id, Standing.TEAM)
    assert readable_keys(of(gil)) == {own, theirs}
    assert team in readable_keys(of(ana))


def test_a_guests_word_takes_no_role_from_who_has_it_on_the_page() -> None:
    paula, gil = user(role=Role.ADMIN), met("slack", Standing.GUEST)
    joined(paula, gil)
    record_person(gil.installation, gil.external_id, Standing.GUEST)
    assert role_of(paula, home()) == Role.ADMIN
    assert team_key(home()) not in readable_keys(of(gil))


def test_what_a_platform_gave_ends_with_it_on_the_page_too() -> None:
    paula, ana = user(), met()
    joined(paula, ana)
    assert role_of(paula, home()) == Role.MEMBER
    record_person(ana.installation, ana.external_id, Standing.REMOVED)
    assert role_of(paula, home()) is None


def test_a_session_of_the_page_goes_on_and_nobody_else_has_one() -> None:
    paula, ana = user(role=Role.MEMBER), met()
    page, other = Client(), Client()
    page.force_login(paula)
    other.force_login(ana.user)
    joined(ana, paula)
    assert page.get("/conversations/").status_code == 200
    assert other.get("/conversations/").status_code == 401


def test_who_parts_begins_anew_and_the_rest_stays(add_text: AddText) -> None:
    ana, bea = met("discord", at="G1"), met()
    add_text(TEXT, "bea.txt", mine(bea))
    asked(ASK, of(bea))
    one = joined(ana, bea)
    set_role(one, home(), Role.CURATOR)
    part_place(of(bea))
    alone = of(bea).asker
    assert alone is not None and alone != one
    assert found(bea) == [] and found(ana) == ["bea.txt"]
    assert not Conversation.objects.filter(user=alone).exists()
    assert (role_of(alone, home()), role_of(one, home())) == (Role.MEMBER, Role.CURATOR)
    with pytest.raises(NothingLinked):
        part_place(of(bea))


def test_the_one_who_asked_for_the_code_parts_and_nobody_is_taken_for_another(
    add_text: AddText,
) -> None:
    ana, bea = met("discord", at="G1"), met()
    add_text(TEXT, "bea.txt", mine(bea))
    one = joined(ana, bea)
    part_place(of(ana))
    assert of(bea).asker == one and found(bea) == ["bea.txt"] and found(ana) == []
    # Where the identity is gone and comes anew, it is nobody that was there before.
    Identity.objects.filter(pk=ana.pk).delete()
    again = record_person(ana.installation, ana.external_id, Standing.TEAM)
    assert again.user != one
    assert found(again) == []


def test_an_identity_of_the_page_parts() -> None:
    paula, ana = user(role=Role.MEMBER), met()
    joined(paula, ana)
    part_place(of(ana))
    assert of(ana).asker != paula
    with pytest.raises(NothingLinked):
        part_place(of(paula))
