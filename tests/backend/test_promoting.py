"""Documents that are made available to the whole team, and who may do that."""

import threading
from collections.abc import Callable

import pytest
from django.db import IntegrityError, connection, transaction

from backend.accounts.audience import Place, readable_spaces
from backend.accounts.models import Role, Standing, User
from backend.accounts.spaces import home, space_for, team_key
from backend.chat.removal import remove, sweep_removed
from backend.ingesting import finish
from backend.library.bringing import bring
from backend.library.errors import (
    AlreadyDecided,
    ChangedSince,
    CuratorsOnly,
    DocumentGone,
    LibraryError,
    MembersOnly,
    TeamsAlready,
    UnknownDocument,
    UnknownRequest,
)
from backend.library.models import PromotionRequest, RequestState
from backend.library.promoting import (
    approve,
    ask_for_promotion,
    asker_of,
    decline,
    namesakes,
    promote,
    waiting_requests,
)
from knowledge.models import Document, DocumentVersion, Embedding, Space
from knowledge.retrieval import search
from tests.backend.people import channel, installed, join, known, organisation, space_of, user
from tests.backend.talk import asked, kept
from tests.conftest import AddText

pytestmark = pytest.mark.django_db(transaction=True)

TEXT = "The lighthouse keeper of Peniche is called Rosalina."
ASK = "What is the lighthouse keeper of Peniche called?"


def page_of(who: User) -> Place:
    return Place(home(), user=who)


def brought(who: User, space: Space | None = None, text: str = TEXT) -> DocumentVersion:
    """What somebody brought, into their own space unless another is given."""
    return finish(bring(space or space_of(who), "keeper.txt", text.encode(), who).version)


def found(who: User) -> list[str]:
    return [passage.document for passage in search(ASK, readable_spaces(page_of(who)), 8)]


@pytest.fixture
def curator(db: None) -> User:
    return user(role=Role.CURATOR)


def test_what_a_member_asked_for_and_a_curator_approved_everyone_finds(
    member: User, curator: User
) -> None:
    document, other = brought(member).document, user(role=Role.MEMBER)
    request = ask_for_promotion(document, page_of(member))
    assert (request.asked_by, request.state, request.workspace) == (member, "asked", home())
    assert [one.pk for one in waiting_requests(home())] == [request.pk]
    assert (found(member), found(other), found(curator)) == (["keeper.txt"], [], [])
    vectors = list(Embedding.objects.values_list("pk", flat=True))

    outcome = approve(request.pk, page_of(curator))

    assert (outcome.document, outcome.how) == (document, "moved")
    assert found(member) == found(other) == found(curator) == ["keeper.txt"]
    assert list(Embedding.objects.values_list("pk", flat=True)) == vectors
    request.refresh_from_db()
    assert (request.state, request.decided_by) == (RequestState.APPROVED, curator)
    assert request.decided_at is not None
    assert waiting_requests(home()) == []


def test_what_was_declined_stays_where_it_is_and_may_be_asked_for_again(
    member: User, curator: User
) -> None:
    document = brought(member).document
    request = ask_for_promotion(document, page_of(member))
    declined = decline(request.pk, page_of(curator))
    assert (declined.state, declined.decided_by) == (RequestState.DECLINED, curator)
    assert found(curator) == []
    again = ask_for_promotion(document, page_of(member))
    assert (again.pk, again.state) != (request.pk, RequestState.DECLINED)


@pytest.mark.parametrize(
    ("role", "refusal"),
    [(None, CuratorsOnly), (Role.MEMBER, CuratorsOnly), (Role.CURATOR, None), (Role.ADMIN, None)],
)
def test_curators_and_admins_promote_what_they_may_read(
    role: str | None, refusal: type[LibraryError] | None
) -> None:
    who = user(role=role)
    document = brought(who).document
    outcome = _tried(lambda: promote(document, page_of(who)))
    assert outcome == refusal
    assert Document.objects.get().space.key.startswith("personal:" if refusal else "team:")


@pytest.mark.parametrize("role", Role.values)
def test_a_team_role_elsewhere_counts_for_nothing_here(role: str, member: User) -> None:
    other = user(workspace=organisation("elsewhere"), role=role)
    request = ask_for_promotion(brought(member).document, page_of(member))
    there = Place(organisation("elsewhere"), user=other)
    for place in (page_of(other), there):
        for decide in (approve, decline):
            with pytest.raises((CuratorsOnly, UnknownRequest)):
                decide(request.pk, place)
    request.refresh_from_db()
    assert request.state == RequestState.ASKED


