"""Measure ranking and refusal on a set of questions with known answers."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from backend.accounts.spaces import home, space_for, team_key
from backend.ingesting import finish
from knowledge.categories import Category, category_of
from knowledge.errors import KnowledgeError
from knowledge.ingestion import add_document
from knowledge.models import Space, VersionState
from knowledge.passages import Passage
from knowledge.retrieval import retrieve
from management.queries import read_queries, read_rows
from management.watching import files_in

# Passages retrieved for a query: enough for ten different pages or documents.
DEPTH = 60

Progress = Callable[[Sequence[Any], str], Iterable[Any]]


def evaluate(folder: Path, progress: Progress) -> dict[str, Any]:
    """The figures of `folder`, whose documents are loaded into the present store.

    Refusal is that of the extractive answerer. Raises KnowledgeError for a document that can't
    be read.
    """
    queries = read_queries(folder / "queries.jsonl")
    space = space_for(team_key(home()))
    names = _load(folder, space, progress)
    ranked: list[list[float]] = []
    refused: dict[bool, list[bool]] = {True: [], False: []}
    for query in progress(queries, "Asking"):
        found = retrieve(query["text"], [space], DEPTH)
        if relevant := set(query.get("relevant", [])):
            ranked.append(_figures(_ranking(found.passages, relevant, names), relevant))
        told = category_of(query["text"], follows_up=False) is Category.DOCUMENT
        refused[query.get("answerable", bool(relevant))].append(not (told and found.sufficient))
    labels = ("hit@1", "recall@5", "recall@10", "mrr@10", "ndcg@10")
    means = [_mean(column) for column in zip(*ranked, strict=True)] or [None] * len(labels)
    answered = _mean(refused[True])
    return {
        "queries": len(queries),
        **dict(zip(labels, means, strict=True)),
        "refused_unanswerable": _mean(refused[False]),
        "answered_answerable": None if answered is None else 1 - answered,
    }


def _load(folder: Path, space: Space, progress: Progress) -> dict[str, list[str]]:
    """Load the folder's documents; how the questions call each, by document id: those of the same
    content are one."""
    if (folder / "docs.jsonl").exists() and not (folder / "files").is_dir():
        files = [
            (str(row["id"]), "document.md", f"# {row.get('title', '')}\n\n{row['text']}".encode())
            for row in read_rows(folder / "docs.jsonl")
        ]
    else:
        below = folder / "files" if (folder / "files").is_dir() else folder
        files = [(path.name, path.name, path.read_bytes()) for path in files_in(below)]
    names: defaultdict[str, list[str]] = defaultdict(list)
    for number, (called, name, data) in enumerate(progress(files, "Reading")):
        version = finish(add_document(space, name, data, origin=str(number)).version)
        if version.state != VersionState.READY:
            raise KnowledgeError(f"{called}: {version.reason}")
        names[str(version.document_id)].append(called)
    return names


def _ranking(passages: list[Passage], relevant: set[str], names: dict[str, list[str]]) -> list[str]:
    """What the passages stand for, best first: pages where `relevant` names pages."""
    by_page = any("#page=" in name for name in relevant)
    called = (
        f"{name}#page={p.page}" if by_page else name
        for p in passages
        for name in names[p.document_id]
    )
    by_id = (p.document_id for p in passages)
    return list(dict.fromkeys(by_id if _are_ids(relevant, names) else called))


def _are_ids(relevant: set[str], names: dict[str, list[str]]) -> bool:
    return relevant <= names.keys()


def _figures(ranking: list[str], relevant: set[str]) -> list[float]:
    """hit@1, recall@5, recall@10, reciprocal rank and nDCG within ten."""
    hits = [name in relevant for name in ranking[:10]]
    first = hits.index(True) + 1 if any(hits) else math.inf
    gain = sum(1 / math.log2(place + 2) for place, hit in enumerate(hits) if hit)
    ideal = sum(1 / math.log2(place + 2) for place in range(min(len(relevant), 10)))
    return [
        float(first == 1),
        sum(hits[:5]) / len(relevant),
        sum(hits) / len(relevant),
        1 / first,
        gain / ideal,
    ]


def _mean(values: Sequence[float]) -> float | None:
    return round(sum(values) / len(values), 4) if values else None
