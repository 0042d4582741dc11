"""The team's documents follow the watched folders (DESIGN section 7)."""

import errno
import os
import re
import time
from pathlib import Path

import pytest
from django.core.management import call_command
from pytest_django import Settings

from backend.accounts.spaces import home, space_for, team_key
from backend.chat.models import Conversation, Message
from backend.chat.removal import remove
from backend.ingesting import work_on_next
from knowledge.models import Document, DocumentVersion, Space, WatchedFile
from knowledge.retrieval import search
from management import known_files, watching
from management.backing_up import back_up
from management.ingest_files import Listed, ingest
from management.reindexing import look_again, reindex
from management.restoring import restore
from tests.knowledge.fake_embedder import FakeEmbedder
from tests.transactions import rows_written

pytestmark = pytest.mark.usefixtures("data", "fake")


@pytest.fixture
def team(data: Path) -> Space:
    return space_for(team_key(home()))


@pytest.fixture
def folder(data: Path, settings: Settings) -> Path:
    folder = data.parent / "watched"
    (folder / "sub").mkdir(parents=True)
    settings.WATCH_FOLDERS = [folder]
    write(folder / "heron.txt", "The heron eats fish.")
    write(folder / "sub" / "badger.txt", "The badger digs at night.")
    return folder


def write(path: Path, text: str, *, age: float = 60.0) -> None:
    """As if it had been written some seconds ago."""
    path.write_text(text)
    os.utime(path, (time.time() - age, time.time() - age))


def counts(told: str) -> tuple[int, ...]:
    """New, changed, moved, removed, unchanged."""
    found = re.match(r"(\d+) new files, (\d+) ch\w+, (\d+) m\w+, (\d+) r\w+, (\d+) unch", told)
    assert found is not None, told
    return tuple(int(number) for number in found.groups())


def looked() -> tuple[int, ...]:
    """Look again, and read what is queued."""
    found = counts(reindex())
    while work_on_next():
        pass
    return found


def texts() -> dict[str, str]:
    """What is found of each document."""
    passages = search("heron badger otter", list(Space.objects.filter(key="team:home")), 50)
    return {passage.document: passage.text for passage in passages}


@pytest.fixture
def trusting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are not too young to be trusted, though they were written just now."""
    monkeypatch.setattr(known_files, "TICK_NS", -(10**18))


def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that are read from now on."""
    paths: list[str] = []
    read_file = watching.read_file

    def read(path: Path | str) -> watching.FileRead:
        paths.append(Path(path).name)
        return read_file(path)

    monkeypatch.setattr("management.reindexing.read_file", read)
    return paths


def test_new_changed_and_deleted_files_are_followed(folder: Path, team: Space) -> None:
    assert looked() == (2, 0, 0, 0, 0)
    write(folder / "otter.txt", "The otter swims.")
    write(folder / "heron.txt", "The heron eats frogs.")
    (folder / "sub" / "badger.txt").unlink()

    assert looked() == (1, 1, 0, 1, 0)
    assert texts() == {"heron.txt": "The heron eats frogs.", "otter.txt": "The otter swims."}
    assert looked() == (0, 0, 0, 0, 2)


