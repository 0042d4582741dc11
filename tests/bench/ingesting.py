"""Ingesting a collection against bare pypdf and the bare embedder, and rebuilding it."""

import io
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from pypdf import PdfReader

from backend.accounts.spaces import home, space_for, team_key
from backend.ingesting import finish
from knowledge.embedding import embedder
from knowledge.index.cache import indexes
from knowledge.ingestion import add_document
from knowledge.models import Chunk
from knowledge.passages import text_to_embed
from knowledge.rebuilding import rebuild
from management.scratch import scratch_store
from management.watching import files_in
from tests.bench.quality import CONTOSO
from tests.bench.table import Row, seconds, show


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
    extracted = seconds(lambda: _extract_bare(folder))
    embedded = seconds(lambda: _embed_bare(texts))
    yield Row(
        "ingesting, as a multiple of bare pypdf + bare embedder",
        first / (extracted + embedded),
        at_most=1.15,
        detail=f"{first:.1f} s; {extracted:.1f} s + {embedded:.1f} s; {len(texts)} chunks",
    )


def _ingest(folder: Path) -> None:
    space = space_for(team_key(home()))
    for path in files_in(folder):
        version = finish(add_document(space, path.name, path.read_bytes()).version)
        assert version.state == "ready", version.reason


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
