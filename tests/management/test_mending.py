"""What processes left behind that died is mended."""

from datetime import timedelta

import pytest

from backend import db
from backend.jobs.models import Slot
from bot.models import InboxItem
from knowledge.embedding import choose_model
from knowledge.index import loading, snapshots
from knowledge.index.cache import IndexCache
from knowledge.index.space_index import SpaceIndex
from knowledge.index.verifying import in_rows, shown_by
from knowledge.models import Chunk, Chunking, DocumentVersion, Embedding, Space
from management import jobs
from tests.conftest import AddText

NOTHING = "There was nothing to mend."


@pytest.fixture
def large(team: Space, add_text: AddText, monkeypatch: pytest.MonkeyPatch) -> Space:
    """A space that is large enough for a snapshot, which lies there."""
    monkeypatch.setattr(loading, "SNAPSHOT_CHUNKS", 3)
    for number, animal in enumerate(("heron", "otter", "badger", "lynx")):
        add_text(f"The {animal} eats fish.", name=f"{number}.txt")
    team.refresh_from_db()
    IndexCache().at_revision_of(team, choose_model())
    return team


def test_a_sound_store_has_nothing_to_mend(large: Space) -> None:
    assert jobs.mend() == NOTHING


def test_a_snapshot_that_differs_from_the_rows_is_made_anew(large: Space) -> None:
    model = choose_model()
    snapshot = snapshots.read(large, model)
    assert snapshot is not None and shown_by(snapshot) == in_rows(large)
    lost = SpaceIndex(
        snapshot.revision, tuple(s.without(s.chunking_ids[:1]) for s in snapshot.segments)
    )
    snapshots.write(large, model, lost)

    assert jobs.mend() == "Mended: 1 snapshots made anew."

    anew = snapshots.read(large, model)
    assert anew is not None and shown_by(anew) == in_rows(large) == set(
        Chunk.objects.values_list("pk", flat=True)
    )
    assert jobs.mend() == NOTHING


def test_a_snapshot_that_shows_what_was_withdrawn_is_made_anew(large: Space) -> None:
    withdrawn = Chunking.objects.filter(space=large).first()
    assert withdrawn is not None
    Chunking.objects.filter(pk=withdrawn.pk).update(withdrawn_revision=1)

    assert jobs.mend() == "Mended: 1 snapshots made anew."

    anew = snapshots.read(large, choose_model())
    assert anew is not None and anew.count == 3


def test_passages_without_a_vector_get_one_and_every_index_learns_of_it(
    add_text: AddText, team: Space
) -> None:
    add_text("The heron eats fish.")
    model, index = choose_model(), IndexCache()
    team.refresh_from_db()
    before = index.at_revision_of(team, model).segments[0].vectors.matrix
    Embedding.objects.all().delete()

    assert jobs.mend() == "Mended: 1 passages embedded that had no vector."

    assert Embedding.objects.get().vector == before.tobytes()
    assert Space.objects.get(pk=team.pk).revision == team.revision + 1
    assert jobs.mend() == NOTHING


def test_what_had_all_its_attempts_is_given_up(add_text: AddText) -> None:
    over = {"state": "claimed", "attempts": 5, "lease_until": db.from_now(timedelta(seconds=-1))}
    add_text("some text")
    DocumentVersion.objects.update(**over)
    Slot.objects.create(job="purge", at=db.clock())
    Slot.objects.update(**over)
    InboxItem.objects.create(platform="slack", installation="T1", channel="C1", message="1")
    InboxItem.objects.update(**over)

    assert jobs.mend() == (
        "Mended: 1 documents given up, 1 questions given up, 1 runs of jobs given up."
    )

    assert InboxItem.objects.get().parts.get().text  # who asked is told by the bot
