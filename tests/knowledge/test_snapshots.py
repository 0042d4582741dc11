"""Snapshots of large indexes: never trusted unseen, never needed (promise 12)."""

import random
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings as configured

from backend.chat.removal import remove
from knowledge.embedding import choose_model
from knowledge.index import loading, snapshot_files, snapshots
from knowledge.index.cache import IndexCache
from knowledge.index.space_index import SpaceIndex
from knowledge.models import Space
from knowledge.retrieval import search
from tests.conftest import AddText
from tests.knowledge.test_index import assert_same
from tests.knowledge.truth import held, published

pytestmark = pytest.mark.usefixtures("fake")


@pytest.fixture(autouse=True)
def from_three_chunks_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "SNAPSHOT_CHUNKS", 3)


@pytest.fixture
def large(team: Space, add_text: AddText) -> Space:
    """A space that is large enough for a snapshot, which lies there."""
    for number, animal in enumerate(("heron", "otter", "badger", "lynx")):
        add_text(f"The {animal} eats fish.", name=f"{number}.txt")
    team.refresh_from_db()
    load(team)
    return team


def load(space: Space) -> SpaceIndex:
    """As a process does that has just started."""
    return IndexCache().at_revision_of(space, choose_model())


def files() -> list[Path]:
    return sorted(Path(configured.SNAPSHOT_DIR).iterdir())


def assert_served(space: Space) -> None:
    """The index is what the rows say, and a sound snapshot lies there again."""
    index = load(space)
    assert held(index) == published(space)
    assert_same(index, loading.advance(SpaceIndex(0), space, choose_model()))
    [path] = files()
    assert snapshots.read(space, choose_model()) is not None, path


def test_a_large_space_starts_from_its_snapshot(
    large: Space, django_assert_num_queries: Callable[[int], object]
) -> None:
    read = snapshots.read(large, choose_model())

    assert read is not None and read.revision == large.revision
    assert_same(read, loading.advance(SpaceIndex(0), large, choose_model()))


def test_a_small_space_has_no_snapshot(team: Space, add_text: AddText) -> None:
    add_text("The heron eats fish.")
    search("heron", [team], 1)

    assert files() == []


def test_a_snapshot_is_private_to_its_owner(large: Space) -> None:
    [path] = files()

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_newer_snapshot_takes_the_place_of_the_older(large: Space, add_text: AddText) -> None:
    [before] = files()
    add_text("The stoat eats mice.", name="new.txt")
    large.refresh_from_db()

    assert_served(large)
    assert files() != [before]
    old = SpaceIndex(0)
    assert search("stoat", [large], 1)[0].document == "new.txt", old


def test_a_snapshot_knows_nothing_of_what_was_removed(large: Space, add_text: AddText) -> None:
    version = add_text("The quetzalcoatlus eats fish.", name="secret.txt")
    large.refresh_from_db()
    load(large)
    assert b"quetzalcoatlus" in files()[0].read_bytes()

    remove(version.document)
    assert files() == []
    large.refresh_from_db()
    assert_served(large)
    assert b"quetzalcoatlus" not in files()[0].read_bytes()


def test_a_snapshot_written_while_its_text_is_removed_does_not_stay(
    large: Space, add_text: AddText
) -> None:
    version = add_text("The quetzalcoatlus eats fish.", name="secret.txt")
    large.refresh_from_db()
    slow = loading.advance(SpaceIndex(0), large, choose_model())
    remove(version.document)

    snapshots.write(large, choose_model(), slow)

    assert files() == []


def test_a_file_that_a_dead_process_left_half_written_is_cleared_away(
    large: Space, add_text: AddText
) -> None:
    for path in files():
        path.rename(path.with_suffix(".dead.tmp"))

    load(large)

    assert [path.suffix for path in files()] == [".index"]


