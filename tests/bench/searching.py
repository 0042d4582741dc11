"""Searching three visible spaces among many, against bare FAISS on the same vectors."""

import random
from collections.abc import Callable, Iterator
from itertools import pairwise
from statistics import median
from time import perf_counter

import faiss
import numpy as np
from django.db import connection, transaction

from knowledge.embedding import MAX_DIMENSIONS
from knowledge.index.cache import indexes
from knowledge.models import (
    Chunk,
    Chunking,
    Document,
    DocumentVersion,
    Embedding,
    EmbeddingModel,
    Section,
    Space,
    Store,
)
from knowledge.retrieval import retrieve_embedded
from management.scratch import scratch_store
from tests.bench.table import Row, show

SPACES, CHUNKS, DIMENSIONS, VISIBLE, TOP = 200, 500, 384, 3, 8
WORDS_A_CHUNK, QUESTIONS, ROUNDS = 80, 40, 5
assert DIMENSIONS <= MAX_DIMENSIONS


def measure() -> list[Row]:
    title = f"Searching {VISIBLE} spaces among {SPACES * CHUNKS:,} chunks in {SPACES}"
    return show(title, _rows())


def _rows() -> Iterator[Row]:
    with scratch_store():
        random.seed(1)
        collection = Collection()
        questions = collection.questions()
        visible = collection.spaces[:VISIBLE]
        for question, vector in questions:  # loads the indexes
            retrieve_embedded(question, vector, collection.model, visible, TOP)
        bare = [faiss.IndexFlatIP(DIMENSIONS) for _ in visible]
        for index, matrix in zip(bare, collection.vectors, strict=False):
            index.add(matrix)
        ours = [indexes.at_revision_of(space, collection.model) for space in visible]
        vectors = [vector for _, vector in questions]
        reference, vector_part = _in_turn(
            lambda i: _bare_top(bare, vectors[i]),
            lambda i: [
                segment.vectors.nearest(vectors[i], TOP, segment.dead)
                for index in ours
                for segment in index.segments
            ],
        )
        yield Row("vector part, as a multiple of bare FAISS", vector_part / reference, at_most=1.5)

        def search(i: int) -> list[tuple[int, float]]:
            question, vector = questions[i]
            found = retrieve_embedded(question, vector, collection.model, visible, TOP)
            return [(passage.chunk_id, passage.score) for passage in found.passages]

        before = [search(i) for i in range(QUESTIONS)]
        reference, alone = _in_turn(lambda i: _bare_top(bare, vectors[i]), search)
        yield Row(
            "whole search, as a multiple of bare FAISS",
            alone / reference,
            at_most=20,
            detail=f"{alone * 1e3:.2f} ms; {reference * 1e3:.3f} ms",
        )
        collection.multiply(10)
        same = [search(i) for i in range(QUESTIONS)] == before
        drifted, crowded = _in_turn(lambda i: _bare_top(bare, vectors[i]), search)
        yield Row(
            "the same with ten times as many invisible chunks",
            crowded / drifted / (alone / reference),
            at_most=1.1,
            detail=f"{crowded * 1e3:.2f} ms among {Chunk.objects.count():,}",
        )
        yield Row("scores are the same to the last digit", float(same), at_least=1)


def _in_turn(*works: Callable[[int], object]) -> list[float]:
    """The median seconds of each, taken in turn so that the machine's moods hit all alike."""
    times: list[list[float]] = [[] for _ in works]
    for _ in range(ROUNDS):
        for question in range(QUESTIONS):
            for work, taken in zip(works, times, strict=True):
                started = perf_counter()
                work(question)
                taken.append(perf_counter() - started)
    return [median(taken) for taken in times]


def _bare_top(bare: list[faiss.IndexFlatIP], vector: np.ndarray) -> list[tuple[float, int]]:
    found = (index.search(vector[None, :], TOP) for index in bare)
    hits = [hit for scores, rows in found for hit in zip(scores[0], rows[0], strict=True)]
    return sorted(hits, reverse=True)[:TOP]


