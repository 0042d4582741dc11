"""A restore over a damaged store: what can still be read there is applied, and the rest is told."""

import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from backend.accounts.models import User
from backend.chat.forgetting import forget
from backend.chat.removal import remove
from backend.jobs.models import Slot, SlotState
from bot import inbox
from bot.incoming import Deleted
from bot.models import InboxItem, ItemState, ReadMark
from knowledge.models import Document, DocumentVersion, Space
from knowledge.removal import remove_version
from management.backing_up import Backup, back_up
from management.replaced import born, read_replaced
from management.restoring import restore
from tests.management.stores import TEXTS, found, person, put, said

pytestmark = pytest.mark.usefixtures("data", "fake")


@pytest.fixture
def done(data: Path, its_team: Space, filled: dict[str, Document]) -> Backup:
    """A backup, of which everything that can be removed was removed since."""
    put(its_team, "The heron eats canaries.", "heron.txt")
    place = person("U1")
    for message in ("1", "2"):
        inbox.take(said(message))
    made = back_up(data / "before.zip")
    remove(Document.objects.get(name="badger.txt"))
    remove_version(DocumentVersion.objects.get(number=2))
    forget(place)
    inbox.take(Deleted(said("2")))
    ReadMark.objects.create(platform="slack", installation="T1", channel="C1", read_until="2")
    times = dict.fromkeys(("at", "began_at", "ended_at"), timezone.now())
    Slot.objects.create(job="digest", state=SlotState.DONE, did="Told.", **times)
    connection.close()
    with closing(sqlite3.connect(data / "askwell.sqlite3")) as rows:
        rows.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return made


def overwrite(table: str) -> Callable[[Path], None]:
    """Damage the first page of the table."""

    def damage(path: Path) -> None:
        with closing(sqlite3.connect(path)) as rows:
            (page,) = rows.execute(
                "SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)
            ).fetchone()
            (size,) = rows.execute("PRAGMA page_size").fetchone()
        with path.open("r+b") as file:
            file.seek((page - 1) * size)
            file.write(b"\xa5" * size)

    return damage


def change(statement: str) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        with closing(sqlite3.connect(path)) as rows:
            rows.execute("PRAGMA ignore_check_constraints=ON")
            rows.execute(statement)
            rows.commit()

    return damage


def cut_off(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


FIRST_REMOVED = "removed_at IS NOT NULL"
DAMAGES: list[tuple[Callable[[Path], None], set[str]]] = [
    (overwrite("knowledge_document"), {"documents"}),
    (overwrite("knowledge_space"), {"documents"}),
    (overwrite("knowledge_documentversion"), {"versions"}),
    (overwrite("accounts_forgotten"), {"forgotten"}),
    (overwrite("bot_inboxitem"), {"later"}),
    (overwrite("bot_readmark"), {"later"}),
    (overwrite("jobs_slot"), {"done"}),
    (change("DROP TABLE accounts_forgotten"), {"forgotten"}),
    (change(f"UPDATE knowledge_document SET id = 'x' WHERE {FIRST_REMOVED}"), {"documents"}),
    (
        change(f"UPDATE knowledge_document SET removed_at = 'x' WHERE {FIRST_REMOVED}"),
        {"documents"},
    ),
    (change(f"UPDATE knowledge_document SET name = x'ff' WHERE {FIRST_REMOVED}"), {"documents"}),
    (
        change(f"UPDATE knowledge_document SET name = CAST(x'ff' AS TEXT) WHERE {FIRST_REMOVED}"),
        {"documents"},
    ),
    (
        change("UPDATE knowledge_documentversion SET number = 'two' WHERE state = 'removed'"),
        {"versions"},
    ),
    (change("UPDATE knowledge_documentversion SET created_at = 5"), {"versions"}),
    (change("UPDATE accounts_forgotten SET at = x'00'"), {"forgotten"}),
    (change("UPDATE bot_inboxitem SET channel = x'00'"), {"later"}),
    (change("UPDATE bot_readmark SET read_until = x'00'"), {"later"}),
    (change("UPDATE jobs_slot SET ended_at = 'never'"), {"done"}),
]


@pytest.mark.parametrize("number", range(len(DAMAGES)))
def test_what_is_damaged_is_told_and_the_rest_applied(
    data: Path, done: Backup, number: int
) -> None:
    damage, unread = DAMAGES[number]
    damage(data / "askwell.sqlite3")
    restored = restore(done.path)
    assert (restored.removals_known, set(restored.unread)) == (True, unread)
    names = {document.name for document in Document.objects.kept()}
    if "documents" not in unread:
        assert names == {"heron.txt", "otter.txt"}
    if "versions" not in unread:
        assert not DocumentVersion.objects.exclude(state="removed").filter(number=2).exists()
    assert User.objects.exists() == ("forgotten" in unread)
    assert Slot.objects.exists() == ("done" not in unread)
    states = dict(InboxItem.objects.values_list("message", "state"))
    if "later" not in unread:
        assert states["2"] == ItemState.VOID
        assert ReadMark.objects.get().read_until == "2"
    else:  # whether it was answered can't be told
        assert not InboxItem.objects.filter(settled=False).exists()
        assert not ReadMark.objects.exists()


def test_a_document_whose_space_is_lost_is_removed_again(data: Path, done: Backup) -> None:
    overwrite("knowledge_space")(data / "askwell.sqlite3")
    assert restore(done.path).applied.documents == 1
    assert not Document.objects.kept().filter(name="badger.txt").exists()


def test_a_deletion_that_can_be_read_counts_where_the_rest_of_the_inbox_can_not(
    data: Path, done: Backup
) -> None:
    overwrite("bot_readmark")(data / "askwell.sqlite3")
    restore(done.path)
    assert dict(InboxItem.objects.values_list("message", "state"))["2"] == ItemState.VOID


def test_the_command_says_what_could_not_be_read(
    data: Path, done: Backup, capsys: pytest.CaptureFixture[str]
) -> None:
    overwrite("accounts_forgotten")(data / "askwell.sqlite3")
    change("UPDATE jobs_slot SET at = ''")(data / "askwell.sqlite3")
    call_command("restore", str(done.path))
    told = capsys.readouterr().out
    assert "removed again: 1 documents, 0 people." in told
    assert "may be undone: forgotten people, jobs that were done." in told


def test_a_store_that_is_cut_off_is_replaced(data: Path, done: Backup) -> None:
    cut_off(data / "askwell.sqlite3")
    restored = restore(done.path)
    assert restored.unread
    assert {name for name, _, _ in found("otter river")} >= {"otter.txt"}


def test_whatever_byte_or_page_is_damaged_something_is_read_or_nothing(
    data: Path, done: Backup
) -> None:
    store, chosen = data / "askwell.sqlite3", random.Random(16)
    with closing(sqlite3.connect(store)) as rows:
        made = born(rows)
    whole, partly = store.read_bytes(), 0
    for _ in range(150):
        damaged = bytearray(whole)
        for _ in range(chosen.randint(1, 12)):
            place = chosen.randrange(len(whole) // 4096) * 4096
            if chosen.random() < 0.5:
                damaged[place : place + 4096] = chosen.randbytes(4096)
            else:
                place += chosen.randrange(4096)
                damaged[place : place + 8] = chosen.randbytes(8)
        store.write_bytes(damaged)
        replaced = read_replaced(store, made)
        assert replaced is not None
        partly += bool(replaced.unread)
    assert 20 < partly < 150
    restore(done.path)
    assert found("otter river")[0][1] == TEXTS["otter.txt"]
