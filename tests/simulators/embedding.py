"""Embeddings without a model: texts that share words point the same way."""

import hashlib
import re
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

SHORT_WORD_WEIGHT = 0.3


@lru_cache(maxsize=4096)
def _word(model: str, word: str, dimensions: int) -> NDArray[np.float64]:
    digest = hashlib.blake2b(f"{model}\0{word}".encode(), digest_size=8).digest()
    return np.random.default_rng(int.from_bytes(digest)).standard_normal(dimensions)


def embed(model: str, text: str, dimensions: int) -> NDArray[np.float64]:
    """The unit vector of a text: the sum of one dense random direction per word.

    The direction depends on the model too, so that vectors of two models never agree.
    Dense, so that the first part of the vector is an embedding as well (Matryoshka).
    """
    words = re.findall(r"\w+", text.lower()) or [text]
    total = np.zeros(dimensions)
    for word in words:
        # Short words are mostly those that every text has.
        total += _word(model, word, dimensions) * (1 if len(word) > 3 else SHORT_WORD_WEIGHT)
    return np.asarray(total / np.linalg.norm(total))
