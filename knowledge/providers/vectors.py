"""What providers' vectors become before they are kept."""

from collections.abc import Sequence

import numpy as np

from knowledge.errors import Unreachable

# Asked of models that can cut their vectors; the store keeps at most as many.
DIMENSIONS = 768


def unit_vectors(vectors: Sequence[Sequence[float]]) -> np.ndarray:
    """Float32 rows of length one: cut vectors come unnormalised. Raises Unreachable for rows of
    different lengths, or with nothing in them."""
    if len({np.shape(vector) for vector in vectors}) > 1:
        raise Unreachable("the model gave vectors of different lengths")
    try:
        matrix = np.asarray(vectors, dtype=np.float64).reshape(len(vectors), -1)
    except (ValueError, TypeError):
        raise Unreachable("the model gave vectors that are not numbers") from None
    with np.errstate(over="ignore"):
        norms = np.linalg.norm(matrix, axis=1, keepdims=True)
    if not np.isfinite(norms).all() or not norms.all():
        raise Unreachable("the model gave vectors that hold nothing")
    vectors_of_length_one: np.ndarray = (matrix / norms).astype(np.float32)
    return vectors_of_length_one
