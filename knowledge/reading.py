"""The text of a version: read from its original once, and kept in sections.

They are written in batches, the first section last: until that is there, the text is not.
"""

import time
from collections.abc import Callable, Iterator, Sequence

from django.db import transaction
from django.db.models import QuerySet

from knowledge import describing, originals, publishing
from knowledge.extraction import sandbox
from knowledge.models import DocumentVersion, Section, VersionState

# Seconds between two notes of how far the reading is.
TELL_EVERY = 0.5
# Rows and characters of one write transaction: the write lock is held for some milliseconds only.
ROWS, CHARACTERS = 200, 250_000

# Called between steps: raises LeaseLost where another process has taken over.
KeepLease = Callable[[], None]


def sections_of(version: DocumentVersion, keep: KeepLease) -> list[Section]:
    """The version's sections. They are read only where neither this version has them nor another
    one of the document with the same bytes, of which nothing was left out.

    Raises FileRefused or another KnowledgeError.
    """
    if known := _whole(version):
        return known
    _discard(version)
    for other in _with_same_bytes(version):
        if known := _whole(other):
            return _write(version, known, other.pages, other.notice, keep)
    data = originals.read(version)
    found = sandbox.extract(version.document.name, data, _telling_pages(version, keep))
    parts, notice = describing.complete(found, version.attempts)
    texts = [(part, text) for part in parts for text in _stretches(part.text)]
    sections = [
        Section(position=i, page=part.page, heading=part.heading, text=text)
        for i, (part, text) in enumerate(texts)
    ]
    return _write(version, sections, found.pages, notice, keep)


def _with_same_bytes(version: DocumentVersion) -> QuerySet[DocumentVersion]:
    # One that is brought back has the notice already.
    same = DocumentVersion.objects.filter(
        document=version.document_id, sha256=version.sha256, notice=version.notice
    )
    return same.exclude(state=VersionState.REMOVED).exclude(pk=version.pk).order_by("-number")


def _stretches(text: str) -> Iterator[str]:
    """The text, cut at line breaks where it is more than one transaction may write."""
    while len(text) > CHARACTERS:
        end = text.rfind("\n", 0, CHARACTERS) + 1 or CHARACTERS
        yield text[:end]
        text = text[end:]
    yield text


def _whole(version: DocumentVersion) -> list[Section]:
    """The version's sections, and none where some may be missing."""
    sections = list(version.sections.all())
    return sections if sections and sections[0].position == 0 else []


def _discard(version: DocumentVersion) -> None:
    """Drop what an earlier attempt left half-written."""
    while pks := list(version.sections.values_list("pk", flat=True)[:ROWS]):
        with transaction.atomic():
            publishing.hold(version)
            Section.objects.filter(pk__in=pks).delete()


def _write(
    version: DocumentVersion,
    sections: Sequence[Section],
    pages: int | None,
    notice: str,
    keep: KeepLease,
) -> list[Section]:
    rows = [
        Section(version=version, position=s.position, page=s.page, heading=s.heading, text=s.text)
        for s in sections
    ]
    with transaction.atomic():
        publishing.hold(version)
        DocumentVersion.objects.filter(pk=version.pk).update(pages=pages, notice=notice)
    for batch in _batches(rows[::-1]):
        keep()
        with transaction.atomic():
            publishing.hold(version)
            Section.objects.bulk_create(batch)
    return rows


def _batches(rows: Sequence[Section]) -> Iterator[list[Section]]:
    batch, characters = list[Section](), 0
    for row in rows:
        if batch and (len(batch) == ROWS or characters + len(row.text) > CHARACTERS):
            yield batch
            batch, characters = [], 0
        batch.append(row)
        characters += len(row.text)
    if batch:
        yield batch


def _telling_pages(version: DocumentVersion, keep: KeepLease) -> sandbox.OnProgress:
    """Keep in the version's row how many of its pages are read, now and then."""
    told = -TELL_EVERY

    def tell(done: int, total: int) -> None:
        nonlocal told
        if (now := time.monotonic()) < told + TELL_EVERY:
            return
        told = now
        keep()
        ours = DocumentVersion.objects.filter(
            pk=version.pk, state=version.state, token=version.token
        )
        ours.update(pages=total, pages_done=done)

    return tell
