"""An embedder that needs no model: quick, the same in every process, and it counts."""

from collections.abc import Callable, Sequence
from typing import ClassVar

import numpy as np

from tests.simulators.embedding import embed

DIMENSIONS = 32
DOTTED = "tests.knowledge.fake_embedder.FakeEmbedder"
OTHER = "tests.knowledge.fake_embedder.OtherFake"


class FakeEmbedder:
    """Texts that share words point the same way."""

    name = "fake"
    embedded: ClassVar[list[str]] = []
    # Called with each batch before it is embedded: a test may wait or fail here.
    before: ClassVar[Callable[[Sequence[str]], None] | None] = None

    def embed(self, texts: Sequence[str], *, query: bool = False) -> np.ndarray:
        if not query:
            if (before := type(self).before) is not None:
                before(texts)
            self.embedded.extend(texts)
        return np.array([embed(self.name, text, DIMENSIONS) for text in texts], dtype=np.float32)


class OtherFake(FakeEmbedder):
    """Another model of as many dimensions; it may fail, or be slow, by itself."""

    name = "other"
    embedded: ClassVar[list[str]] = []
    before: ClassVar[Callable[[Sequence[str]], None] | None] = None


def forget() -> None:
    """Begin to count anew."""
    for made in (FakeEmbedder, OtherFake):
        made.embedded.clear()
        made.before = None
