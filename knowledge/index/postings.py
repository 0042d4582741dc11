"""Which rows hold which terms, how often: what BM25 is computed from."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from knowledge.index.spelling import Spelling


@dataclass(frozen=True)
class Postings:
    """The postings of n rows. Term t stands in `rows[starts[t]:starts[t + 1]]`, rising, with
    `counts` beside it; `lengths` holds each row's number of terms."""

    vocabulary: dict[str, int]
    starts: np.ndarray
    rows: np.ndarray
    counts: np.ndarray
    lengths: np.ndarray

    @classmethod
    def of(cls, texts: Iterable[Sequence[str]]) -> "Postings":
        """The postings of rows given as lists of terms."""
        vocabulary: dict[str, int] = {}
        numbers: list[int] = []
        rows: list[int] = []
        counts: list[int] = []
        lengths: list[int] = []
        for row, terms in enumerate(texts):
            lengths.append(len(terms))
            for term, count in Counter(terms).items():
                numbers.append(vocabulary.setdefault(term, len(vocabulary)))
                rows.append(row)
                counts.append(count)
        return cls._sorted(vocabulary, np.array(numbers, dtype=np.int64), rows, counts, lengths)

    @classmethod
    def merged(cls, parts: "Sequence[tuple[Postings, np.ndarray]]") -> "Postings":
        """The postings of the parts' rows one after the other, with those only where the mask
        beside each part is true."""
        vocabulary: dict[str, int] = {}
        numbers, rows, counts, lengths, offset = [], [], [], [], 0
        for part, alive in parts:
            renamed = np.array(
                [vocabulary.setdefault(term, len(vocabulary)) for term in part.vocabulary],
                dtype=np.int64,
            )
            kept = alive[part.rows]
            numbers.append(np.repeat(renamed, np.diff(part.starts))[kept])
            rows.append((np.cumsum(alive) - 1)[part.rows][kept] + offset)
            counts.append(part.counts[kept])
            lengths.append(part.lengths[alive])
            offset += int(alive.sum())
        return cls._sorted(
            vocabulary, *(np.concatenate(column) for column in (numbers, rows, counts, lengths))
        )

    @classmethod
    def _sorted(
        cls,
        vocabulary: dict[str, int],
        numbers: np.ndarray,
        rows: Sequence[int] | np.ndarray,
        counts: Sequence[int] | np.ndarray,
        lengths: Sequence[int] | np.ndarray,
    ) -> "Postings":
        order = np.argsort(numbers, kind="stable")
        starts = np.searchsorted(numbers[order], np.arange(len(vocabulary) + 1))
        return cls(
            vocabulary,
            starts,
            np.asarray(rows, dtype=np.int32)[order],
            np.asarray(counts, dtype=np.float32)[order],
            np.asarray(lengths, dtype=np.float32),
        )

    def of_term(self, term: str) -> tuple[np.ndarray, np.ndarray]:
        """Rows that hold the term, and how often each does."""
        number = self.vocabulary.get(term)
        if number is None:
            return self.rows[:0], self.counts[:0]
        span = slice(self.starts[number], self.starts[number + 1])
        return self.rows[span], self.counts[span]

    @cached_property
    def spelling(self) -> Spelling:
        """Made when a question's word is not known, and only then."""
        return Spelling(self.vocabulary)

    @property
    def nbytes(self) -> int:
        arrays = (self.starts, self.rows, self.counts, self.lengths)
        # A dictionary entry with its string takes about 120 bytes.
        return sum(array.nbytes for array in arrays) + 120 * len(self.vocabulary)
