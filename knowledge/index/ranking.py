"""Rank the rows of several spaces' indexes for a question: terms (BM25) and meaning (cosine).

All statistics are summed over the searched spaces only, so scores depend on nothing else.

    terms   = BM25 of the row / sum of the idf of the question's terms, found or not
    own     = COSINE_WEIGHT * cosine + (1 - COSINE_WEIGHT) * terms
    score   = own, averaged with the rows before and after it in the same document

`own` is on one scale for every question, so it also tells how good the evidence is.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from knowledge.index.space_index import Segment, SpaceIndex
from knowledge.index.terms import content_words, term_of

K1, B = 1.2, 0.75
COSINE_WEIGHT = 0.6
# Weight of the row before and of the row after; a passage seldom stands alone.
NEIGHBOUR = 0.25
# Weight of a question's word that is known in another spelling only.
MISSPELT = 0.75
# Imagined rows without any of the words: they keep idf sane where there are few rows.
BACKGROUND = 100
# Rows that either part proposes, at least.
CANDIDATES = 50


@dataclass(frozen=True)
class Hit:
    """A row that was found: `score` ranks it, `own` is what the row itself holds of the
    question and `terms` the words' part of that."""

    chunk_id: int
    score: float
    own: float
    terms: float


@dataclass(frozen=True)
class _Weights:
    """Each of the question's terms with its idf, and what idf there would be with all found."""

    idf: dict[str, float]
    total: float
    mean_length: float


def rank(
    question: str, vector: np.ndarray | None, indexes: Sequence[SpaceIndex], k: int
) -> list[Hit]:
    """The best `k` rows, best first. Without a vector, or the words' part alone, terms decide."""
    segments = [segment for index in indexes for segment in index.segments]
    weights = _weigh(question, segments)
    hits: list[Hit] = []
    for segment in segments:
        hits.extend(_rank_segment(segment, weights, vector, k))
    return sorted(hits, key=lambda hit: (-hit.score, hit.chunk_id))[:k]


def mentioned(words: Sequence[str], indexes: Sequence[SpaceIndex]) -> bool:
    """Whether any of the words stands in a row."""
    segments = [segment for index in indexes for segment in index.segments]
    return any(_document_frequency(term_of(word), segments) for word in words)


def _weigh(question: str, segments: Sequence[Segment]) -> _Weights:
    rows = sum(segment.count for segment in segments)
    length = sum(float(segment.postings.lengths[segment.alive].sum()) for segment in segments)
    idf: dict[str, float] = {}
    total = 0.0
    for word in dict.fromkeys(content_words(question)):
        term, weight = term_of(word), 1.0
        found = _document_frequency(term, segments)
        if not found and (near := _respelt(word, segments)):
            term, weight = near, MISSPELT
            found = _document_frequency(term, segments)
        if term in idf:
            continue
        rarity = math.log(1 + (rows + BACKGROUND - found + 0.5) / (found + 0.5))
        total += rarity
        idf[term] = weight * rarity
    return _Weights(idf, total, length / max(rows, 1))


def _document_frequency(term: str, segments: Sequence[Segment]) -> int:
    return sum(int(segment.alive[segment.postings.of_term(term)[0]].sum()) for segment in segments)


def _respelt(word: str, segments: Sequence[Segment]) -> str | None:
    """The most frequent term that the word may have been meant to be."""
    near = {term for segment in segments for term in segment.postings.spelling.near(word)}
    near |= {term for segment in segments for term in segment.postings.spelling.near(term_of(word))}
    return max(near, key=lambda term: (_document_frequency(term, segments), term), default=None)


def _rank_segment(
    segment: Segment, weights: _Weights, vector: np.ndarray | None, k: int
) -> list[Hit]:
    terms = _bm25(segment, weights)
    wanted = min(max(CANDIDATES, k), len(terms))
    best = np.argpartition(-terms, wanted - 1)[:wanted]
    candidates = best[terms[best] > 0]
    if vector is not None:
        _, nearest = segment.vectors.nearest(vector, wanted, segment.dead)
        candidates = np.union1d(candidates, nearest)
    ranked = _with_neighbours(candidates, segment)
    scored = _with_neighbours(ranked, segment)
    own = np.full(len(terms) + 2, np.nan, dtype=np.float32)  # a border on either side
    own[scored + 1] = terms[scored]
    if vector is not None:
        cosines = segment.vectors.matrix[scored] @ vector
        own[scored + 1] = COSINE_WEIGHT * cosines + (1 - COSINE_WEIGHT) * terms[scored]
    scores = _smoothed(own, ranked, segment)
    top = np.argsort(-scores, kind="stable")[:k]
    return [
        Hit(
            int(segment.chunk_ids[row]),
            float(score),
            float(own[row + 1]),
            float(terms[row]),
        )
        for row, score in zip(ranked[top], scores[top], strict=True)
    ]


def _bm25(segment: Segment, weights: _Weights) -> np.ndarray:
    """Each row's BM25 as a share of what the question's terms weigh together."""
    postings = segment.postings
    scores = np.zeros(len(segment.alive), dtype=np.float32)
    norm = K1 * (1 - B + B * postings.lengths / max(weights.mean_length, 1.0))
    for term, idf in weights.idf.items():
        rows, counts = postings.of_term(term)
        scores[rows] += idf * counts * (K1 + 1) / (counts + norm[rows])
    shares: np.ndarray = scores * segment.alive / max(weights.total, 1e-9)
    return shares


def _with_neighbours(rows: np.ndarray, segment: Segment) -> np.ndarray:
    """The rows and those beside them that stand."""
    wide: np.ndarray = np.unique(np.concatenate([rows - 1, rows, rows + 1]))
    wide = wide[(wide >= 0) & (wide < len(segment.alive))].astype(np.int64)
    wide = wide[segment.alive[wide]]
    return wide


def _smoothed(own: np.ndarray, rows: np.ndarray, segment: Segment) -> np.ndarray:
    """Each row's own score averaged with its neighbours'. At a document's end the one neighbour
    counts for both; a row alone keeps its score."""
    chunkings = np.concatenate([[-1], segment.chunking_ids, [-1]])
    at = rows + 1
    here = own[at]
    before = np.where(chunkings[at - 1] == chunkings[at], own[at - 1], np.nan)
    after = np.where(chunkings[at + 1] == chunkings[at], own[at + 1], np.nan)
    left = np.where(np.isnan(before), np.where(np.isnan(after), here, after), before)
    right = np.where(np.isnan(after), np.where(np.isnan(before), here, before), after)
    smoothed: np.ndarray = (here + NEIGHBOUR * (left + right)) / (1 + 2 * NEIGHBOUR)
    return smoothed