Damage = Callable[[bytes], bytes]
DAMAGES: dict[str, Damage] = {
    "truncated": lambda data: data[: len(data) // 2],
    "empty": lambda data: b"",
    "short": lambda data: data[:20],
    "zeroed": lambda data: bytes(len(data)),
    "half zeroed": lambda data: data[: len(data) // 2] + bytes(len(data) - len(data) // 2),
    "lengthened": lambda data: data + b"\0",
    "garbage": lambda data: random.Random(1).randbytes(len(data)),
    "one bit": lambda data: data[:-9] + bytes([data[-9] ^ 4]) + data[-8:],
    "one bit of the checksum": lambda data: bytes([data[0] ^ 1]) + data[1:],
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_snapshot_is_noticed_and_rebuilt(
    large: Space, damage: Damage, caplog: pytest.LogCaptureFixture
) -> None:
    [path] = files()
    path.write_bytes(damage(path.read_bytes()))

    assert_served(large)

    assert f"snapshot {path.name} is damaged" in caplog.text


def flipped(data: bytes, chosen: random.Random) -> bytes:
    """The bytes with one bit wrong, or cut off somewhere."""
    if chosen.random() < 0.2:
        return data[: chosen.randrange(len(data))]
    at = chosen.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << chosen.randrange(8)]) + data[at + 1 :]


def campaign(space: Space, rounds: int) -> int:
    """Damage the snapshot so many times; how often it was noticed, with the service going on."""
    [path] = files()
    sound, chosen, noticed = path.read_bytes(), random.Random(7), 0
    for _ in range(rounds):
        path.write_bytes(flipped(sound, chosen))
        noticed += snapshots.read(space, choose_model()) is None
        assert held(load(space)) == published(space)
        assert path.read_bytes() == sound
    return noticed


def test_every_flip_and_cut_is_noticed(large: Space) -> None:
    assert campaign(large, 40) == 40


@pytest.mark.soak
def test_a_thousand_flips_and_cuts_are_noticed(large: Space) -> None:
    noticed = campaign(large, 1000)
    print(f"\nsnapshot damages: {noticed} of 1000 noticed and rebuilt")
    assert noticed == 1000


def test_a_snapshot_of_another_space_is_noticed(
    large: Space, personal: Space, add_text: AddText, caplog: pytest.LogCaptureFixture
) -> None:
    """Copied under the name of this one, with the right count and revision."""
    for number in range(4):
        add_text(f"The secret {number}.", name=f"{number}.txt", space=personal)
    personal.refresh_from_db()
    load(personal)
    model = choose_model()
    [ours] = snapshot_files.files_of(large, model)
    [theirs] = snapshot_files.files_of(personal, model)
    ours.write_bytes(theirs.read_bytes())
    theirs.unlink()

    assert_served(large)
    assert "is damaged" in caplog.text


def test_a_snapshot_of_a_later_revision_is_noticed(
    large: Space, caplog: pytest.LogCaptureFixture
) -> None:
    """As after an older database was put back in its place."""
    Space.objects.filter(pk=large.pk).update(revision=2)
    large.refresh_from_db()

    load(large)

    assert "is of a later revision than the database" in caplog.text
    assert all(snapshot_files.revision_of(path) <= 2 for path in files())


def test_a_process_that_is_behind_leaves_a_newer_snapshot_alone(large: Space) -> None:
    [path] = files()
    behind = Space.objects.get(pk=large.pk)
    behind.revision -= 1

    assert snapshots.read(behind, choose_model()) is None
    assert files() == [path]


def test_snapshots_of_another_database_are_cleared_away(
    large: Space, caplog: pytest.LogCaptureFixture
) -> None:
    [path] = files()
    stranger = path.with_name(path.name.replace(large.identity, "0123456789abcdef"))
    stranger.write_bytes(path.read_bytes())

    assert_served_beside(large, path)
    snapshot_files.delete_strangers()

    assert files() == [path]
    assert f"{stranger.name} is of another database" in caplog.text


def assert_served_beside(space: Space, path: Path) -> None:
    assert held(load(space)) == published(space)
    assert path.exists()


def test_a_snapshot_that_can_not_be_read_or_written_stops_no_search(
    large: Space, caplog: pytest.LogCaptureFixture
) -> None:
    [path] = files()
    path.unlink()
    path.mkdir()  # neither a file to read nor one to replace

    assert held(load(large)) == published(large)
    assert "can't be read" in caplog.text and "can't be written" in caplog.text
