"""What `mend` looks at, beside what the worker looks at all the time."""

import time
from collections.abc import Callable, Iterator

from backend import db
from backend.jobs import slots
from bot import claims, wording
from bot.platforms import SERVICES
from knowledge.embedding import searched_model
from knowledge.index.verifying import mend_snapshot
from knowledge.missing_vectors import embed_missing
from knowledge.models import DocumentVersion, EmbeddingModel, Space
from management.worker import sweep

# Seconds that one run embeds; what is left waits for the next.
SPAN = 600.0


def mend() -> Iterator[tuple[str, int]]:
    """Mend what processes left behind that died; what, and how much of it.

    Raises KnowledgeError where vectors are missing and the embedding model can't be reached.
    """
    yield "documents given up", db.set_aside_exhausted(DocumentVersion.objects.all())
    yield "questions given up", claims.set_aside(list(SERVICES), wording.GIVEN_UP)
    yield "runs of jobs given up", slots.set_aside()
    sweep()
    yield "snapshots made anew", _in_each_space(mend_snapshot)
    until = time.monotonic() + SPAN
    yield (
        "passages embedded that had no vector",
        _in_each_space(lambda space, model: embed_missing(space, model, until, searched=True)),
    )


def _in_each_space(work: Callable[[Space, EmbeddingModel], int]) -> int:
    """The sum over the spaces, each with the model that it is searched with."""
    spaces = ((space, searched_model([space])) for space in Space.objects.order_by("pk"))
    return sum(work(space, model) for space, model in spaces if model is not None)
