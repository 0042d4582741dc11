"""Words are compared without case, accents and endings; a misspelt one finds its neighbour."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.index.spelling import MIN_LENGTH, Spelling
from knowledge.index.terms import content_terms, term_of, words


@pytest.mark.parametrize(
    ("one", "other"),
    [("Policies", "policy"), ("CAFÉ", "cafe"), ("employee's", "employees"), ("Größe", "größe"),
     ("employee’s", "employee's")],
)  # fmt: skip
def test_forms_of_a_word_are_one_term(one: str, other: str) -> None:
    assert content_terms(one) == content_terms(other)


def test_stop_words_count_for_nothing_with_either_apostrophe() -> None:
    assert content_terms("What's the leave? I don't know") == content_terms("leave know")
    assert content_terms("What’s the leave? I don’t know") == content_terms("leave know")


@given(st.text(max_size=40))
def test_every_word_has_a_term(text: str) -> None:
    assert all(map(term_of, words(text)))


def edits(a: str, b: str) -> int:
    """Distance with swaps of neighbours, by the book."""
    d = {(i, -1): i + 1 for i in range(-1, len(a))} | {(-1, j): j + 1 for j in range(-1, len(b))}
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            d[i, j] = min(d[i - 1, j] + 1, d[i, j - 1] + 1, d[i - 1, j - 1] + (x != y))
            if i and j and x == b[j - 1] and a[i - 1] == y:
                d[i, j] = min(d[i, j], d[i - 2, j - 2] + 1)
    return d[len(a) - 1, len(b) - 1]


@given(st.text("abc", min_size=1, max_size=7), st.sets(st.text("abc", min_size=1, max_size=7)))
def test_near_words_are_those_one_edit_away_with_the_same_first_letter(
    word: str, known: set[str]
) -> None:
    near = {k for k in known if k[0] == word[0] and edits(word, k) <= 1}
    assert set(Spelling(known).near(word)) == (near if len(word) >= MIN_LENGTH else set())


def test_numbers_and_short_words_are_left_alone() -> None:
    spelling = Spelling(["20245", "word"])
    assert spelling.near("20244") == []
    assert spelling.near("ward") == []
