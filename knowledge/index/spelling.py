"""The words that a misspelt one may have been meant to be, among words that are known. Pure."""

from collections import defaultdict
from collections.abc import Iterable

from rapidfuzz import process
from rapidfuzz.distance import OSA

MIN_LENGTH = 5


class Spelling:
    """Finds words one edit away: an insertion, deletion, replacement or swap of neighbours.

    The first letter counts as right, and words below MIN_LENGTH are left alone.
    """

    def __init__(self, words: Iterable[str]) -> None:
        self._by_first_letter: defaultdict[str, list[str]] = defaultdict(list)
        for word in words:
            self._by_first_letter[word[0]].append(word)

    def near(self, word: str) -> list[str]:
        """The known words that are one edit away from `word`."""
        if len(word) < MIN_LENGTH or word.isdigit():
            return []
        alike = self._by_first_letter.get(word[0], ())
        near = process.extract(word, alike, scorer=OSA.distance, score_cutoff=1, limit=None)
        return [known for known, _, _ in near]
