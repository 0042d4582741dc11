"""What tests of the pipeline share."""

from datetime import timedelta
from pathlib import Path

from django.conf import settings as configured
from django.db.models.functions import Now

from backend import db, ingesting
from knowledge.models import DocumentVersion, Space
from knowledge.retrieval import search

PARAGRAPHS = [
    f"Paragraph {number} tells of the {word}."
    for number, word in enumerate("heron otter badger lynx marten stoat".split())
]


TEXT = "\n\n".join(f"# Part {number}\n\n{words}" for number, words in enumerate(PARAGRAPHS))


def originals() -> list[Path]:
    return [path for path in Path(configured.MEDIA_ROOT).rglob("*") if path.is_file()]


def claim(version: DocumentVersion) -> DocumentVersion:
    claimed = db.claim_row(DocumentVersion.objects.filter(pk=version.pk), ingesting.LEASE)
    assert claimed is not None
    return claimed


def let_wait_end(version: DocumentVersion) -> None:
    DocumentVersion.objects.filter(pk=version.pk).update(lease_until=Now() - timedelta(seconds=1))


def found(words: str, *spaces: Space) -> list[str]:
    return [passage.text for passage in search(words, spaces, 5)]
