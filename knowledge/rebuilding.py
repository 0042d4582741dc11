"""Cut every stored document anew, embed what changed, rebuild every index, and try them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import transaction

from knowledge import publishing
from knowledge.embedding import choose_model, models_for, searched_model
from knowledge.errors import LeaseLost
from knowledge.index import snapshot_files
from knowledge.index.cache import indexes
from knowledge.ingestion import chunk_sizes
from knowledge.models import Chunk, Document, DocumentVersion, EmbeddingModel, Space, Store
from knowledge.retrieval import search

# Passages that are searched for by their own words, and how high each must come.
TRIED = 20
WITHIN = 5

Progress = Callable[[Sequence[Any]], Iterable[Any]]


@dataclass
class Stats:
    """What a rebuild did."""

    sizes: tuple[int, int]
    model: EmbeddingModel
    documents: int = 0
    recut: int = 0
    passages: int = 0
    embedded: int = 0
    searched: int = 0
    found: int = 0
    spaces: list[str] = field(default_factory=list)

    def count(self, cuts: Sequence[object], recut: int = 0, embedded: int = 0) -> None:
        """Add a document that stands in these cuts."""
        self.documents += 1
        self.passages += len(cuts)
        self.recut += recut
        self.embedded += embedded

    def lines(self) -> Iterator[tuple[str, object]]:
        """Label and value of each figure."""
        yield "chunk size, overlap", "{} and {} characters".format(*self.sizes)
        yield "embedding model", f"{self.model}, {self.model.dimensions} dimensions"
        yield "documents cut anew", f"{self.recut} of {self.documents}"
        yield "passages", self.passages
        yield "embedded anew", self.embedded
        yield "indexes", ", ".join(self.spaces) or "none"
        yield "test searches", f"{self.found} of {self.searched} found their passage"


def rebuild(size: int | None, overlap: int | None, progress: Progress) -> Stats:
    """Rebuild everything from the stored text. The sizes given, in characters, stay until the
    next rebuild; without them settings' count.

    Raises ValueError for sizes that make no sense, and KnowledgeError.
    """
    _keep_sizes(size, overlap)
    stats = Stats(chunk_sizes(), choose_model())
    current = DocumentVersion.objects.filter(
        pk__in=Document.objects.kept().exclude(current=None).values("current")
    )
    for version in progress(list(current.select_related("document__space"))):
        try:
            _recut(version, stats)
        except LeaseLost:  # replaced or removed meanwhile: what replaced it is cut anew already
            publishing.discard_unpublished(version)
    indexes.clear()
    for space in Space.objects.filter(chunkings__withdrawn_revision=None).distinct():
        snapshot_files.delete_all(space)
        model = searched_model([space]) or stats.model
        if count := indexes.at_revision_of(space, model).count:
            stats.spaces.append(f"{space.key} ({count})")
    _try_searches(stats)
    return stats


def _keep_sizes(size: int | None, overlap: int | None) -> None:
    chosen = settings.CHUNK_SIZE if size is None else size
    lapping = settings.CHUNK_OVERLAP if overlap is None else overlap
    if not 50 <= chosen <= 20_000 or not 0 <= lapping < chosen:
        raise ValueError(
            f"A chunk size of {chosen} with an overlap of {lapping} can't be used: the size is "
            "50 to 20,000 characters, and the overlap is smaller."
        )
    named = size is not None or overlap is not None
    with transaction.atomic():
        store, _ = Store.objects.select_for_update().get_or_create(pk=1)
        store.chunk_size = chosen if named else None
        store.chunk_overlap = lapping if named else None
        store.save(update_fields=["chunk_size", "chunk_overlap"])


def _recut(version: DocumentVersion, stats: Stats) -> None:
    if not (sections := list(version.sections.all())):  # removed meanwhile
        return
    model, also = models_for(version.document.space)
    cuts = publishing.cut(version.document.name, sections, *stats.sizes)
    publishing.discard_unpublished(version)  # of a rebuild that broke off
    live = Chunk.objects.filter(
        chunking__version=version,
        chunking__published_revision__isnull=False,
        chunking__withdrawn_revision=None,
        embeddings__model=model,
    ).order_by("position")
    wanted = [(cut.section.pk, cut.start, cut.end, cut.embedded_sha256) for cut in cuts]
    if wanted == list(live.values_list("section", "start", "end", "embedded_sha256")):
        stats.count(cuts)
        return
    built = publishing.build(version, cuts, stats.sizes, model, lambda: None, also)
    publishing.publish(built.chunking, version)
    stats.count(cuts, recut=1, embedded=built.embedded)


def _try_searches(stats: Stats) -> None:
    """Search for some passages by their own words."""
    live = Chunk.objects.filter(
        chunking__published_revision__isnull=False, chunking__withdrawn_revision=None
    ).order_by("pk")
    pks = list(live.values_list("pk", flat=True))
    for pk in pks[:: max(1, len(pks) // TRIED)][:TRIED]:
        chunk = Chunk.objects.select_related("chunking__space").get(pk=pk)
        found = search(chunk.text[:300], [chunk.chunking.space], WITHIN)
        stats.searched += 1
        # The same words may stand in several documents.
        stats.found += any(passage.text == chunk.text for passage in found)