@pytest.mark.parametrize("decide", [approve, decline])
@pytest.mark.parametrize("role", [None, Role.MEMBER])
def test_members_and_guests_decide_on_nothing(
    decide: Callable[[int, Place], object], role: str | None, member: User
) -> None:
    request = ask_for_promotion(brought(member).document, page_of(member))
    for place in (page_of(user(role=role)), page_of(member)):
        with pytest.raises(CuratorsOnly):
            decide(request.pk, place)
    assert len(waiting_requests(home())) == 1


def test_a_curator_does_not_promote_what_they_may_not_read(member: User, curator: User) -> None:
    document = brought(member).document
    assert _tried(lambda: promote(document, page_of(curator))) == UnknownDocument


def test_a_member_does_not_ask_for_what_they_may_not_read(member: User) -> None:
    at = installed()
    elsewhere = brought(user(role=Role.MEMBER), space_of(channel(at))).document
    anothers = brought(user(role=Role.MEMBER)).document
    for document in (elsewhere, anothers):
        with pytest.raises(UnknownDocument):
            ask_for_promotion(document, page_of(member))
    assert not PromotionRequest.objects.exists()


def test_a_member_asks_for_what_is_in_a_channel_that_they_are_in(
    member: User, curator: User
) -> None:
    at = installed()
    where = channel(at)
    identity = known(at, of=member)
    join(where, identity)
    document = brought(member, space_of(where)).document
    request = ask_for_promotion(document, page_of(member))
    approve(request.pk, page_of(curator))
    assert found(curator) == ["keeper.txt"]


def test_who_clicks_in_a_channel_reads_what_is_in_it(curator: User) -> None:
    at = installed()
    identity, where = known(at, of=curator), channel(at)
    document = brought(curator, space_of(where)).document
    place = Place(home(), identity=identity, channel=where)
    assert promote(document, place).document.space.key == team_key(home())


@pytest.mark.parametrize("standing", [Standing.GUEST, Standing.EXTERNAL, Standing.UNKNOWN])
def test_a_guest_does_not_ask_nor_promote_whatever_else_they_are(standing: str) -> None:
    who = user(role=Role.ADMIN)  # on the page, say
    at = installed()
    identity = known(at, standing, of=who)
    document = brought(who).document
    place = Place(home(), identity=identity)
    assert _tried(lambda: ask_for_promotion(document, place)) == MembersOnly
    assert _tried(lambda: promote(document, place)) == CuratorsOnly


def test_what_the_team_has_is_neither_asked_for_nor_promoted(curator: User) -> None:
    document = brought(curator, space_for(team_key(home()))).document
    for act in (promote, ask_for_promotion):
        with pytest.raises(TeamsAlready):
            act(document, page_of(curator))


def test_whoever_asks_twice_has_one_request(member: User) -> None:
    document = brought(member).document
    first = ask_for_promotion(document, page_of(member))
    assert ask_for_promotion(document, page_of(member)).pk == first.pk
    assert PromotionRequest.objects.count() == 1
    with pytest.raises(IntegrityError), transaction.atomic():
        PromotionRequest.objects.create(document=document, workspace=home())


def test_a_request_is_decided_once(member: User, curator: User) -> None:
    request = ask_for_promotion(brought(member).document, page_of(member))
    decline(request.pk, page_of(curator))
    for decide in (approve, decline):
        with pytest.raises(AlreadyDecided):
            decide(request.pk, page_of(curator))
    with pytest.raises(UnknownRequest):
        approve(request.pk + 1, page_of(curator))
    assert found(curator) == []


def test_of_two_curators_who_decide_at_once_one_does(member: User) -> None:
    request = ask_for_promotion(brought(member).document, page_of(member))
    curators = [user(role=Role.CURATOR) for _ in range(4)]
    outcomes: list[type | None] = []

    def decide(who: User, act: Callable[[int, Place], object]) -> None:
        outcomes.append(_tried(lambda: act(request.pk, page_of(who))))
        connection.close()

    threads = [
        threading.Thread(target=decide, args=(who, act))
        for who, act in zip(curators, (approve, decline, approve, decline), strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, outcomes)) == sorted(map(str, [None, *[AlreadyDecided] * 3]))


def test_a_version_that_came_after_the_request_is_not_approved(member: User, curator: User) -> None:
    document = brought(member).document
    request = ask_for_promotion(document, page_of(member))
    brought(member, text=TEXT + " In confidence.")
    with pytest.raises(ChangedSince):
        approve(request.pk, page_of(curator))
    assert found(curator) == []
    decline(request.pk, page_of(curator))
    approve(ask_for_promotion(document, page_of(member)).pk, page_of(curator))
    assert found(curator) == ["keeper.txt"]


