"""A document's versions: their history, going back to one, and taking one away."""

from pathlib import Path

import pytest

from backend.accounts.audience import Place, readable_spaces
from backend.accounts.models import Role, User
from backend.accounts.spaces import home
from backend.chat.history import shown_to
from backend.chat.models import Message
from backend.chat.removal import remove
from backend.ingesting import finish, work_on_next
from backend.library.bringing import bring
from backend.library.errors import (
    CuratorsOnly,
    CurrentAlready,
    LibraryError,
    UnknownDocument,
    UnknownVersion,
)
from backend.library.reading import state_of
from backend.library.versions import remove_version, roll_back, versions_of
from knowledge import removal
from knowledge.answering import Delta, Restart
from knowledge.catalogue import catalogue
from knowledge.errors import OriginalMissing
from knowledge.ingestion import add_document
from knowledge.models import Chunk, Document, DocumentVersion, Embedding, Section, Space
from knowledge.retrieval import search
from tests.backend.people import channel, installed, join, known, space_of, user
from tests.backend.talk import asked, kept, once

pytestmark = pytest.mark.django_db(transaction=True)

ASK = "When does the ferry to Berlenga leave?"
CANARY = "ospreyquokka"


def page_of(who: User) -> Place:
    return Place(home(), user=who)


def text(hour: str) -> bytes:
    return f"The ferry to Berlenga leaves at {hour}, says {CANARY}{hour}.".encode()


def brought(who: User, hour: str, space: Space | None = None) -> DocumentVersion:
    return finish(bring(space or space_of(who), "ferry.txt", text(hour), who).version)


def shown(who: User) -> str:
    return "\n".join(p.text for p in search(ASK, readable_spaces(page_of(who)), 8))


def numbers(document: Document) -> list[tuple[int, int | None, bool]]:
    return [(past.version.number, past.restores, past.current) for past in versions_of(document)]


@pytest.fixture
def curator(db: None) -> User:
    return user(role=Role.CURATOR)


def test_the_history_tells_who_brought_what_when(team: Space, admin: User, member: User) -> None:
    terminal = finish(add_document(team, "ferry.txt", text("nine")).version)
    first, second = brought(member, "ten", team), brought(admin, "eleven", team)
    history = versions_of(first.document)
    assert [past.version for past in history] == [second, first, terminal]
    assert [past.user for past in history] == [admin, member, None]
    assert [past.current for past in history] == [True, False, False]
    assert {past.status for past in history} == {"ready"}
    assert history[0].at >= history[1].at >= history[2].at


def test_going_back_makes_the_old_content_the_newest_version(member: User) -> None:
    old, new = brought(member, "ten"), brought(member, "eleven")
    back = finish(roll_back(old.document, 1, page_of(member)))
    assert (back.number, back.sha256, back.size) == (3, old.sha256, old.size)
    assert numbers(old.document) == [(3, 1, True), (2, None, False), (1, None, False)]
    assert "at ten" in shown(member) and "eleven" not in shown(member)
    assert Path(back.original.path).read_bytes() == text("ten")
    assert len({old.original.name, new.original.name, back.original.name}) == 3


def test_going_back_twice_names_the_version_that_it_came_from(member: User) -> None:
    old, _ = brought(member, "ten"), brought(member, "eleven")
    for number in (1, 2, 3):
        finish(roll_back(old.document, number, page_of(member)))
    assert [(n, restores) for n, restores, _ in numbers(old.document)[:3]] == [
        (5, 1),
        (4, 2),
        (3, 1),
    ]


def test_an_answer_keeps_the_version_that_it_used(member: User) -> None:
    old = brought(member, "ten")
    answer = kept(asked(ASK, page_of(member)))
    brought(member, "eleven")
    finish(roll_back(old.document, 1, page_of(member)))
    source = answer.sources.get()
    assert source.version == old
    assert source.section is not None and "at ten" in source.section.text


@pytest.mark.parametrize(
    ("role", "refusal"),
    [(None, UnknownDocument), (Role.MEMBER, CuratorsOnly), (Role.CURATOR, None)],
)
def test_curators_go_back_in_the_teams_documents(
    role: str | None, refusal: type[LibraryError] | None, team: Space, admin: User
) -> None:
    old = brought(admin, "ten", team)
    brought(admin, "eleven", team)
    if refusal is None:
        roll_back(old.document, 1, page_of(user(role=role)))
        return
    with pytest.raises(refusal):
        roll_back(old.document, 1, page_of(user(role=role)))
    assert old.document.versions.count() == 2


def test_members_do_not_go_back_in_a_channels_documents(member: User) -> None:
    at = installed()
    where = channel(at)
    join(where, known(at, of=member))
    old = brought(member, "ten", space_of(where))
    brought(member, "eleven", space_of(where))
    with pytest.raises(CuratorsOnly):
        roll_back(old.document, 1, page_of(member))


def test_nobody_goes_back_to_what_is_shown_or_never_was(member: User) -> None:
    old, new = brought(member, "ten"), brought(member, "eleven")
    failed = bring(space_of(member), "ferry.txt", b"x y z", member).version
    Path(failed.original.path).write_bytes(b" ")
    assert finish(failed).state == "failed"
    with pytest.raises(CurrentAlready):
        roll_back(old.document, new.number, page_of(member))
    for number in (failed.number, 0, 99):
        with pytest.raises(UnknownVersion):
            roll_back(old.document, number, page_of(member))
    remove(old.document)
    with pytest.raises(UnknownDocument):
        roll_back(old.document, 1, page_of(member))


