"""The embedding model changes in the background, and back again."""

from collections.abc import Sequence

import pytest
from pytest_django import Settings

from backend.ingesting import finish
from knowledge import reembedding
from knowledge.embedding import active_model, embedder
from knowledge.errors import (
    AlreadyActive,
    ChangeTakenBack,
    ChangeUnderWay,
    NotConfigured,
    NothingToRollBack,
    ReembeddingWaits,
    Unreachable,
)
from knowledge.index.cache import indexes
from knowledge.ingestion import add_document
from knowledge.models import EmbeddingModel, Space
from knowledge.moving import move_document
from knowledge.rebuilding import rebuild
from knowledge.reembedding import begin, progress, reembed_step, roll_back
from knowledge.retrieval import retrieve
from tests.conftest import AddText
from tests.knowledge.changing import (
    BADGER,
    HERON,
    OTTER,
    failing,
    finished,
    models_of,
    name_of,
    scores,
)
from tests.knowledge.fake_embedder import FakeEmbedder, OtherFake
from tests.simulators.gemini import GeminiSimulator

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_change_embeds_everything_and_then_counts(
    other: type[OtherFake], team: Space, add_text: AddText
) -> None:
    for number, text in enumerate((HERON, BADGER, OTTER)):
        add_text(text, f"{number}.txt")
    begin("gemini")
    assert name_of([team]) == "fake" and models_of(HERON) == ["fake"]
    told = reembed_step()

    assert "gemini/other now; 3 passages" in told
    assert progress() is None and name_of([team]) == "other"
    indexes.clear()
    fresh = scores([team])
    assert fresh[0][0] == HERON
    finish(add_document(team, "lynx.txt", b"The lynx hides.").version)
    assert models_of("The lynx hides.") == ["other"]


def test_a_search_uses_the_next_model_once_all_its_spaces_have_swapped(
    other: type[OtherFake],
    team: Space,
    wide: Space,
    add_text: AddText,
) -> None:
    add_text(HERON, "heron.txt")
    add_text(BADGER, "badger.txt", wide)
    old = {1: scores([team]), 2: scores([team, wide])}
    begin("gemini")

    def not_the_badger(texts: Sequence[str]) -> None:
        if any("badger" in text for text in texts):
            raise Unreachable()

    other.before = not_the_badger
    with pytest.raises(ReembeddingWaits, match="can't be reached"):
        reembed_step()
    assert name_of([team]) == "other" and name_of([wide]) == name_of([team, wide]) == "fake"
    assert scores([team]) != old[1] and scores([team, wide]) == old[2]
    assert not retrieve("heron", [team, wide], 3).terms_only
    now = progress()
    assert now is not None and (now.done, now.total) == (1, 2)
    assert {space.key: space.swapped for space in now.spaces} == {team.key: True, wide.key: False}

    other.before = None
    finished()
    assert name_of([team, wide]) == "other"
    indexes.clear()
    assert len(scores([team, wide])) == 2


def test_a_next_model_that_is_away_holds_nothing_up(
    other: type[OtherFake], team: Space, add_text: AddText
) -> None:
    add_text(HERON, "heron.txt")
    begin("gemini")
    other.before = failing(Unreachable())
    add_text(BADGER, "badger.txt")
    assert models_of(BADGER) == ["fake"] and BADGER in dict(scores([team], "badger digs"))
    with pytest.raises(ReembeddingWaits):
        reembed_step()
    assert not retrieve("badger", [team], 3).terms_only
    other.before = None
    finished()
    assert models_of(BADGER) == ["fake", "other"]


def test_after_a_swap_the_next_model_is_needed_and_the_old_one_is_not(
    other: type[OtherFake],
    fake: type[FakeEmbedder],
    team: Space,
    wide: Space,
    add_text: AddText,
) -> None:
    add_text(HERON, "heron.txt")
    add_text(BADGER, "badger.txt", wide)
    begin("gemini")
    other.before = lambda texts: failing(Unreachable())(texts) if "badger" in texts[0] else None
    with pytest.raises(ReembeddingWaits):
        reembed_step()
    fake.before = failing(Unreachable())
    add_text(OTTER, "otter.txt")
    assert models_of(OTTER) == ["other"]
    # Searched together with a space that has not swapped it is found by its words.
    assert OTTER in dict(scores([team, wide], "otter stones"))
    other.before = failing(Unreachable())
    version = finish(add_document(team, "lynx.txt", b"The lynx hides.").version)
    assert version.state == "received" and "can't be reached" in version.reason


def test_a_rollback_during_a_change_leaves_the_old_model(
    other: type[OtherFake],
    fake: type[FakeEmbedder],
    team: Space,
    wide: Space,
    add_text: AddText,
) -> None:
    add_text(HERON, "heron.txt")
    add_text(BADGER, "badger.txt", wide)
    before = scores([team])
    begin("gemini")
    other.before = lambda texts: failing(Unreachable())(texts) if "badger" in texts[0] else None
    with pytest.raises(ReembeddingWaits):
        reembed_step()
    fake.before = failing(Unreachable())
    add_text(OTTER, "otter.txt")  # without a vector of the old model
    assert name_of([team]) == "other" and scores([team, wide])

    assert roll_back().name == "fake"
    assert name_of([team]) == name_of([team, wide]) == "fake"
    fake.before = None
    finished()
    assert models_of(OTTER) == ["fake"], "and the vectors that are of no use are deleted"
    assert scores([team], "heron river")[0][0] == before[0][0]
    by_meaning = retrieve("stones otter", [team], 1)
    held = indexes.at_revision_of(Space.objects.get(pk=team.pk), active_model() or pytest.fail())
    assert by_meaning.passages[0].text == OTTER and not held.lacking
    with pytest.raises(NothingToRollBack):
        roll_back()


