"""The vectors of one segment: an exact FAISS index by inner product."""

import faiss
import numpy as np

# A process may fork, and many searches run side by side: one thread each.
faiss.omp_set_num_threads(1)


class FlatVectors:
    """Unit vectors by row, float32, shape (n, dimensions). Never changed once made."""

    def __init__(self, matrix: np.ndarray) -> None:
        self._index = faiss.IndexFlatIP(matrix.shape[1])
        self._index.add(np.ascontiguousarray(matrix, dtype=np.float32))

    def nearest(
        self, query: np.ndarray, k: int, dead: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Cosines and row numbers of the `k` nearest rows, best first, without the `dead` rows."""
        parameters = None
        if dead is not None and len(dead):
            without = faiss.IDSelectorNot(faiss.IDSelectorBatch(dead))
            parameters = faiss.SearchParameters(sel=without)  # type: ignore[call-arg]
        cosines, rows = self._index.search(query[None, :], k, params=parameters)
        found = rows[0] >= 0
        return cosines[0][found], rows[0][found]

    @property
    def matrix(self) -> np.ndarray:
        """The rows themselves, not a copy."""
        count = self._index.ntotal * self._index.d
        flat = faiss.rev_swig_ptr(self._index.get_xb(), count)
        return flat.reshape(self._index.ntotal, self._index.d)
