"""Ranking and refusal on the open benchmark and on the sample documents."""

from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from management.evaluating import evaluate
from management.scratch import scratch_store
from management.terminal import progress
from tests.bench.table import Row, show

CONTOSO: Path = settings.BASE_DIR.parent / "shared" / "bench" / "contoso"
# Folder: recall@5, MRR@10, refused of the unanswerable, answered of the answerable.
TARGETS = {
    CONTOSO: (0.80, 0.67, 0.95, 0.90),
    settings.BASE_DIR / "documents": (None, None, 0.70, 0.90),
}


def measure() -> list[Row]:
    rows: list[Row] = []
    for folder in TARGETS:
        if folder.exists():
            rows += show(f"Quality on {folder.name}", _rows(folder))
        else:
            print(f"\n{folder.name} is not here; its figures are left out.")
    return rows


def _rows(folder: Path) -> Iterator[Row]:
    recall, mrr, refused, answered = TARGETS[folder]
    with scratch_store():
        figures = evaluate(folder, progress)
    yield Row("hit@1", figures["hit@1"], detail=f"{figures['queries']} questions")
    yield Row("recall@5", figures["recall@5"], at_least=recall)
    yield Row("recall@10", figures["recall@10"])
    yield Row("MRR@10", figures["mrr@10"], at_least=mrr)
    yield Row("nDCG@10", figures["ndcg@10"])
    yield Row("unanswerable refused", figures["refused_unanswerable"], at_least=refused)
    yield Row("answerable answered", figures["answered_answerable"], at_least=answered)
