"""Postings are exact, BM25 is BM25, and nothing counts but the rows that are searched."""

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from knowledge.index.postings import Postings
from knowledge.index.ranking import BACKGROUND, K1, NEIGHBOUR, B, rank
from knowledge.index.space_index import Segment, SpaceIndex, joined
from knowledge.index.vectors import FlatVectors

TERMS = st.sampled_from(["leav", "offic", "pay", "zebra", "quota"])
ROWS = st.lists(st.lists(TERMS, max_size=6), min_size=1, max_size=8)


def segment(
    rows: Sequence[Sequence[str]], chunkings: Sequence[int] | None = None, first: int = 0
) -> Segment:
    ids = np.arange(first, first + len(rows), dtype=np.int64)
    return Segment(
        ids,
        ids if chunkings is None else np.array(chunkings, dtype=np.int64),
        FlatVectors(np.eye(len(rows), 16, dtype=np.float32)),
        Postings.of(rows),
        np.ones(len(rows), dtype=bool),
    )


def held(postings: Postings) -> list[Counter[str]]:
    rows: list[Counter[str]] = [Counter() for _ in postings.lengths]
    for term in postings.vocabulary:
        for row, count in zip(*postings.of_term(term), strict=True):
            rows[row][term] = int(count)
    return rows


def bm25(question: Sequence[str], rows: Sequence[Sequence[str]]) -> list[float]:
    """By the book, as a share of what the question's terms weigh together."""
    mean = max(sum(map(len, rows)) / len(rows), 1.0)
    found = {term: sum(term in row for row in rows) for term in question}
    idf = {
        t: math.log(1 + (len(rows) + BACKGROUND - n + 0.5) / (n + 0.5)) for t, n in found.items()
    }
    return [
        sum(
            idf[t] * row.count(t) * (K1 + 1) / (row.count(t) + K1 * (1 - B + B * len(row) / mean))
            for t in idf
        )
        / sum(idf.values())
        for row in rows
    ]


@given(ROWS)
def test_postings_hold_every_term_of_every_row(rows: list[list[str]]) -> None:
    postings = Postings.of(rows)
    assert held(postings) == [Counter(row) for row in rows]
    assert list(postings.lengths) == [len(row) for row in rows]


@given(st.lists(ROWS, min_size=1, max_size=3), st.data())
def test_merged_postings_hold_the_rows_that_stand(
    parts: list[list[list[str]]], data: st.DataObject
) -> None:
    masks = [
        np.array(data.draw(st.lists(st.booleans(), min_size=len(p), max_size=len(p))))
        for p in parts
    ]
    merged = Postings.merged([(Postings.of(p), m) for p, m in zip(parts, masks, strict=True)])
    kept = [r for p, m in zip(parts, masks, strict=True) for r, a in zip(p, m, strict=True) if a]
    assert held(merged) == [Counter(row) for row in kept]
    assert list(merged.lengths) == [len(row) for row in kept]


@given(ROWS, ROWS)
def test_scores_are_bm25_over_the_searched_spaces(
    one: list[list[str]], other: list[list[str]]
) -> None:
    indexes = [SpaceIndex(1, (segment(one),)), SpaceIndex(1, (segment(other, first=len(one)),))]
    expected = bm25(["leav", "offic"], [*one, *other])
    hits = {hit.chunk_id: hit.terms for hit in rank("leave office", None, indexes, 100)}
    assert set(hits) == {row for row, score in enumerate(expected) if score > 0}
    for row, score in hits.items():
        assert math.isclose(score, expected[row], rel_tol=1e-4, abs_tol=1e-6)


@given(ROWS, ROWS)
def test_withdrawn_rows_are_never_ranked_and_count_for_nothing(
    rows: list[list[str]], gone: list[list[str]]
) -> None:
    both = segment([*gone, *rows])
    index = SpaceIndex(1, (both.without(np.arange(len(gone))),))
    fresh = SpaceIndex(1, (segment(rows, first=len(gone)),))
    vector = np.zeros(16, dtype=np.float32)
    for query in (None, vector):
        hits = rank("leave office", query, [index], 100)
        assert all(hit.chunk_id >= len(gone) for hit in hits)
        assert hits == rank("leave office", query, [fresh], 100)


def test_joining_segments_changes_no_score() -> None:
    parts = [segment([["leav", "pay"], ["offic"]]), segment([["leav"], ["zebra"]], first=2)]
    apart = rank("leave", None, [SpaceIndex(1, tuple(parts))], 10)
    together = rank("leave", None, [SpaceIndex(1, (joined(parts),))], 10)
    assert {(h.chunk_id, h.terms) for h in apart} <= {(h.chunk_id, h.terms) for h in together}


def test_a_row_is_smoothed_by_its_neighbours_within_its_document_only() -> None:
    rows = [["leav"], ["leav", "pay"], ["zebra"], ["leav", "leav"], ["pay"]]
    hits = rank("leave", None, [SpaceIndex(1, (segment(rows, [1, 1, 1, 2, 3]),))], 10)
    own = {hit.chunk_id: hit.own for hit in hits}
    weight = 1 + 2 * NEIGHBOUR
    expected = {
        0: (own[0] + NEIGHBOUR * 2 * own[1]) / weight,
        1: (own[1] + NEIGHBOUR * (own[0] + own[2])) / weight,
        2: (own[2] + NEIGHBOUR * 2 * own[1]) / weight,
        3: own[3],
    }
    assert {h.chunk_id: round(h.score, 5) for h in hits} == {
        row: round(score, 5) for row, score in expected.items()
    }


def test_a_misspelt_word_finds_less_than_the_right_one() -> None:
    index = [SpaceIndex(1, (segment([["quota"], ["zebra"]]),))]
    right, wrong = (rank(word, None, index, 1)[0] for word in ("quota", "quotta"))
    assert right.chunk_id == wrong.chunk_id == 0
    assert 0 < wrong.terms < right.terms
