"""Removing a document: from search at once, then its text, and the answers that used it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.db import connection

from backend.accounts.audience import Place
from backend.chat.models import Conversation, Message, Source, Speaker
from backend.chat.removal import remove, sweep_removed
from backend.library.versions import remove_version
from knowledge.models import Chunk, Document, Embedding, Section, Space
from knowledge.removal import purge_removed, remove_document
from knowledge.retrieval import search
from tests.backend.talk import asked, conversation_of, kept
from tests.conftest import AddText
from tests.simulators.openai import OpenAISimulator

pytestmark = pytest.mark.django_db(transaction=True)

LEAVE = "How long is parental leave?"
CANARY = "ospreyquokka"
TEXT = f"Parental leave is sixteen weeks long, says {CANARY}. It may be split."


def texts() -> str:
    rows = Message.objects.values_list("text", "notice", "sources__excerpt")
    return repr(list(rows))


def test_an_answer_that_used_a_removed_document_loses_text_and_sources(
    mine: Place, add_text: AddText
) -> None:
    version = add_text(TEXT)
    message = kept(asked(LEAVE, mine))
    assert CANARY in message.text
    assert message.sources.count() == 1
    remove(version.document)
    message.refresh_from_db()
    assert (message.text, message.notice, message.sources.count()) == ("", "", 0)
    assert message.erased_at is not None
    assert CANARY not in texts()
    assert message.conversation.messages.filter(speaker=Speaker.USER, text=LEAVE).exists()


def test_an_answer_loses_its_text_also_where_it_did_not_cite_the_document(
    mine: Place, add_text: AddText, talking: OpenAISimulator
) -> None:
    version = add_text(TEXT)
    talking.faults.answer = f"Long, says {CANARY}."
    message = kept(asked(LEAVE, mine))
    assert message.sources.count() == 0
    remove(version.document)
    message.refresh_from_db()
    assert message.text == ""


def test_unrelated_answers_are_left_alone(mine: Place, personal: Space, add_text: AddText) -> None:
    version = add_text(TEXT, space=personal)
    add_text("The cafeteria opens at seven in the morning.", "cafeteria.txt")
    assert mine.user is not None
    other = kept(asked("When does the cafeteria open?", Place(mine.workspace)))
    hello = kept(asked("hello", mine))
    before = list(Message.objects.filter(pk__in=(other.pk, hello.pk)).values())
    sources = list(Source.objects.values())
    asked(LEAVE, mine)
    remove(version.document)
    assert list(Message.objects.filter(pk__in=(other.pk, hello.pk)).values()) == before
    assert list(Source.objects.values()) == sources


def test_only_the_removed_document_goes(team: Space, add_text: AddText) -> None:
    gone, stays = add_text(TEXT, "gone.txt"), add_text(TEXT + " Really.", "stays.txt")
    remove(gone.document)
    assert {passage.document for passage in search(LEAVE, [team], 8)} == {"stays.txt"}
    assert set(Section.objects.values_list("version", flat=True)) == {stays.pk}
    assert Embedding.objects.count() == Chunk.objects.count() > 0
    assert Path(stays.original.path).exists()


def test_the_same_bytes_in_another_space_stay(
    team: Space, personal: Space, add_text: AddText
) -> None:
    gone, stays = add_text(TEXT), add_text(TEXT, space=personal)
    remove(gone.document)
    assert search(LEAVE, [team], 8) == []
    assert [passage.version_id for passage in search(LEAVE, [personal], 8)] == [stays.pk]
    assert Path(stays.original.path).read_text() == TEXT


Step = Callable[[Document], object]
STEPS: list[Step] = [remove_document, lambda document: sweep_removed()]


@pytest.mark.parametrize("done", [0, 1, 2])
def test_a_removal_that_broke_off_is_finished_by_the_next_sweep(
    mine: Place, team: Space, add_text: AddText, done: int
) -> None:
    document = add_text(TEXT).document
    asked(LEAVE, mine)
    for step in STEPS[:done]:
        step(document)
    if done:
        assert search(LEAVE, [team], 8) == []
    for step in STEPS:
        step(document)
    assert CANARY not in texts()
    assert (Chunk.objects.count(), Section.objects.count(), Source.objects.count()) == (0, 0, 0)


def test_answers_are_erased_also_where_the_text_was_purged_first(
    mine: Place, add_text: AddText
) -> None:
    document = add_text(TEXT).document
    message = kept(asked(LEAVE, mine))
    remove_document(document)
    purge_removed()
    sweep_removed()
    message.refresh_from_db()
    assert (message.text, message.sources.count()) == ("", 0)


def test_an_original_that_is_gone_already_stops_no_purge(add_text: AddText) -> None:
    version = add_text(TEXT)
    Path(version.original.path).unlink()
    remove(version.document)
    document = Document.objects.get()
    assert document.purged_at is not None


def test_an_original_that_cannot_be_deleted_holds_up_no_other(
    mine: Place, team: Space, add_text: AddText, caplog: pytest.LogCaptureFixture
) -> None:
    stuck, other = add_text(TEXT, "leave.txt"), add_text("Lunch is at noon.", "lunch.txt")
    add_text("Tea is at four.", "tea.txt")
    third = add_text("Tea is at five.", "tea.txt")
    path = Path(stuck.original.path)
    path.unlink()
    path.mkdir()  # which no storage deletes as a file
    (path / "in the way").touch()
    remove(stuck.document)
    remove(other.document)
    remove_version(third)
    assert not Chunk.objects.filter(chunking__version__in=[stuck, other, third]).exists()
    assert not Path(other.original.path).exists() and not Path(third.original.path).exists()
    waiting = Document.objects.filter(removed_at__isnull=False, purged_at=None)
    assert waiting.get() == stuck.document
    assert purge_removed() == 0
    assert caplog.text.count(f"The original {stuck.original} can't be deleted.") == 1

    (path / "in the way").unlink()
    path.rmdir()
    path.touch()
    assert purge_removed() == 1
    assert not path.exists() and not waiting.exists()
    stuck.refresh_from_db()
    assert (str(stuck.original), stuck.sha256) == ("", "")


def test_removing_twice_changes_nothing_more(mine: Place, team: Space, add_text: AddText) -> None:
    document = add_text(TEXT).document
    message = kept(asked(LEAVE, mine))
    remove(document)
    first = (Document.objects.values().get(), Message.objects.values().get(pk=message.pk))
    remove(document)
    sweep_removed()
    assert (Document.objects.values().get(), Message.objects.values().get(pk=message.pk)) == first
    assert purge_removed() == 0


def test_every_version_of_a_document_goes(mine: Place, team: Space, add_text: AddText) -> None:
    old = add_text(TEXT)
    message = kept(asked(LEAVE, mine))
    new = add_text(TEXT + " Or more.")
    assert old.document == new.document
    paths = [Path(old.original.path), Path(new.original.path)]
    remove(new.document)
    message.refresh_from_db()
    assert message.text == ""
    assert not any(path.exists() for path in paths)
    assert not Section.objects.exists()
    assert not new.document.versions.exclude(sha256="", original="").exists()


def test_more_answers_than_a_batch_are_erased(
    mine: Place, add_text: AddText, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.chat.removal.BATCH", 2)
    version = add_text(TEXT)
    talk = Conversation.objects.create(workspace=mine.workspace, user=mine.user, title="t")
    for _ in range(5):
        talk.messages.create(speaker=Speaker.ASSISTANT, text=CANARY).versions.add(version)
    remove(version.document)
    assert Message.objects.filter(text="").count() == 5


def test_follow_ups_that_repeat_a_removed_document_are_erased_with_it(
    mine: Place, personal: Space, add_text: AddText, talking: OpenAISimulator
) -> None:
    version = add_text(TEXT, space=personal)
    add_text("The cafeteria opens at seven in the morning.", "cafeteria.txt")
    conversation = conversation_of(asked(LEAVE, mine))
    for question in ("When does the cafeteria open?", "Is the cafeteria open in the morning?"):
        assert CANARY in kept(asked(question, mine, conversation)).text
    remove(version.document)
    assert CANARY not in texts()


def test_nothing_of_a_removed_document_is_left_in_the_files(mine: Place, add_text: AddText) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("looks into SQLite's file")
    long = "\n\n".join(f"{TEXT} Paragraph {n} of {CANARY}." for n in range(30))
    version = add_text(long)
    add_text("The cafeteria opens at seven in the morning.", "cafeteria.txt")
    asked(LEAVE, mine)
    _checkpoint()
    assert CANARY.encode() in _database().read_bytes()
    original = Path(version.original.path)
    assert CANARY.encode() in original.read_bytes()
    remove(version.document)
    _checkpoint()
    data = _database().read_bytes()
    assert CANARY.encode() not in data
    assert version.sha256.encode() not in data
    folders = (Path(django_settings.MEDIA_ROOT), Path(django_settings.SNAPSHOT_DIR))
    left = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert not any(CANARY.encode() in path.read_bytes() for path in left)
    assert not original.exists()


def _database() -> Path:
    return Path(str(connection.settings_dict["NAME"]))


def _checkpoint() -> None:
    """Bring everything into the main file, and empty the log."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        blocked, *_ = cursor.fetchone()
    assert not blocked
    log = _database().with_name(_database().name + "-wal")
    assert not log.exists() or log.stat().st_size == 0