def test_what_was_removed_meanwhile_is_not_approved(member: User, curator: User) -> None:
    document = brought(member).document
    request = ask_for_promotion(document, page_of(member))
    remove(document)
    assert waiting_requests(home()) == []
    with pytest.raises(DocumentGone):
        approve(request.pk, page_of(curator))
    assert found(curator) == []


def test_who_promotes_what_was_asked_for_grants_it(member: User, curator: User) -> None:
    at = installed()
    where = channel(at)
    for who in (member, curator):
        join(where, known(at, of=who))
    document = brought(member, space_of(where)).document
    request = ask_for_promotion(document, page_of(member))
    promote(document, page_of(curator))
    request.refresh_from_db()
    assert (request.state, request.decided_by) == (RequestState.APPROVED, curator)
    with pytest.raises(AlreadyDecided):
        approve(request.pk, page_of(curator))


def test_what_became_the_teams_meanwhile_is_not_approved(member: User, curator: User) -> None:
    document = brought(member).document
    request = ask_for_promotion(document, page_of(member))
    Document.objects.filter(pk=document.pk).update(space=space_for(team_key(home())))
    assert waiting_requests(home()) == []
    with pytest.raises(TeamsAlready):
        approve(request.pk, page_of(curator))
    request.refresh_from_db()
    assert request.state == RequestState.ASKED


def test_the_same_bytes_are_one_document_and_answers_that_used_them_stay(
    member: User, curator: User, add_text: AddText
) -> None:
    ours = add_text(TEXT, "ours.txt")
    mine = brought(member)
    # Only the member's own is searched, as if the team's had come later.
    answer = kept(asked(ASK, page_of(member)))
    answer.versions.set([mine])
    outcome = approve(ask_for_promotion(mine.document, page_of(member)).pk, page_of(curator))
    assert (outcome.document, outcome.how) == (ours.document, "same")
    assert outcome.instead == {mine.pk: ours.pk}
    sweep_removed()
    answer.refresh_from_db()
    assert "Rosalina" in answer.text and answer.erased_at is None
    assert list(answer.versions.all()) == [ours]
    assert found(member) == ["ours.txt"]


def test_a_namesake_of_the_teams_has_a_new_version(
    member: User, curator: User, add_text: AddText
) -> None:
    ours = add_text("The keeper of Peniche is unknown.", "keeper.txt")
    mine = brought(member)
    request = ask_for_promotion(mine.document, page_of(member))
    assert namesakes(request.document, home()) == 1
    assert asker_of(request) == member.email
    outcome = approve(request.pk, page_of(curator))
    assert (outcome.document, outcome.how) == (ours.document, "replaced")
    mine.refresh_from_db()
    assert (mine.number, mine.document) == (2, ours.document)
    assert [p.version_id for p in search(ASK, readable_spaces(page_of(curator)), 8)] == [mine.pk]


def test_what_the_team_has_already_has_no_namesake(member: User, add_text: AddText) -> None:
    mine = brought(member)
    add_text("The keeper of Peniche is unknown.", "keeper.txt")
    add_text(TEXT, "keeper.txt copy.txt")
    assert namesakes(mine.document, home()) == 0


def test_of_several_namesakes_none_is_replaced(curator: User, add_text: AddText) -> None:
    for text in ("One keeper is unknown.", "Another keeper is unknown."):
        Document.objects.filter(pk=add_text(text, f"{text}.txt").document_id).update(
            name="keeper.txt"
        )
    mine = brought(curator)
    assert namesakes(mine.document, home()) == 2
    assert promote(mine.document, page_of(curator)).how == "moved"


def test_an_answer_keeps_the_spaces_that_it_drew_on(member: User, curator: User) -> None:
    document = brought(member).document
    answer = kept(asked(ASK, page_of(member)))
    assert "Rosalina" in answer.text
    approve(ask_for_promotion(document, page_of(member)).pk, page_of(curator))
    assert list(answer.spaces.all()) == [space_of(member)]
    assert answer.sources.get().version.document.space == space_for(team_key(home()))
    remove(document)
    answer.refresh_from_db()
    assert answer.text == ""


def _tried(act: Callable[[], object]) -> type[LibraryError] | None:
    """The class of the refusal, or None."""
    try:
        act()
    except LibraryError as error:
        return type(error)
    return None