def test_without_the_original_nobody_goes_back_and_nothing_is_left(member: User) -> None:
    old, _ = brought(member, "ten"), brought(member, "eleven")
    Path(old.original.path).unlink()
    with pytest.raises(OriginalMissing):
        roll_back(old.document, 1, page_of(member))
    assert old.document.versions.count() == 2


def test_removed_no_version_leaves_anything(member: User) -> None:
    old, _ = brought(member, "ten"), brought(member, "eleven")
    back = finish(roll_back(old.document, 1, page_of(member)))
    paths = [Path(version.original.path) for version in old.document.versions.all()]
    remove(back.document)
    assert not any(path.exists() for path in paths)
    counts = (Chunk.objects.count(), Embedding.objects.count(), Section.objects.count())
    assert counts == (0, 0, 0)
    assert not old.document.versions.exclude(sha256="", original="").exists()


def test_the_only_version_that_is_taken_away_takes_the_document_along(member: User) -> None:
    version = brought(member, "ten")
    answer = kept(asked(ASK, page_of(member)))
    remove_version(version)
    answer.refresh_from_db()
    assert (shown(member), answer.text) == ("", "")
    assert not Document.objects.kept().exists()
    assert state_of(version.pk).status == "removed"


def test_when_what_is_shown_is_taken_away_what_was_before_is_shown_again(member: User) -> None:
    old, new = brought(member, "ten"), brought(member, "eleven")
    path = Path(new.original.path)
    remove_version(new)
    assert shown(member) == ""
    assert work_on_next()
    assert "at ten" in shown(member) and "eleven" not in shown(member)
    assert (state_of(old.pk).status, state_of(old.pk).replaced_by) == ("ready", None)
    assert state_of(new.pk).status == "removed"
    assert numbers(old.document) == [(1, None, True)]
    assert not path.exists() and not new.sections.exists()
    assert not Chunk.objects.filter(chunking__version=new).exists()
    (entry,) = catalogue([space_of(member)])
    assert (entry.version, entry.status, entry.passages) == (1, "ready", 1)
    assert bring(space_of(member), "ferry.txt", text("ten"), member).outcome == "unchanged"


def test_an_older_version_that_is_taken_away_takes_only_answers_that_used_it(
    member: User,
) -> None:
    old = brought(member, "ten")
    first = kept(asked(ASK, page_of(member)))
    new = brought(member, "eleven")
    second = kept(asked(ASK, page_of(member)))
    assert list(first.versions.all()) == [old] and list(second.versions.all()) == [new]
    remove_version(old)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.text, first.sources.count()) == ("", 0)
    assert f"{CANARY}eleven" in second.text
    assert "eleven" in shown(member)
    assert not Section.objects.filter(text__contains=f"{CANARY}ten").exists()
    assert not old.document.versions.filter(pk=old.pk).exclude(original="", sha256="").exists()


def test_what_was_brought_back_of_it_goes_too(member: User) -> None:
    old, _ = brought(member, "ten"), brought(member, "eleven")
    finish(roll_back(old.document, 1, page_of(member)))
    remove_version(old)
    assert work_on_next()
    assert "eleven" in shown(member) and "at ten" not in shown(member)
    assert not Section.objects.filter(text__contains=f"{CANARY}ten").exists()
    assert numbers(old.document) == [(2, None, True)]


def test_one_that_is_still_waiting_is_taken_away(member: User) -> None:
    brought(member, "ten")
    waiting = bring(space_of(member), "ferry.txt", text("eleven"), member).version
    remove_version(waiting)
    assert not work_on_next()
    assert "at ten" in shown(member)
    assert not Path(waiting.original.path).exists()


def test_a_version_with_the_bytes_of_one_that_was_taken_away_is_new(member: User) -> None:
    brought(member, "ten")
    taken = brought(member, "eleven")
    remove_version(taken)
    work_on_next()
    again = bring(space_of(member), "ferry.txt", text("eleven"), member)
    assert (again.outcome, again.version.number) == ("replaced", 3)
    finish(again.version)
    assert "eleven" in shown(member)


def test_an_answer_that_used_a_version_taken_away_meanwhile_is_asked_anew(member: User) -> None:
    brought(member, "ten")
    new = brought(member, "eleven")

    def take() -> None:
        remove_version(new)
        work_on_next()

    events = asked(ASK, page_of(member), after={Delta: once(take)})
    assert any(isinstance(event, Restart) for event in events)
    assert f"{CANARY}ten" in kept(events).text and "eleven" not in kept(events).text


def test_between_taking_away_and_sweeping_nobody_is_shown_what_used_it(member: User) -> None:
    brought(member, "ten")
    new = brought(member, "eleven")
    answer = kept(asked(ASK, page_of(member)))
    removal.remove_version(new)
    spaces = readable_spaces(page_of(member))
    assert answer.text and not shown_to(Message.objects.filter(pk=answer.pk), spaces).exists()
