"""An embedder that needs no model: quick, the same in every process, and it counts."""

from collections.abc import Callable, Sequence
from typing import ClassVar

import numpy as np

from tests.simulators.embedding import embed

DIMENSIONS = 32
DOTTED = "tests.knowledge.fake_embedder.FakeEmbedder"


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
        return np.array([embed("fake", text, DIMENSIONS) for text in texts], dtype=np.float32)


def forget() -> None:
    """Begin to count anew."""
    FakeEmbedder.embedded.clear()
    FakeEmbedder.before = None
