"""Searching while another process embeds everything anew: how much slower, and whether right."""

import hashlib
import multiprocessing
import os
import signal
from collections.abc import Iterator, Sequence
from functools import cache
from multiprocessing.process import BaseProcess
from statistics import median
from time import perf_counter

import numpy as np
from django.db import connection
from django.test.utils import override_settings

from knowledge.embedding import EMBEDDERS, embedder
from knowledge.models import Embedding, EmbeddingModel, Space
from knowledge.providers.minilm import MiniLM
from knowledge.reembedding import begin, reembed_step
from knowledge.retrieval import search
from management.job_process import NICENESS
from management.scratch import scratch_store
from tests.bench.searching import DIMENSIONS, QUESTIONS, TOP, VISIBLE, Collection
from tests.bench.table import Row, show

SPACES = 20
# Seconds, in which the spaces that are searched should swap.
WITHIN = 60.0

Found = list[tuple[int, float]]


class Present:
    """What the collection counts as embedded with: costs next to nothing."""

    name = "random"

    def embed(self, texts: Sequence[str], *, query: bool = False) -> np.ndarray:
        return np.stack([self._vector(text) for text in texts])

    def _vector(self, text: str) -> np.ndarray:
        digest = hashlib.sha256(f"{self.name} {text}".encode()).digest()
        vector = np.random.default_rng(list(digest)).standard_normal(DIMENSIONS)
        unit: np.ndarray = (vector / np.linalg.norm(vector)).astype(np.float32)
        return unit


class Next(Present):
    """Embedding documents takes what the local model takes, so only searching is compared."""

    name = "next"

    def embed(self, texts: Sequence[str], *, query: bool = False) -> np.ndarray:
        if len(texts) > 1:
            _local().embed(texts)
        return super().embed(texts)


@cache
def _local() -> MiniLM:
    """Loaded in the process that embeds only: its threads would not survive a fork."""
    return MiniLM()


def measure() -> list[Row]:
    return show("Searching while everything is embedded anew", _rows())


def _rows() -> Iterator[Row]:
    before = dict(EMBEDDERS)
    EMBEDDERS.update(local=f"{__name__}.Present", gemini=f"{__name__}.Next")
    embedder.cache_clear()
    try:
        with scratch_store(), override_settings(GEMINI_BASE_URL="http://127.0.0.1:9"):
            yield from _measured(Collection(SPACES))
    finally:
        EMBEDDERS.update(before)
        embedder.cache_clear()


def _measured(collection: Collection) -> Iterator[Row]:
    questions = [question for question, _ in collection.questions()]
    visible = collection.spaces[:VISIBLE]
    old = [_found(question, visible) for question in questions]
    begin("gemini")
    seen: list[list[Found]] = []
    alone, beside = [], []
    process = _start()
    until = perf_counter() + WITHIN
    while (
        perf_counter() < until and process.is_alive()
    ):  # by turns, so that the machine's moods hit both alike
        _signal(process, signal.SIGSTOP)
        alone += _times(questions, visible, seen)
        _signal(process, signal.SIGCONT)
        beside += _times(questions, visible, seen)
    process.kill()
    process.join()
    new = [_found(question, visible) for question in questions]
    wrong = sum(
        found not in (old[number], new[number])
        for found_then in seen
        for number, found in enumerate(found_then)
    )
    made = Embedding.objects.filter(model=EmbeddingModel.objects.get(name="next")).count()
    yield Row(
        "a search, as a multiple of one while the other process stands still",
        median(beside) / median(alone),
        at_most=1.3,
        detail=f"{median(beside) * 1e3:.1f} ms; {median(alone) * 1e3:.1f} ms",
    )
    yield Row("passages that were embedded meanwhile", made, at_least=1000)
    changed = sum(before != after for before, after in zip(old, new, strict=True))
    yield Row("questions whose answer changed with the model", changed)
    yield Row(f"wrong answers among {len(seen) * QUESTIONS:,}", wrong, at_most=0)


def _start() -> BaseProcess:
    connection.close()
    process = multiprocessing.get_context("fork").Process(target=_work, daemon=True)
    process.start()
    return process


def _work() -> None:
    os.nice(NICENESS)  # as jobs are
    reembed_step()


def _signal(process: BaseProcess, number: int) -> None:
    if process.is_alive() and process.pid is not None:
        os.kill(process.pid, number)


def _times(
    questions: Sequence[str], spaces: Sequence[Space], seen: list[list[Found]]
) -> list[float]:
    """The seconds of each search; what they found is added to `seen`."""
    times = []
    seen.append([])
    for question in questions:
        started = perf_counter()
        found = _found(question, spaces)
        times.append(perf_counter() - started)
        seen[-1].append(found)
    return times


def _found(question: str, spaces: Sequence[Space]) -> Found:
    return [(passage.chunk_id, passage.score) for passage in search(question, spaces, TOP)]
