"""Backup and restore (promise 37): while others write, after a wipe, and with bad archives."""

import hashlib
import io
import itertools
import json
import os
import random
import resource
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as configured
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.utils import timezone
from pytest_django import Settings

from backend.accounts.audience import Place
from backend.accounts.models import Forgotten, Identity, Membership, User
from backend.accounts.people import installation_of
from backend.accounts.spaces import home, personal_key, space_for, team_key
from backend.chat.forgetting import forget
from backend.chat.models import Conversation, Message
from backend.chat.removal import remove
from backend.ingesting import finish, work_on_next
from backend.jobs.models import Slot, SlotState
from backend.storage import originals_storage
from bot import inbox
from bot.incoming import Deleted, Key, Said
from bot.models import InboxItem, ItemState, Kind, ReadMark
from knowledge.index import loading
from knowledge.index.cache import indexes
from knowledge.ingestion import add_document
from knowledge.models import Document, DocumentVersion, Space
from knowledge.removal import remove_version
from knowledge.retrieval import search
from management.archives import MANIFEST, Manifest, Writer, opened
from management.backing_up import back_up, back_up_nightly, counts_in, kept_backups
from management.errors import (
    BackupFailed,
    DamagedBackup,
    NewerBackup,
    NotABackup,
    RestoreFailed,
    StoreError,
    StoreInUse,
)
from management.occupying import leave
from management.restoring import restore
from tests.knowledge.killing import Store
from tests.simulators.s3 import S3Simulator

pytestmark = pytest.mark.usefixtures("data", "fake")

TEXTS = {
    "heron.txt": "The heron eats fish and waits by the river.",
    "badger.txt": "The badger digs at night and sleeps by day.",
    "otter.txt": "The otter swims in the river and plays with stones.",
}


@pytest.fixture
def team(data: Path) -> Space:
    return space_for(team_key(home()))


@pytest.fixture
def filled(team: Space) -> dict[str, Document]:
    """The documents of TEXTS."""
    return {name: put(team, text, name) for name, text in TEXTS.items()}


def put(space: Space, text: str, name: str) -> Document:
    version = finish(add_document(space, name, text.encode()).version)
    assert version.state == "ready", version.reason
    return version.document


def found(query: str) -> list[tuple[str, str, float]]:
    passages = search(query, list(Space.objects.filter(key=team_key(home()))), 5)
    return [(p.document, p.text, round(p.score, 6)) for p in passages]


def originals() -> dict[str, str]:
    """The hash of each original that the store names, and nothing lies beside them."""
    names = set(DocumentVersion.objects.exclude(original="").values_list("original", flat=True))
    root = Path(configured.MEDIA_ROOT)
    lying = {str(p.relative_to(root)) for p in root.rglob("*") if p.is_file()}
    assert lying == names
    return {name: hashlib.sha256((root / name).read_bytes()).hexdigest() for name in names}


def counts() -> dict[str, int]:
    with closing(sqlite3.connect(connection.settings_dict["NAME"])) as rows:
        return counts_in(rows)


def wipe(folder: Path) -> None:
    connection.close()
    for path in folder.iterdir():
        if path.name != "backups":
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def test_after_a_wipe_a_restore_brings_back_the_same(
    data: Path, filled: dict[str, Document]
) -> None:
    before = counts(), originals(), found("heron river"), found("badger night")
    done = back_up()
    wipe(data)

    restored = restore(done.path)

    assert (counts(), originals(), found("heron river"), found("badger night")) == before
    assert not restored.removals_known
    assert counts() == done.manifest.counts


