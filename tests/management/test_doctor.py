"""`doctor` tells what would fail, before people notice."""

import pytest

from knowledge.models import EmbeddingModel, Store
from management.diagnosis import diagnose
from tests.conftest import AddText

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_sound_installation_has_nothing_that_fails(add_text: AddText) -> None:
    add_text("Lunch is at noon.")
    assert [finding.what for finding in diagnose() if finding.level == "fail"] == []


def test_a_store_whose_embedding_model_is_out_of_reach_fails(db: None) -> None:
    gone = EmbeddingModel.objects.create(provider="openai", name="gone", dimensions=768)
    Store.objects.create(pk=1, embedding_model=gone)
    failing = [finding.what for finding in diagnose() if finding.level == "fail"]
    assert len(failing) == 1
    assert failing[0].startswith("searching by meaning fails")
