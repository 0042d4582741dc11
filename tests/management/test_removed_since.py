"""After a restore, what the replaced store has removed, answered and done since stays so."""

from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import Settings

from backend.accounts.models import Forgotten, User
from backend.accounts.spaces import home, personal_key, space_for
from backend.chat.forgetting import forget
from backend.chat.models import Conversation, Message
from backend.chat.removal import remove
from backend.ingesting import finish, work_on_next
from backend.jobs import slots
from backend.jobs.models import Slot, SlotState
from backend.jobs.registry import JOBS
from bot import inbox
from bot.incoming import Deleted, Key, Said
from bot.models import InboxItem, ItemState, Kind, ReadMark
from knowledge.ingestion import add_document
from knowledge.models import Document, DocumentVersion, Space
from knowledge.removal import remove_version
from management.backing_up import back_up
from management.restoring import restore
from tests.management.stores import found, originals, person, put, said, wipe

pytestmark = pytest.mark.usefixtures("data", "fake")


def test_what_was_removed_since_the_backup_is_removed_again(
    data: Path, its_team: Space, filled: dict[str, Document], settings: Settings
) -> None:
    done = back_up()
    remove(Document.objects.get(name="badger.txt"))
    lynx = finish(
        add_document(its_team, "lynx.txt", b"The lynx hides.", origin="docs/lynx.txt").version
    )
    remove(lynx.document)

    restored = restore(done.path)

    assert restored.removals_known and restored.applied.documents == 1
    assert "badger.txt" not in {name for name, _, _ in found("badger digs at night")}
    assert len(originals()) == 2
    assert b"badger digs" not in (data / "askwell.sqlite3").read_bytes()
    # A watched file whose document was removed by hand stays left alone.
    assert Document.objects.exclude(removed_at=None).filter(origin="docs/lynx.txt").exists()


def test_an_answer_that_used_a_document_removed_since_is_erased(
    data: Path, filled: dict[str, Document]
) -> None:
    conversation = Conversation.objects.create(workspace=home(), title="badgers")
    answer = Message.objects.create(
        conversation=conversation, speaker="assistant", text="It digs at night."
    )
    answer.versions.add(DocumentVersion.objects.get(document__name="badger.txt"))
    done = back_up()
    remove(Document.objects.get(name="badger.txt"))
    restore(done.path)
    assert Message.objects.get(pk=answer.pk).text == ""


def test_a_version_that_was_removed_since_is_removed_again(data: Path, its_team: Space) -> None:
    put(its_team, "The heron eats fish.", "heron.txt")
    put(its_team, "The heron eats canaries.", "heron.txt")
    done = back_up()
    remove_version(DocumentVersion.objects.get(number=2))
    restore(done.path)
    while work_on_next():
        pass
    assert [text for _, text, _ in found("heron")] == ["The heron eats fish."]
    assert b"eats canaries" not in (data / "askwell.sqlite3").read_bytes()


def test_somebody_who_was_forgotten_since_is_forgotten_again(data: Path, its_team: Space) -> None:
    place = person("U1")
    assert place.user is not None
    put(space_for(personal_key(home(), place.user)), "My secret hobby is juggling.", "mine.txt")
    conversation = Conversation.objects.create(workspace=home(), user=place.user, title="juggling")
    conversation.messages.create(speaker="user", text="How do I juggle?", asker=place.user)
    other = person("U2")
    inbox.take(Said(Key("slack", "T1", "C1", "1.1"), sender="U1", text="juggling?"))
    done = back_up()
    forget(place)

    restored = restore(done.path)

    assert restored.applied.people == 1
    assert list(User.objects.all()) == [other.user]
    assert not Message.objects.exists() and not Document.objects.exists()
    assert set(InboxItem.objects.values_list("text", "state")) == {("", ItemState.VOID)}
    assert b"juggl" not in (data / "askwell.sqlite3").read_bytes()


def test_somebody_who_came_back_before_the_backup_stays(data: Path, its_team: Space) -> None:
    forget(person("U1"))
    person("U1")
    done = back_up()
    for _ in range(2):
        assert restore(done.path).applied.people == 0
    assert User.objects.count() == 1 and Forgotten.objects.count() == 2


def test_a_restore_of_a_restore_still_forgets(data: Path, its_team: Space) -> None:
    before = back_up(data / "before.zip")
    place = person("U1")
    first, second = back_up(data / "first.zip"), back_up(data / "second.zip")
    forget(place)
    for done, people in ((second, 1), (first, 1), (before, 0), (first, 1)):
        assert restore(done.path).applied.people == people
    assert not User.objects.exists()


def states() -> dict[str, tuple[str, bool]]:
    rows = InboxItem.objects.values_list("message", "state", "settled")
    return {message: (state, settled) for message, state, settled in rows}


def test_what_was_answered_since_is_not_answered_again(data: Path, its_team: Space) -> None:
    for message in ("1", "2", "3"):
        inbox.take(said(message))
    ReadMark.objects.create(platform="slack", installation="T1", channel="C1", read_until="3")
    done = back_up()
    InboxItem.objects.filter(message="1").update(state=ItemState.ANSWERED, settled=True)
    inbox.take(Deleted(said("2")))
    inbox.take(said("4"))
    InboxItem.objects.filter(message="4").update(state=ItemState.ANSWERED, settled=True)
    ReadMark.objects.update(read_until="4")

    restored = restore(done.path)

    assert restored.applied.unanswered == 1  # the first: whether it was answered can't be told
    assert states() == {
        "1": (ItemState.FAILED, True),
        "2": (ItemState.VOID, True),
        "3": (ItemState.RECEIVED, False),
        "4": (ItemState.VOID, True),
    }
    assert not inbox.take(said("4"))
    assert ReadMark.objects.get().read_until == "4"


def test_in_an_empty_place_nothing_of_the_chat_is_answered_twice(
    data: Path, its_team: Space
) -> None:
    inbox.take(said("1"))
    ReadMark.objects.create(platform="slack", installation="T1", channel="", read_until="1")
    done = back_up()
    wipe(data)
    restored = restore(done.path)
    assert restored.applied.unanswered == 1
    assert states() == {"1": (ItemState.FAILED, True)}
    assert not ReadMark.objects.exists()


def test_what_became_too_old_since_is_deleted_again(data: Path, its_team: Space) -> None:
    done = back_up()
    now = timezone.now()
    for job in ("clean_history", "purge", "reindex"):
        at = JOBS[job].slot_at(now)
        times = dict.fromkeys(("at", "began_at", "ended_at"), at)
        Slot.objects.create(job=job, state=SlotState.DONE, did="Done.", **times)
    restore(done.path)
    due = slots.due(now)
    assert "clean_history" in due and "purge" in due and "reindex" not in due


def test_a_job_that_was_done_since_is_not_due_again_and_admins_can_be_told(
    data: Path, its_team: Space
) -> None:
    done = back_up()
    times = dict.fromkeys(("at", "began_at", "ended_at"), timezone.now())
    slot = Slot.objects.create(job="digest", state=SlotState.DONE, did="Told.", **times)
    notice = said("notice-1")
    inbox.take(notice)
    InboxItem.objects.update(kind=Kind.NOTICE)
    restore(done.path)
    assert Slot.objects.get().at == slot.at
    assert inbox.take(notice), "the first notice of the restored store"