def _falling(count: int) -> np.ndarray:
    """Odds that fall with the rank, as those of words do."""
    weights: np.ndarray = 1 / np.arange(1, count + 1)
    odds: np.ndarray = weights / weights.sum()
    return odds


class Collection:
    """Spaces full of chunks made of random words with random vectors, written as rows."""

    def __init__(self, spaces: int = SPACES) -> None:
        self._random = np.random.default_rng(1)
        # As in real text, few words are frequent and most are rare.
        letters = np.array(list("etaoinshrdlucmfwypvbgkjqxz"))
        spelt = self._random.choice(letters, (20_000, 8), p=_falling(len(letters)))
        self._words = ["".join(word) for word in spelt]
        self._odds = _falling(len(self._words))
        self.model = EmbeddingModel.objects.create(
            provider="local", name="random", dimensions=DIMENSIONS
        )
        Store.objects.create(pk=1, embedding_model=self.model)
        self.spaces = [Space.objects.create(key=f"bench:{n}") for n in range(spaces)]
        self.vectors = [self._fill(space) for space in self.spaces]

    def questions(self) -> list[tuple[str, np.ndarray]]:
        """Questions of eight words, each with a vector near a visible chunk's."""
        made = []
        for number in range(QUESTIONS):
            near = self.vectors[number % VISIBLE][number] + self._unit(1)[0] * 0.5
            words = self._random.choice(self._words[:5000], 8)
            made.append((" ".join(words), (near / np.linalg.norm(near)).astype(np.float32)))
        return made

    def multiply(self, times: int) -> None:
        """Add chunks to the invisible spaces until there are `times` as many."""
        columns = "section_id, start, end, text, embedded_sha256".replace("end", '"end"')
        hidden = [space.pk for space in self.spaces[VISIBLE:]]
        with connection.cursor() as cursor:
            for copy in range(1, times):
                cursor.execute(
                    f"INSERT INTO knowledge_chunk (chunking_id, position, {columns}) "
                    f"SELECT chunking_id, position + {copy * CHUNKS}, {columns} "
                    "FROM knowledge_chunk WHERE position < %s AND chunking_id IN "
                    f"(SELECT id FROM knowledge_chunking WHERE space_id >= {min(hidden)})",
                    [CHUNKS],
                )

    def _fill(self, space: Space) -> np.ndarray:
        matrix = self._unit(CHUNKS)
        words = self._random.choice(self._words, (CHUNKS, WORDS_A_CHUNK), p=self._odds)
        texts = [" ".join(row) for row in words]
        ends = np.cumsum([0, *(len(text) + 1 for text in texts)]).tolist()
        with transaction.atomic():
            document = Document.objects.create(space=space, name=f"{space.key}.txt")
            version = DocumentVersion.objects.create(
                document=document, number=1, sha256="", size=0, state="ready"
            )
            section = Section.objects.create(version=version, position=0, text=" ".join(texts))
            chunking = Chunking.objects.create(
                version=version,
                space=space,
                size=500,
                overlap=50,
                passages=CHUNKS,
                published_revision=space.step(),
            )
            document.current = version
            document.save()
            chunks = Chunk.objects.bulk_create(
                Chunk(
                    chunking=chunking,
                    section=section,
                    position=position,
                    start=start,
                    end=end - 1,
                    text=text,
                    embedded_sha256="",
                )
                for position, (text, (start, end)) in enumerate(
                    zip(texts, pairwise(ends), strict=True)
                )
            )
            Embedding.objects.bulk_create(
                Embedding(chunk=chunk, model=self.model, vector=vector.tobytes())
                for chunk, vector in zip(chunks, matrix, strict=True)
            )
        return matrix

    def _unit(self, count: int) -> np.ndarray:
        matrix = self._random.standard_normal((count, DIMENSIONS))
        unit: np.ndarray = (matrix / np.linalg.norm(matrix, axis=1, keepdims=True)).astype("<f4")
        return unit