def test_what_is_unchanged_is_neither_read_nor_embedded(
    folder: Path, fake: type[FakeEmbedder], trusting: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked()
    fake.embedded.clear()
    paths = opened(monkeypatch)
    assert looked() == (0, 0, 0, 0, 2)
    assert paths == [] and fake.embedded == []


def test_a_file_that_was_touched_is_read_and_not_queued(
    folder: Path, trusting: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked()
    (folder / "heron.txt").touch()
    paths = opened(monkeypatch)
    assert looked() == (0, 0, 0, 0, 2)
    assert paths == ["heron.txt"]
    assert looked() == (0, 0, 0, 0, 2) and paths == ["heron.txt"]
    assert DocumentVersion.objects.count() == 2


def test_a_file_written_within_the_tick_of_the_last_look_is_not_missed(folder: Path) -> None:
    """Size and times are the same; only the time of looking tells."""
    path = folder / "heron.txt"
    path.write_text("The heron eats fish.")
    looked()
    row = WatchedFile.objects.get(origin=str(path))
    path.write_text("The heron eats eels.")
    state = path.stat()
    WatchedFile.objects.filter(pk=row.pk).update(
        modified_ns=state.st_mtime_ns, changed_ns=state.st_ctime_ns
    )
    assert looked() == (0, 1, 0, 0, 1)
    assert texts()["heron.txt"] == "The heron eats eels."


def test_a_file_with_the_old_size_and_date_is_not_missed(folder: Path, trusting: None) -> None:
    path = folder / "heron.txt"
    looked()
    before = path.stat()
    path.write_text("The heron eats eels.")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    assert looked() == (0, 1, 0, 0, 1)


def test_a_folder_that_reads_empty_or_is_missing_deletes_nothing(
    folder: Path, team: Space, settings: Settings
) -> None:
    other = folder.parent / "other"
    other.mkdir()
    write(other / "otter.txt", "The otter swims.")
    write(other / "lynx.txt", "The lynx hides.")
    settings.WATCH_FOLDERS = [folder, other]
    looked()
    (other / "lynx.txt").unlink()

    aside = folder.rename(folder.parent / "aside")
    told = reindex()
    assert "watched can't be read (No such file or directory)" in told
    assert counts(told) == (0, 0, 0, 1, 1), "the other folder goes on"
    (folder / "sub").mkdir(parents=True)
    told = reindex()
    assert "watched reads empty; what is known of it stays." in told
    assert Document.objects.kept().count() == 3
    (folder / "sub").rmdir()
    folder.rmdir()
    aside.rename(folder)
    assert looked() == (0, 0, 0, 0, 3)


def test_a_watched_folder_within_another_that_reads_empty_or_is_missing_deletes_nothing(
    folder: Path, team: Space, settings: Settings
) -> None:
    inner = folder / "sub"
    for order in ([folder, inner], [inner, folder]):
        settings.WATCH_FOLDERS = order
        looked()
        aside = (inner / "badger.txt").rename(folder.parent / "badger.txt")

        told = reindex()
        assert counts(told) == (0, 0, 0, 0, 1)
        assert told.endswith(f"unchanged. {inner} reads empty; what is known of it stays.")

        inner.rmdir()
        told = reindex()
        assert counts(told) == (0, 0, 0, 0, 1)
        assert f"{inner} can't be read (No such file or directory)" in told

        inner.mkdir()
        aside.rename(inner / "badger.txt")
        assert looked() == (0, 0, 0, 0, 2)
    write(inner / "otter.txt", "The otter swims.")
    looked()
    (inner / "otter.txt").unlink()
    assert looked() == (0, 0, 0, 1, 2)


def test_what_is_unreadable_stays_and_is_named(
    folder: Path, team: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tests may run as root, whom no permission stops: a folder fails as it would fail."""
    looked()
    scandir, os_open = os.scandir, os.open

    def refusing(path: str) -> object:
        if str(path).endswith("sub"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    def refusing_heron(path: str, *arguments: int, **named: int) -> int:
        if str(path).endswith("heron.txt"):
            raise PermissionError(13, "Permission denied", path)
        return os_open(path, *arguments, **named)

    monkeypatch.setattr(os, "scandir", refusing)
    monkeypatch.setattr(os, "open", refusing_heron)
    write(folder / "heron.txt", "The heron eats frogs.")
    (folder / "sub" / "badger.txt").unlink()  # as it looks to whom the folder is closed
    told = reindex()
    assert f"{folder}/sub can't be read (Permission denied)" in told
    assert f"{folder}/heron.txt can't be read (Permission denied)" in told
    assert counts(told)[3] == 0 and Document.objects.kept().count() == 2
    monkeypatch.undo()


def test_files_of_a_disk_that_was_taken_out_stay(folder: Path, team: Space) -> None:
    looked()
    WatchedFile.objects.filter(origin__endswith="badger.txt").update(device=12345)
    (folder / "sub" / "badger.txt").unlink()
    assert "badger.txt was on a disk that isn't there" in reindex()
    assert Document.objects.kept().count() == 2


def test_a_document_that_was_removed_by_hand_is_left_alone(folder: Path, team: Space) -> None:
    looked()
    remove(Document.objects.get(name="heron.txt"))
    assert looked()[:4] == (0, 0, 0, 0)
    write(folder / "heron.txt", "The heron eats frogs.")
    assert looked()[:4] == (0, 0, 0, 0) and texts().keys() == {"badger.txt"}
    assert ingest(team, Listed(folder / "heron.txt", in_folder=False)).outcome == "ingested"
    write(folder / "heron.txt", "The heron eats eels.")
    assert looked()[:4] == (0, 1, 0, 0)
    (folder / "heron.txt").unlink()
    assert looked()[:4] == (0, 0, 0, 1)


def test_a_copy_of_what_was_removed_by_hand_does_not_bring_it_back(
    folder: Path, team: Space
) -> None:
    write(folder / "copy.txt", "The heron eats fish.")
    looked()
    document = Document.objects.get(name__in=("heron.txt", "copy.txt"))
    remove(document)
    assert looked()[:4] == (0, 0, 0, 0)
    for name in ("heron.txt", "copy.txt"):  # also when it changes
        write(folder / name, f"The heron writes {name}.")
    assert looked()[:4] == (0, 0, 0, 0)


def test_a_file_that_was_deleted_may_come_back(folder: Path, team: Space) -> None:
    looked()
    (folder / "heron.txt").unlink()
    assert looked() == (0, 0, 0, 1, 1)
    write(folder / "heron.txt", "The heron eats fish.")
    assert looked() == (1, 0, 0, 0, 1)
    assert texts()["heron.txt"] == "The heron eats fish."


def test_answers_that_used_a_deleted_file_are_erased(folder: Path, team: Space) -> None:
    looked()
    conversation = Conversation.objects.create(workspace=home(), title="herons")
    answer = Message.objects.create(conversation=conversation, speaker="assistant", text="Fish.")
    answer.versions.add(DocumentVersion.objects.get(document__name="heron.txt"))
    (folder / "heron.txt").unlink()
    looked()
    assert Message.objects.get().text == ""


def test_a_file_that_moves_keeps_its_document(
    folder: Path, team: Space, fake: type[FakeEmbedder]
) -> None:
    looked()
    before = Document.objects.get(name="heron.txt")
    fake.embedded.clear()
    (folder / "heron.txt").rename(folder / "sub" / "heron.txt")
    assert looked() == (0, 0, 1, 0, 1)
    assert Document.objects.kept().get(name="heron.txt").pk == before.pk
    assert fake.embedded == []
    write(folder / "sub" / "heron.txt", "The heron eats frogs.")
    assert looked()[:4] == (0, 1, 0, 0)
    assert Document.objects.kept().count() == 2


def test_a_file_that_is_renamed_is_found_by_its_new_name(folder: Path, team: Space) -> None:
    looked()
    before = Document.objects.get(name="heron.txt")
    (folder / "heron.txt").rename(folder / "kingfisher.txt")
    assert looked() == (0, 0, 1, 0, 1)
    assert Document.objects.kept().get(name="kingfisher.txt").pk == before.pk
    passages = search("kingfisher", [team], 1)
    assert passages[0].document == "kingfisher.txt"
    assert looked() == (0, 0, 0, 0, 2)


def test_copies_are_one_document_until_they_differ(
    folder: Path, team: Space, trusting: None
) -> None:
    write(folder / "copy.txt", "The heron eats fish.")
    looked()
    document = Document.objects.get(name__in=("heron.txt", "copy.txt"))
    write(Path(document.origin), "The heron eats frogs.")
    looked()
    assert sorted(texts().values()) == [
        "The badger digs at night.",
        "The heron eats fish.",
        "The heron eats frogs.",
    ]
    assert looked() == (0, 0, 0, 0, 3)


def test_of_two_copies_either_may_go(folder: Path, team: Space) -> None:
    write(folder / "copy.txt", "The heron eats fish.")
    looked()
    origin = Document.objects.get(origin__contains="watched/", name__in=("heron.txt", "copy.txt"))
    Path(origin.origin).unlink()
    assert looked() == (0, 0, 1, 0, 1)
    assert "The heron eats fish." in texts().values()


def test_a_document_that_was_read_from_elsewhere_stays_when_a_copy_goes(
    folder: Path, team: Space
) -> None:
    elsewhere = folder.parent / "heron.txt"
    elsewhere.write_text("The heron eats fish.")
    ingest(team, Listed(elsewhere, in_folder=False))
    looked()
    (folder / "heron.txt").unlink()
    assert looked()[:4] == (0, 0, 0, 0)
    assert texts()["heron.txt"] == "The heron eats fish."


def test_a_file_that_takes_on_the_text_of_another_leaves_none_of_its_own(
    folder: Path, team: Space
) -> None:
    looked()
    write(folder / "heron.txt", "The badger digs at night.")
    looked()
    assert texts() == {"badger.txt": "The badger digs at night."}


def test_a_refused_file_is_named_once_it_changes_and_keeps_what_it_said(
    folder: Path, team: Space, trusting: None
) -> None:
    looked()
    (folder / "heron.txt").write_bytes(b"")
    assert "heron.txt: The file is empty" in reindex()
    assert texts()["heron.txt"] == "The heron eats fish."
    assert "empty" not in reindex()
    (folder / "heron.txt").unlink()
    assert looked()[3] == 1


def test_loops_pipes_hidden_files_and_strange_names_are_no_obstacle(
    folder: Path, team: Space
) -> None:
    (folder / "sub" / "up").symlink_to(folder, target_is_directory=True)
    (folder / "loop.txt").symlink_to("loop.txt")
    (folder / "nowhere.txt").symlink_to("missing")
    (folder / ".hidden.txt").write_text("The heron hides.")
    (folder / "film.mp4").write_bytes(b"film")
    os.mkfifo(folder / "pipe.txt")
    for name in (b"\xff.txt", b"\xfe.txt"):
        write(folder / os.fsdecode(name), f"The otter writes {name!r}.")
    assert looked() == (4, 0, 0, 0, 0)
    assert looked() == (0, 0, 0, 0, 4)
    (folder / os.fsdecode(b"\xff.txt")).unlink()
    assert looked() == (0, 0, 0, 1, 3)


def test_a_link_to_a_file_is_followed_where_it_leads_now(folder: Path, team: Space) -> None:
    for number in (1, 2):
        (folder.parent / f"{number}.txt").write_text(f"The otter of day {number} swims.")
    link = folder / "otter.txt"
    link.symlink_to(folder.parent / "1.txt")
    looked()
    link.unlink()
    link.symlink_to(folder.parent / "2.txt")
    assert looked()[:4] == (0, 1, 0, 0)
    assert texts()["otter.txt"] == "The otter of day 2 swims."


def test_a_file_that_a_folder_or_a_pipe_has_replaced_is_gone(folder: Path, team: Space) -> None:
    for name in ("otter", "lynx"):
        write(folder / f"{name}.txt", f"The {name} swims.")
    looked()
    for name in ("heron.txt", "otter.txt", "lynx.txt"):
        (folder / name).unlink()
    (folder / "heron.txt").mkdir()
    os.mkfifo(folder / "otter.txt")
    (folder / "lynx.txt").symlink_to(folder / "sub", target_is_directory=True)

    assert looked() == (0, 0, 0, 3, 1)
    assert texts().keys() == {"badger.txt"}


def test_a_link_that_leads_nowhere_keeps_its_document_and_is_named(
    folder: Path, team: Space
) -> None:
    write(folder.parent / "otter.txt", "The otter swims.")
    (folder / "otter.txt").symlink_to(folder.parent / "otter.txt")
    (folder / "loop.txt").symlink_to("loop.txt")  # of which nothing was ever known
    looked()
    (folder.parent / "otter.txt").unlink()
    nowhere = f"{folder}/otter.txt is a link that leads nowhere; what is known of it stays."

    told = reindex()

    assert counts(told) == (0, 0, 0, 0, 2)
    assert told.endswith(nowhere)
    assert "loop" not in told and "otter.txt" in texts()
    (folder / "otter.txt").unlink()
    (folder / "otter.txt").symlink_to("otter.txt")
    assert reindex().endswith(nowhere) and "otter.txt" in texts()


def test_a_file_that_the_disk_does_not_tell_of_keeps_its_document_and_is_named(
    folder: Path, team: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked()
    heron, stat = folder / "heron.txt", Path.stat

    def failing(path: Path, **more: bool) -> os.stat_result:
        if path == heron:
            raise OSError(errno.EIO, "Input/output error", str(path))
        return stat(path, **more)

    heron.unlink()
    with monkeypatch.context() as disk:
        disk.setattr(Path, "stat", failing)
        told = reindex()
    assert told.endswith(f"{heron} can't be read (Input/output error); what is known of it stays.")
    assert "heron.txt" in texts()
    assert looked()[3] == 1


def test_a_file_becomes_a_pipe_while_it_is_looked_at(folder: Path) -> None:
    os.mkfifo(folder / "pipe.txt")
    with pytest.raises(OSError, match="no regular file"):
        watching.read_file(folder / "pipe.txt")


def test_documents_of_before_files_were_kept_track_of_are_followed(
    folder: Path, team: Space
) -> None:
    looked()
    WatchedFile.objects.all().delete()
    (folder / "heron.txt").unlink()
    assert look_again(thorough=True).removed == 1


def test_what_failed_is_tried_again_at_the_start_only(
    folder: Path, team: Space, capsys: pytest.CaptureFixture[str], settings: Settings
) -> None:
    looked()
    DocumentVersion.objects.filter(document__name="heron.txt").update(state="failed")
    assert looked() == (0, 0, 0, 0, 2)
    assert len(look_again(thorough=True).waiting) == 1
    settings.PORT = 0
    call_command("prepare")
    assert "2 documents of the watched folders are in place." in capsys.readouterr().out
    assert set(DocumentVersion.objects.values_list("state", flat=True)) == {"ready"}


def test_after_a_restore_a_file_that_was_deleted_and_comes_back_is_read(
    folder: Path, team: Space
) -> None:
    looked()
    done = back_up()
    (folder / "heron.txt").unlink()
    looked()
    restore(done.path)
    assert Document.objects.kept().count() == 1
    looked()
    write(folder / "heron.txt", "The heron eats fish.")
    assert looked()[0] == 1
    assert texts()["heron.txt"] == "The heron eats fish."


def test_many_files_are_noted_and_forgotten_in_small_transactions(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_files, "ROWS", 5)
    files = [folder / f"{number}.txt" for number in range(20)]
    for file in files:
        write(file, f"Locker {file.stem} is Anna's.")
    with rows_written() as noted:
        reindex()
    assert WatchedFile.objects.count() == 22 and max(noted) <= 5
    for file in files:
        file.unlink()
    with rows_written() as forgotten:
        reindex()
    assert WatchedFile.objects.count() == 2 and max(forgotten) <= 5
