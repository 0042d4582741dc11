"""What tests of a change of the embedding model share."""

from collections.abc import Callable, Sequence

from knowledge.embedding import searched_model
from knowledge.models import Embedding, Space
from knowledge.reembedding import progress, reembed_step
from knowledge.retrieval import search

HERON = "The heron eats fish and waits by the river."
BADGER = "The badger digs at night and sleeps by day."
OTTER = "The otter swims in the river and plays with stones."


def name_of(spaces: Sequence[Space]) -> str:
    model = searched_model(spaces)
    assert model is not None
    return model.name


def scores(spaces: Sequence[Space], query: str = "heron river") -> list[tuple[str, float]]:
    return [(p.text, round(p.score, 5)) for p in search(query, spaces, 5)]


def models_of(text: str) -> list[str]:
    rows = Embedding.objects.filter(chunk__text=text).order_by("model__name")
    return list(rows.values_list("model__name", flat=True))


def finished() -> None:
    for _ in range(5):
        reembed_step()
        if progress() is None:
            return
    raise AssertionError("the change does not end")


def failing(error: Exception) -> Callable[[Sequence[str]], None]:
    def fail(texts: Sequence[str]) -> None:
        raise error

    return fail
