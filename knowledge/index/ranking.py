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
from knowledge.index.terms import content_terms, content_words, term_of

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
    if not segments:
        return []
    weights = _weigh(question, segments)
    scored = [_score(segment, weights, vector, k) for segment in segments]
    chunk_ids, scores, own, terms = (np.concatenate(column) for column in zip(*scored, strict=True))
    best = np.lexsort((chunk_ids, -scores))[:k]
    return [Hit(int(chunk_ids[i]), float(scores[i]), float(own[i]), float(terms[i])) for i in best]


def mentioned(words: Sequence[str], indexes: Sequence[SpaceIndex]) -> bool:
    """Whether any of the words stands in a row."""
    segments = [segment for index in indexes for segment in index.segments]
    terms = content_terms(" ".join(words))
    return any(_document_frequency(term, segments) for term in terms)


def _weigh(question: str, segments: Sequence[Segment]) -> _Weights:
    rows = sum(segment.count for segment in segments)
    length = sum(
        float(segment.postings.lengths[segment.alive].sum(dtype=np.float64)) for segment in segments
    )
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
    found = 0
    for segment in segments:
        rows, _ = segment.postings.of_term(term)
        found += int(segment.alive[rows].sum()) if len(segment.dead) else len(rows)
    return found


def _respelt(word: str, segments: Sequence[Segment]) -> str | None:
    """The most frequent term that the word may have been meant to be."""
    near = {term for segment in segments for term in segment.postings.spelling.near(word)}
    near |= {term for segment in segments for term in segment.postings.spelling.near(term_of(word))}
    return max(near, key=lambda term: (_document_frequency(term, segments), term), default=None)


def _score(
    segment: Segment, weights: _Weights, vector: np.ndarray | None, k: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Chunk ids, scores, own scores and terms' parts of the rows that may be among the best."""
    terms = _bm25(segment, weights)
    wanted = min(max(CANDIDATES, k), len(terms))
    proposed = np.zeros(len(terms), dtype=bool)
    best = np.argpartition(terms, -wanted)[-wanted:]
    proposed[best] = terms[best] > 0
    if vector is not None:
        _, nearest = segment.vectors.nearest(vector, wanted, segment.dead)
        proposed[nearest] = True
    left, right = segment.neighbours
    rows = np.flatnonzero(proposed)
    proposed[left[rows]] = proposed[right[rows]] = True
    rows = np.flatnonzero(proposed)
    proposed[left[rows]] = proposed[right[rows]] = True
    own = terms
    if vector is not None:
        needed = np.flatnonzero(proposed)
        own = terms.copy()
        # Not `@`: its last bits depend on how many rows stand beside a row.
        cosines = np.einsum("ij,j->i", segment.vectors.matrix[needed], vector)
        own[needed] = COSINE_WEIGHT * cosines + (1 - COSINE_WEIGHT) * terms[needed]
    beside = own[left[rows]] + own[right[rows]]
    scores = (own[rows] + NEIGHBOUR * beside) / (1 + 2 * NEIGHBOUR)
    return segment.chunk_ids[rows], scores, own[rows], terms[rows]


def _bm25(segment: Segment, weights: _Weights) -> np.ndarray:
    """Each row's BM25 as a share of what the question's terms weigh together."""
    postings = segment.postings
    found = [(idf, *postings.of_term(term)) for term, idf in weights.idf.items()]
    if not found:
        return np.zeros(len(segment.alive), dtype=np.float32)
    rows = np.concatenate([rows for _, rows, _ in found])
    counts = np.concatenate([counts for _, _, counts in found])
    idf = np.repeat([idf for idf, _, _ in found], [len(rows) for _, rows, _ in found])
    length = postings.lengths[rows] / max(weights.mean_length, 1.0)
    gains = idf * counts * (K1 + 1) / (counts + K1 * (1 - B + B * length))
    scores = np.bincount(rows, gains, minlength=len(segment.alive))
    shares: np.ndarray = (scores * segment.alive / max(weights.total, 1e-9)).astype(np.float32)
    return shares
