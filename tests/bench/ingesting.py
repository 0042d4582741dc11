"""Ingesting a collection against bare pypdf and the bare embedder, and rebuilding it."""

import io
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from pypdf import PdfReader

from backend.accounts.spaces import home, space_for, team_key
from backend.ingesting import finish
from knowledge.embedding import embedder
from knowledge.extraction import sandbox
from knowledge.index.cache import indexes
from knowledge.ingestion import add_document
from knowledge.models import Chunk
from knowledge.passages import text_to_embed
from knowledge.rebuilding import rebuild
from management.scratch import scratch_store
from management.watching import files_in
from tests.bench.quality import CONTOSO
from tests.bench.table import Row, seconds, show

LONG = "Northwind_Standard_Benefits_Details.pdf"


def measure() -> list[Row]:
    folder = CONTOSO / "files" if CONTOSO.exists() else settings.BASE_DIR / "documents"
    return show(f"Ingesting {folder.parent.name}/{folder.name}", _rows(folder))


def _rows(folder: Path) -> Iterator[Row]:
    embedder("local").embed(["loaded before the clock starts"])
    with scratch_store():
        first = seconds(lambda: _ingest(folder))
        texts = [
            text_to_embed(chunk.chunking.version.document.name, chunk.section.heading, chunk.text)
            for chunk in Chunk.objects.select_related(
                "chunking__version__document", "section"
            ).order_by("pk")
        ]
        indexes.clear()
        stats = [rebuild(None, None, list)]
        again = seconds(lambda: stats.append(rebuild(None, None, list)))
        yield Row("embedded by a rebuild of what is unchanged", stats[-1].embedded, at_most=0)
        yield Row(
            "its time, as a share of the first build",
            again / first,
            at_most=0.10,
            detail=f"{again:.2f} s of {first:.2f} s",
        )
    confined = seconds(lambda: _extract_confined(folder))
    extracted = seconds(lambda: _extract_bare(folder))
    embedded = seconds(lambda: _embed_bare(texts))
    yield Row(
        "pages/s of confined reading, as a share of bare pypdf's",
        extracted / confined,
        at_least=0.70,
        detail=f"{confined:.1f} s against {extracted:.1f} s",
    )
    yield Row(
        "ingesting, as a multiple of bare pypdf + bare embedder",
        first / (extracted + embedded),
        at_most=1.15,
        detail=f"{first:.1f} s; {extracted:.1f} s + {embedded:.1f} s; {len(texts)} chunks",
    )
    yield from _long_pdf()


def _long_pdf() -> Iterator[Row]:
    """From handing over a PDF of a hundred pages until it is found."""
    long = CONTOSO / "files" / LONG
    if not long.exists():
        return
    with scratch_store():
        searchable = seconds(lambda: _ingest_one(long))
        texts = list(Chunk.objects.order_by("pk").values_list("text", flat=True))
    extracted = seconds(lambda: sandbox.extract(long.name, long.read_bytes()))
    embedded = seconds(lambda: _embed_bare(texts))
    yield Row(
        "a PDF of 104 pages until it is searchable, as a multiple of extracting and embedding it",
        searchable / (extracted + embedded),
        at_most=1.3,
        detail=f"{searchable:.1f} s; {extracted:.1f} s + {embedded:.1f} s",
    )


def _ingest(folder: Path) -> None:
    for path in files_in(folder):
        _ingest_one(path)


def _ingest_one(path: Path) -> None:
    space = space_for(team_key(home()))
    version = finish(add_document(space, path.name, path.read_bytes()).version)
    assert version.state == "ready", version.reason


def _extract_confined(folder: Path) -> None:
    for path in files_in(folder):
        sandbox.extract(path.name, path.read_bytes())


def _extract_bare(folder: Path) -> None:
    for path in files_in(folder):
        data = path.read_bytes()
        if path.suffix == ".pdf":
            for page in PdfReader(io.BytesIO(data)).pages:
                page.extract_text()
        else:
            data.decode()


def _embed_bare(texts: list[str]) -> None:
    """Everything in one call: the embedder sorts by length over all of it."""
    embedder("local").embed(texts)