def test_a_backup_is_for_its_owner_only_and_holds_no_key(
    data: Path, filled: dict[str, Document]
) -> None:
    (data / "secret_key").write_text("canary-of-the-key")
    done = back_up()
    assert stat.S_IMODE(done.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(done.path.parent.stat().st_mode) == 0o700
    with zipfile.ZipFile(done.path) as archive:
        assert not any(b"canary-of-the-key" in archive.read(name) for name in archive.namelist())
    wipe(data)
    (data / "secret_key").write_text("another")
    restore(done.path)
    assert (data / "secret_key").read_text() == "another"


WRITER = """
import sqlite3, sys, time
rows = sqlite3.connect(sys.argv[1], timeout=20, isolation_level=None)
rows.execute("PRAGMA synchronous=FULL")
rows.execute("CREATE TABLE IF NOT EXISTS pairs (a INTEGER, b INTEGER)")
print("ready", flush=True)
number = 0
while not __import__("select").select([sys.stdin], [], [], 0)[0]:
    number += 1
    rows.execute("BEGIN IMMEDIATE")
    rows.execute("INSERT INTO pairs (a, b) VALUES (?, ?)", (number, number))
    rows.execute("UPDATE pairs SET b = ? WHERE a % 7 = 0", (number,))
    rows.execute("UPDATE pairs SET a = a WHERE a % 7 = 0")
    rows.execute("COMMIT")
    time.sleep(0.002)
print(number)
"""


def test_a_backup_is_one_moment_of_a_store_that_is_written_to(
    data: Path, filled: dict[str, Document]
) -> None:
    """Each transaction sets all of some rows to one number: a copy that mixes two moments has
    rows of different numbers."""
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(data / "askwell.sqlite3")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert writer.stdout is not None and writer.stdout.readline() == "ready\n"
    while counts().get("pairs", 0) < 20:
        pass
    taken = [back_up(data / f"{number}.zip") for number in range(5)]
    written = writer.communicate("stop\n")[0]
    assert writer.returncode == 0

    seen = []
    for done in taken:
        restore(done.path)
        with closing(sqlite3.connect(data / "askwell.sqlite3")) as rows:
            values = [b for (b,) in rows.execute("SELECT DISTINCT b FROM pairs WHERE a % 7 = 0")]
            (last,) = rows.execute("SELECT max(a) FROM pairs").fetchone()
        assert values == [last] and counts()["pairs"] == last
        assert counts() == done.manifest.counts
        seen.append(last)
    assert seen == sorted(seen) and seen[-1] <= int(written)
    assert found("heron")[0][1] == TEXTS["heron.txt"]


def test_what_was_added_since_is_gone_and_its_original_as_well(
    data: Path, team: Space, filled: dict[str, Document]
) -> None:
    done = back_up()
    put(team, "The lynx hides in the forest.", "lynx.txt")
    restore(done.path)
    assert not Document.objects.filter(name="lynx.txt").exists()
    assert len(originals()) == 3


def test_what_was_removed_since_the_backup_is_removed_again(
    data: Path, team: Space, filled: dict[str, Document], settings: Settings
) -> None:
    done = back_up()
    remove(Document.objects.get(name="badger.txt"))
    lynx = finish(
        add_document(team, "lynx.txt", b"The lynx hides.", origin="docs/lynx.txt").version
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


def test_a_version_that_was_removed_since_is_removed_again(data: Path, team: Space) -> None:
    put(team, "The heron eats fish.", "heron.txt")
    put(team, "The heron eats canaries.", "heron.txt")
    done = back_up()
    remove_version(DocumentVersion.objects.get(number=2))
    restore(done.path)
    while work_on_next():
        pass
    assert [text for _, text, _ in found("heron")] == ["The heron eats fish."]
    assert b"eats canaries" not in (data / "askwell.sqlite3").read_bytes()


def person(external_id: str) -> Place:
    installation = installation_of("slack", "T1")
    user = User.objects.create(email=f"{external_id}@slack.invalid")
    Membership.objects.create(user=user, workspace=home())
    identity = Identity.objects.create(
        installation=installation, external_id=external_id, user=user, standing="team"
    )
    return Place(home(), user=user, identity=identity)


def test_somebody_who_was_forgotten_since_is_forgotten_again(data: Path, team: Space) -> None:
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


def test_somebody_who_came_back_before_the_backup_stays(data: Path, team: Space) -> None:
    forget(person("U1"))
    person("U1")
    done = back_up()
    for _ in range(2):
        assert restore(done.path).applied.people == 0
    assert User.objects.count() == 1 and Forgotten.objects.count() == 2


def test_a_restore_of_a_restore_still_forgets(data: Path, team: Space) -> None:
    before = back_up(data / "before.zip")
    place = person("U1")
    first, second = back_up(data / "first.zip"), back_up(data / "second.zip")
    forget(place)
    for done, people in ((second, 1), (first, 1), (before, 0), (first, 1)):
        assert restore(done.path).applied.people == people
    assert not User.objects.exists()


def said(message: str, text: str = "What does the heron eat?") -> Said:
    return Said(Key("slack", "T1", "C1", message), sender="U1", text=text)


def states() -> dict[str, tuple[str, bool]]:
    rows = InboxItem.objects.values_list("message", "state", "settled")
    return {message: (state, settled) for message, state, settled in rows}


def test_what_was_answered_since_is_not_answered_again(data: Path, team: Space) -> None:
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


def test_in_an_empty_place_nothing_of_the_chat_is_answered_twice(data: Path, team: Space) -> None:
    inbox.take(said("1"))
    ReadMark.objects.create(platform="slack", installation="T1", channel="", read_until="1")
    done = back_up()
    wipe(data)
    restored = restore(done.path)
    assert restored.applied.unanswered == 1
    assert states() == {"1": (ItemState.FAILED, True)}
    assert not ReadMark.objects.exists()


def test_a_job_that_was_done_since_is_not_due_again_and_admins_can_be_told(
    data: Path, team: Space
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


def test_a_restore_ends_every_session(data: Path, team: Space) -> None:
    Session.objects.create(session_key="k", session_data="", expire_date=timezone.now())
    restore(back_up().path)
    assert not Session.objects.exists()


def test_a_restore_deletes_snapshots_and_their_names_are_not_used_again(
    data: Path, team: Space, filled: dict[str, Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "SNAPSHOT_CHUNKS", 1)
    found("heron")
    assert list((data / "snapshots").iterdir())
    before = Space.objects.get(pk=team.pk).identity
    restore(back_up().path)
    assert not list((data / "snapshots").iterdir())
    assert Space.objects.get(pk=team.pk).identity != before


def test_a_store_that_is_damaged_is_replaced(data: Path, filled: dict[str, Document]) -> None:
    before = found("heron river")
    done = back_up()
    Document.objects.update(name="renamed.txt")
    log = (data / "askwell.sqlite3-wal").read_bytes()
    connection.close()
    (data / "askwell.sqlite3").write_bytes(b"no database" * 1000)
    (data / "askwell.sqlite3-wal").write_bytes(log)
    assert log and not restore(done.path).removals_known
    assert found("heron river") == before


HOLDER = "import manage, os, django; os.environ.setdefault('DJANGO_SETTINGS_MODULE', "
HOLDER += "'backend.settings'); django.setup(); print('up', flush=True); input()"


def test_a_store_in_use_is_not_restored_and_nothing_starts_meanwhile(
    data: Path, filled: dict[str, Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    done = back_up()
    before = counts(), originals()
    environment = {
        **os.environ,
        "DATA_DIR": str(data),
        "DJANGO_SETTINGS_MODULE": "backend.settings",
    }
    start = [sys.executable, "-c", HOLDER]
    holder = subprocess.Popen(
        start,
        env=environment,
        cwd=configured.BASE_DIR,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None and holder.stdout.readline() == "up\n"
    with pytest.raises(StoreInUse):
        restore(done.path)
    assert (counts(), originals()) == before
    holder.communicate("\n")

    late: list[subprocess.CompletedProcess[str]] = []
    verify = zipfile.ZipFile.namelist

    def slowly(archive: zipfile.ZipFile) -> list[str]:
        command = [sys.executable, "manage.py", "documents"]
        late.append(
            subprocess.run(
                command, env=environment, cwd=configured.BASE_DIR, capture_output=True, text=True
            )
        )
        return verify(archive)

    monkeypatch.setattr(zipfile.ZipFile, "namelist", slowly)
    restore(done.path)
    assert late[0].returncode == 1
    assert late[0].stderr == (
        "Askwell can't start: a backup is being restored; start again when that is done\n"
    )


def without_room(folder: Path, action: Callable[[], object]) -> StoreError:
    """What the action raises in a process that may not write more than a little."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(StoreError) as raised:
            action()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    return raised.value


def test_a_backup_without_space_says_so_and_leaves_the_old_ones(
    data: Path, filled: dict[str, Document]
) -> None:
    old = back_up()
    kept = old.path.read_bytes()
    error = without_room(data, back_up_nightly)
    assert isinstance(error, BackupFailed)
    assert str(error).startswith("The backup could not be written")
    assert [path.name for path in old.path.parent.iterdir()] == [old.path.name]
    assert old.path.read_bytes() == kept


def test_a_restore_without_space_leaves_the_store_as_it_was(
    data: Path, filled: dict[str, Document]
) -> None:
    done = back_up()
    remove(Document.objects.get(name="badger.txt"))
    before = counts(), originals(), found("heron river")
    connection.close()
    without_room(data, lambda: restore(done.path))
    assert (counts(), originals(), found("heron river")) == before
    assert not list(data.glob(".restoring-*"))


@pytest.fixture
def bucket(settings: Settings) -> Iterator[S3Simulator]:
    """A bucket, where originals are kept from now on."""
    with S3Simulator("askwell", key="AKIA") as s3:
        default = originals_storage(
            "s3",
            bucket_name="askwell",
            endpoint_url=s3.url,
            region_name="eu-west-1",
            access_key="AKIA",
            secret_key="secret",
        )
        settings.ORIGINALS_STORAGE = "s3"
        settings.STORAGES = settings.STORAGES | {"default": default}
        yield s3


def test_a_backup_takes_originals_to_another_storage_and_back(
    data: Path, team: Space, filled: dict[str, Document], request: pytest.FixtureRequest
) -> None:
    kept = originals()
    done = back_up()
    bucket: S3Simulator = request.getfixturevalue("bucket")
    restore(done.path)
    there = {name: hashlib.sha256(file).hexdigest() for name, file in bucket.objects.items()}
    assert there == kept
    put(team, "The lynx hides in the forest.", "lynx.txt")
    assert len(bucket.objects) == 4
    restore(back_up(data / "again.zip").path)
    assert len(bucket.objects) == 4
    restore(done.path)
    assert bucket.objects.keys() == kept.keys()


def test_a_storage_that_refuses_leaves_everything_as_it_was(
    data: Path, filled: dict[str, Document], request: pytest.FixtureRequest, settings: Settings
) -> None:
    done, before = back_up(), (counts(), found("heron river"))
    bucket: S3Simulator = request.getfixturevalue("bucket")
    refused = originals_storage(
        "s3", bucket_name="other", endpoint_url=bucket.url, access_key="B", secret_key="C"
    )
    settings.STORAGES = settings.STORAGES | {"default": refused}
    with pytest.raises(BackupFailed):
        back_up(data / "none.zip")
    with pytest.raises(RestoreFailed):
        restore(done.path)
    assert not (data / "none.zip").exists()
    assert (counts(), found("heron river")) == before


def test_an_original_that_is_missing_is_said_and_the_rest_backed_up(
    data: Path, filled: dict[str, Document]
) -> None:
    version = Document.objects.get(name="heron.txt").current
    assert version is not None
    Path(version.original.path).unlink()
    done = back_up()
    assert "1 originals are missing" in str(done)
    restore(done.path)
    assert found("heron")[0][1] == TEXTS["heron.txt"]
    assert len(originals()) == 2


def test_no_night_fails_where_the_store_is_not_on_sqlite(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(connections["default"], "vendor", "postgresql")
        told = back_up_nightly()
    assert "use PostgreSQL's own tools" in told
    assert not kept_backups()


def test_a_store_in_a_folder_with_an_odd_name_is_backed_up(
    data: Path, team: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = data / "50% #1?"
    odd.mkdir()
    store = Path(connection.settings_dict["NAME"])
    connection.close()
    shutil.copy(store, odd / store.name)
    monkeypatch.setitem(connection.settings_dict, "NAME", str(odd / store.name))
    assert back_up().manifest.counts["knowledge_space"] == 1


def test_the_latest_nightly_backups_are_kept(
    data: Path, filled: dict[str, Document], settings: Settings
) -> None:
    settings.BACKUP_KEEP = 2
    for day in (1, 2, 3):
        (data / "backups").mkdir(exist_ok=True)
        (data / "backups" / f"askwell-2020010{day}-000000.zip").write_bytes(b"")
    told = back_up_nightly()
    assert "2 older ones were deleted" in told
    assert [path.name for path in kept_backups()][1:] == ["askwell-20200103-000000.zip"]


def test_a_file_that_is_no_backup_is_not_overwritten(data: Path, team: Space) -> None:
    thesis = data / "thesis.pdf"
    thesis.write_text("years of work")
    with pytest.raises(BackupFailed, match="exists and is no backup"):
        back_up(thesis)
    assert thesis.read_text() == "years of work"
    again = back_up(data / "mine.zip")
    assert back_up(again.path).path == again.path


def rewritten(source: Path, target: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """The archive with its files changed."""
    with zipfile.ZipFile(source) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    change(files)
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return target


def edit_manifest(**fields: Any) -> Callable[[dict[str, bytes]], None]:
    def change(files: dict[str, bytes]) -> None:
        files[MANIFEST] = json.dumps(json.loads(files[MANIFEST]) | fields).encode()

    return change


def traversal(files: dict[str, bytes]) -> None:
    manifest = json.loads(files[MANIFEST])
    member = manifest["originals"][0]
    files["originals/../../evil"] = files.pop(member["name"])
    member["name"] = "originals/../../evil"
    files[MANIFEST] = json.dumps(manifest).encode()


def other_original(files: dict[str, bytes]) -> None:
    name = json.loads(files[MANIFEST])["originals"][0]["name"]
    files[name] = b"x" * len(files[name])


def forged_database(files: dict[str, bytes]) -> None:
    """Its hash is right, and it is no database."""
    manifest = json.loads(files[MANIFEST])
    files["database.sqlite3"] = b"SQLite format 3\0" + b"x" * 5000
    manifest["database"] |= {
        "size": len(files["database.sqlite3"]),
        "sha256": hashlib.sha256(files["database.sqlite3"]).hexdigest(),
    }
    files[MANIFEST] = json.dumps(manifest).encode()


BAD: list[tuple[Callable[[dict[str, bytes]], Any], type[StoreError]]] = [
    (lambda files: files.pop(MANIFEST), NotABackup),
    (lambda files: files.update({MANIFEST: b"{"}), NotABackup),
    (lambda files: files.update({MANIFEST: b"[]"}), NotABackup),
    (lambda files: files.update({MANIFEST: b'{"format": 1}'}), NotABackup),
    (edit_manifest(made_at="yesterday"), NotABackup),
    (edit_manifest(database={"name": "database.sqlite3"}), NotABackup),
    (edit_manifest(format=2), NewerBackup),
    (edit_manifest(counts={"knowledge_document": 99}), DamagedBackup),
    (edit_manifest(originals=[]), DamagedBackup),
    (lambda files: files.update({"extra": b"x"}), DamagedBackup),
    (lambda files: files.update({"database.sqlite3": b"x"}), DamagedBackup),
    (other_original, DamagedBackup),
    (traversal, DamagedBackup),
    (forged_database, DamagedBackup),
]


@pytest.mark.parametrize("number", range(len(BAD)))
def test_a_bad_archive_changes_nothing(
    data: Path, filled: dict[str, Document], tmp_path: Path, number: int
) -> None:
    change, error = BAD[number]
    bad = rewritten(back_up().path, tmp_path / "bad.zip", change)
    refused(bad, data, error)


def refused(bad: Path, data: Path, error: type[StoreError]) -> None:
    before = counts(), originals(), found("heron river")
    connection.close()
    with pytest.raises(error) as raised:
        restore(bad)
    assert "\n" not in str(raised.value)
    assert (counts(), originals(), found("heron river")) == before
    assert not list(data.glob(".restoring-*"))
    assert not (data.parent / "evil").exists()


def killed_at(step: int, action: Callable[[], object]) -> bool:
    """Whether a process that kills itself at this step, a file that it writes, renames or
    deletes, got so far."""
    if (child := os.fork()) == 0:
        left = step

        def count(event: str, arguments: tuple[Any, ...]) -> None:
            nonlocal left
            writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & 3
            if writes or event in ("os.rename", "os.remove", "sqlite3.connect"):
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        try:
            action()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def test_a_restore_that_is_killed_has_happened_or_not(
    data: Path, team: Space, filled: dict[str, Document]
) -> None:
    done = back_up()
    old = found("heron river")
    added = finish(add_document(team, "heron.txt", b"The heron reads the river news.").version)
    assert added.state == "ready"
    new = found("heron river")
    assert new != old
    again = back_up(data / "new.zip")
    outcomes = []
    for step in range(1, 60, 3):
        connection.close()
        leave()
        if not killed_at(step, lambda: restore(done.path)):
            break
        indexes.clear()  # as in a process that starts now
        outcomes.append(found("heron river"))
        assert outcomes[-1] in (old, new)
        for version in DocumentVersion.objects.exclude(original=""):
            assert Path(version.original.path).exists()
        restore(again.path)
        assert found("heron river") == new and originals()
        assert not list(data.glob(".restoring-*"))
    assert old in outcomes and new in outcomes


def test_what_is_no_archive_at_all_changes_nothing(
    data: Path, filled: dict[str, Document], tmp_path: Path
) -> None:
    refused(tmp_path / "missing.zip", data, NotABackup)
    refused(tmp_path, data, NotABackup)
    (tmp_path / "words.zip").write_text("words")
    refused(tmp_path / "words.zip", data, NotABackup)


def test_an_archive_that_is_cut_off_or_has_a_flipped_bit_is_refused_or_harmless(
    data: Path, filled: dict[str, Document], tmp_path: Path
) -> None:
    whole = back_up().path.read_bytes()
    bad, chosen = tmp_path / "bad.zip", random.Random(37)
    for _ in range(8):
        bad.write_bytes(whole[: chosen.randrange(len(whole))])
        refused(bad, data, NotABackup)
    expected = found("heron river"), originals()
    for _ in range(25):
        flipped = bytearray(whole)
        flipped[chosen.randrange(len(whole))] ^= 1 << chosen.randrange(8)
        bad.write_bytes(flipped)
        with suppress(NotABackup):
            restore(bad)
        assert (found("heron river"), originals()) == expected


def test_an_archive_whose_manifest_has_any_flipped_byte_is_refused_or_harmless(
    tmp_path: Path,
) -> None:
    bad = tmp_path / "bad.zip"
    with bad.open("wb") as file:
        writer = Writer(file)
        database = writer.add("database.sqlite3", io.BytesIO(b"rows"))
        writer.finish(Manifest(timezone.now().isoformat(), database))
    whole, refusals = bad.read_bytes(), 0
    for place, mask in itertools.product(range(len(whole)), (0x01, 0x40, 0xFF)):
        flipped = bytearray(whole)
        flipped[place] ^= mask
        bad.write_bytes(flipped)
        try:
            with opened(bad) as archive:
                assert archive.manifest.database.name == "database.sqlite3"
        except NotABackup:
            refusals += 1
    assert refusals > len(whole)


def test_an_archive_of_a_newer_version_is_refused(
    data: Path, filled: dict[str, Document], tmp_path: Path
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO django_migrations (app, name, applied) "
            "VALUES ('knowledge', '9999_later', '2030-01-01')"
        )
    newer = back_up().path
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE name = '9999_later'")
    refused(newer, data, NewerBackup)


def test_an_archive_of_an_older_version_is_brought_up_to_date(data: Path, team: Space) -> None:
    call_command("migrate", "accounts", "0003", verbosity=0)
    old = back_up()
    call_command("migrate", verbosity=0)
    restore(old.path)
    assert Forgotten.objects.count() == 0  # the table is there
    assert "accounts.0004_forgotten" not in old.manifest.migrations


def test_the_commands_say_what_they_did(
    data: Path, filled: dict[str, Document], capsys: Any
) -> None:
    call_command("backup", str(data / "mine.zip"))
    assert capsys.readouterr().out.startswith("3 originals and the database are in ")
    remove(Document.objects.get(name="badger.txt"))
    call_command("restore", str(data / "mine.zip"))
    told = capsys.readouterr().out
    assert "3 documents, 3 originals" in told and "removed again: 1 documents" in told
    with pytest.raises(CommandError, match="no backup of Askwell's"):
        call_command("restore", str(data / "askwell.sqlite3"))


def managed(folder: Path, *command: str) -> None:
    """Run a command on the store in this folder."""
    ours = {"DATA_DIR": str(folder), "DJANGO_SETTINGS_MODULE": "backend.settings"}
    done = subprocess.run(
        [sys.executable, "manage.py", *command],
        env={**os.environ, **ours},
        cwd=configured.BASE_DIR,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.soak
def test_backups_while_five_processes_write_are_whole_and_what_they_say(
    tmp_path: Path, migrated: Path
) -> None:
    """Promise 37: documents come, change and go; each backup is restored beside, and compared."""
    busy = tmp_path / "busy"
    busy.mkdir()
    shutil.copy(migrated, busy)
    store, chosen, held = Store(busy), random.Random(37), 0
    for taken in range(20):
        writers = [
            store.start("add", name=f"{taken}-{n}.txt", text=f"The heron {taken}/{n} eats. " * 40)
            for n in range(3)
        ]
        writers += [store.start("work"), store.start("work")]
        if taken > 3:
            name = f"{chosen.randrange(taken - 3)}-{chosen.randrange(3)}.txt"
            writers.append(store.start("take_away", name=name))
        managed(busy, "backup", str(tmp_path / "one.zip"))
        statuses = [writer.wait() for writer in writers]
        assert statuses[:5] == [0] * 5  # what is taken away may be gone already
        held += compare(tmp_path / "one.zip", tmp_path / f"restored-{taken}")
    store.close()
    assert "database is locked" not in (busy / "stderr.txt").read_text()
    print(f"\n20 backups while processes write: {held} originals and every row are equal")


def compare(backup: Path, folder: Path) -> int:
    """Restore the backup, and compare rows and originals with what it says; how many originals."""
    folder.mkdir()
    managed(folder, "restore", str(backup))
    with zipfile.ZipFile(backup) as archive:
        manifest = json.loads(archive.read(MANIFEST))
    with closing(sqlite3.connect(folder / "askwell.sqlite3")) as rows:
        assert counts_in(rows) == manifest["counts"]
        named = "SELECT original, sha256 FROM knowledge_documentversion WHERE original != ''"
        kept = list(rows.execute(named))
    for name, sha256 in kept:
        assert hashlib.sha256((folder / "originals" / name).read_bytes()).hexdigest() == sha256
    restored = Store(folder)
    assert restored.do("settle")["problems"] == []
    restored.close()
    return len(kept)