def test_a_rollback_afterwards_brings_the_old_model_back_with_what_came_since(
    other: type[OtherFake], fake: type[FakeEmbedder], team: Space, add_text: AddText
) -> None:
    add_text(HERON, "heron.txt")
    old = scores([team])
    begin("gemini")
    finished()
    add_text(OTTER, "otter.txt")
    fake.embedded.clear()

    assert roll_back().name == "fake"
    assert name_of([team]) == "other", "until it is whole"
    finished()
    assert name_of([team]) == "fake" and len(fake.embedded) == 1
    assert models_of(OTTER) == ["fake", "other"]
    assert dict(scores([team]))[HERON] != 0 and old[0][0] == HERON
    roll_back()
    finished()
    assert name_of([team]) == "other"


def test_vectors_that_there_is_no_way_back_to_are_deleted(
    other: type[OtherFake], team: Space, add_text: AddText, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_text(HERON, "heron.txt")
    begin("gemini")
    finished()
    monkeypatch.setattr(OtherFake, "name", "third")
    embedder.cache_clear()
    begin("gemini")
    finished()
    assert models_of(HERON) == ["other", "third"]
    assert roll_back().name == "other"


def test_what_moves_into_a_swapped_space_is_embedded_and_found(
    other: type[OtherFake], team: Space, wide: Space, add_text: AddText
) -> None:
    add_text(HERON, "heron.txt")
    version = add_text(BADGER, "badger.txt", wide)
    begin("gemini")
    other.before = lambda texts: failing(Unreachable())(texts) if "badger" in texts[0] else None
    with pytest.raises(ReembeddingWaits):
        reembed_step()
    scores([team])
    move_document(version.document, team)
    assert BADGER in dict(scores([team], "badger digs")), "by its words"
    model = EmbeddingModel.objects.get(name="other")
    space = Space.objects.get(pk=team.pk)
    assert indexes.at_revision_of(space, model).lacking
    other.before = None
    finished()
    assert not indexes.at_revision_of(Space.objects.get(pk=team.pk), model).lacking


def test_the_same_text_is_embedded_once(
    other: type[OtherFake], team: Space, add_text: AddText
) -> None:
    add_text("\n\n".join(["The heron eats fish." * 20] * 6), "heron.md")
    add_text(OTTER, "otter.txt")
    begin("gemini")
    finished()
    assert len(other.embedded) == len(set(other.embedded))


def test_a_change_goes_on_where_its_time_ran_out(
    other: type[OtherFake], team: Space, add_text: AddText, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_text(HERON, "heron.txt")
    monkeypatch.setattr(reembedding, "SPAN", -1.0)
    begin("gemini")
    assert "0 passages were embedded now, 0 of 1" in reembed_step()
    monkeypatch.undo()


def test_a_rebuild_during_a_change_embeds_with_both(
    other: type[OtherFake], team: Space, add_text: AddText
) -> None:
    add_text(HERON + " " + OTTER, "heron.txt")
    begin("gemini")
    stats = rebuild(60, 0, list)
    assert stats.found == stats.searched == 2
    assert models_of(OTTER) == ["fake", "other"]
    finished()
    assert rebuild(None, None, list).embedded == 1


def test_what_can_t_be_changed_is_said(
    other: type[OtherFake], team: Space, add_text: AddText, settings: Settings
) -> None:
    with pytest.raises(NothingToRollBack):
        roll_back()
    add_text(HERON, "heron.txt")
    with pytest.raises(AlreadyActive, match="local/fake"):
        begin("local")
    with pytest.raises(NotConfigured, match="openai"):
        begin("openai")
    other.before = failing(Unreachable())
    with pytest.raises(Unreachable):
        begin("gemini")
    assert progress() is None and reembed_step() == "The embedding model is not being changed."
    other.before = None
    begin("gemini")
    assert begin("gemini").name == "other", "it goes on"
    with pytest.raises(ChangeUnderWay, match="gemini/other"):
        begin("local")
    assert roll_back().name == "fake"
    with pytest.raises(ChangeTakenBack, match="is being taken back; the scheduler finishes it"):
        begin("gemini")
    assert begin("local").name == "fake", "it goes on"


def test_an_empty_store_changes_at_once(other: type[OtherFake], team: Space) -> None:
    begin("gemini")
    assert progress() is None and active_model() == EmbeddingModel.objects.get()


def test_a_provider_that_refuses_is_waited_for(
    gemini: GeminiSimulator,
    settings: Settings,
    team: Space,
    add_text: AddText,
    few_certificates: None,
) -> None:
    settings.EMBEDDINGS = "local"
    add_text(HERON, "heron.txt")
    begin("gemini")
    settings.GOOGLE_API_KEY = "another"
    embedder.cache_clear()
    with pytest.raises(ReembeddingWaits):
        reembed_step()
    assert not retrieve("heron", [team], 3).terms_only
    settings.GOOGLE_API_KEY = "gemini-key"
    embedder.cache_clear()
    finished()
    assert name_of([team]).startswith("gemini")
