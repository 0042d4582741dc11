"""The word that a misspelt one stands for, among words that are known. Pure."""

from collections.abc import Iterable

import numpy as np

MIN_LENGTH = 5


class Spelling:
    """Finds words one edit away: an insertion, deletion, replacement or swap of neighbours.

    The first letter counts as right, and words below MIN_LENGTH are left alone.
    """

    def __init__(self, words: Iterable[str]) -> None:
        self._words = list(words)
        self._sizes = np.array([len(word) for word in self._words], dtype=np.int16)
        self._letters = np.array([_letters(word) for word in self._words], dtype=np.uint64)

    def near(self, word: str) -> list[str]:
        """The known words that `word` may have been meant to be."""
        if len(word) < MIN_LENGTH or word.isdigit():
            return []
        # One edit changes at most two letters of the set; this leaves few words to compare.
        alike = np.bitwise_count(self._letters ^ _letters(word)) <= 2
        close = np.flatnonzero(alike & (np.abs(self._sizes - len(word)) <= 1))
        return [
            known
            for known in (self._words[i] for i in close)
            if known[0] == word[0] and one_edit_apart(word, known)
        ]


def one_edit_apart(a: str, b: str) -> bool:
    """Whether one insertion, deletion, replacement or swap of neighbours makes `a` into `b`."""
    if len(a) > len(b):
        a, b = b, a
    same = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), len(a))
    if len(a) == len(b):
        swapped = a[same : same + 2] == b[same : same + 2][::-1] and a[same + 2 :] == b[same + 2 :]
        return swapped or a[same + 1 :] == b[same + 1 :]
    return len(b) - len(a) == 1 and a[same:] == b[same + 1 :]


def _letters(word: str) -> np.uint64:
    """The set of the word's letters as bits."""
    return np.uint64(sum({1 << (ord(letter) % 64) for letter in word}))
