"""Change the store's embedding model in the background.

    begin: Store.next_model ──▶ each space: embed what is missing, then swap ──▶ end: it is active

What is published meanwhile is embedded with both. A space swaps in one transaction, at a
revision at which nothing of it is missing. A search uses one model (`embedding.searched_model`),
so vectors of two never meet. A change back is a change like any other; one that is broken off
becomes a change to the present model, which makes up for what that could not embed meanwhile.
"""

import time
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Sum
from django.utils.module_loading import import_string

from knowledge import wording
from knowledge.embedding import model_of
from knowledge.errors import (
    AlreadyActive,
    ChangeTakenBack,
    ChangeUnderWay,
    KnowledgeError,
    NotConfigured,
    NothingToRollBack,
    ReembeddingWaits,
)
from knowledge.missing_vectors import embed_missing, missing, shown
from knowledge.models import Embedding, EmbeddingModel, Space, Store
from knowledge.providers import configured

# Seconds that one call works; what is left waits for the next.
SPAN = 600.0
# Vectors deleted in one transaction.
BATCH = 100


@dataclass(frozen=True)
class SpaceProgress:
    """How much of a space is embedded with the next model, and whether it is searched with it."""

    key: str
    done: int
    total: int
    swapped: bool


@dataclass(frozen=True)
class Progress:
    """A change that is under way."""

    model: EmbeddingModel
    spaces: list[SpaceProgress]

    @property
    def done(self) -> int:
        return sum(space.done for space in self.spaces)

    @property
    def total(self) -> int:
        return sum(space.total for space in self.spaces)


def begin(provider: str) -> EmbeddingModel:
    """Begin the change to the model that this provider is configured to embed with; going on with
    one that is under way is no error. Raises KnowledgeError, and then changes nothing."""
    if provider != "local" and not configured(provider):
        raise NotConfigured(provider)
    model = model_of(provider)
    with transaction.atomic():
        store, _ = Store.objects.select_for_update().get_or_create(pk=1)
        if store.next_model == model:
            return model
        if store.next_model is not None and store.next_model == store.embedding_model:
            raise ChangeTakenBack()
        if store.next_model is not None:
            raise ChangeUnderWay(str(store.next_model))
        if store.embedding_model == model:
            raise AlreadyActive(str(model))
        if store.embedding_model is None:
            store.embedding_model = model
        else:
            store.next_model = model
            if store.previous_model != model:  # its vectors are not kept any longer
                store.previous_model = None
        store.save(update_fields=["embedding_model", "next_model", "previous_model"])
    return model


def roll_back() -> EmbeddingModel:
    """Break off the change that is under way, or begin one back to the model before; the model
    that will be active. Raises NothingToRollBack."""
    with transaction.atomic():
        store = Store.objects.select_for_update().filter(pk=1).first()
        if store is not None and store.next_model is not None and store.embedding_model:
            store.next_model = store.embedding_model
            Space.objects.exclude(swapped_to=None).update(swapped_to=None)
        elif store is not None and store.previous_model is not None:
            store.next_model = store.previous_model
        else:
            raise NothingToRollBack()
        store.save(update_fields=["next_model"])
        return store.next_model


def progress() -> Progress | None:
    """How far the change is; None where none is under way."""
    store = Store.objects.select_related("next_model").filter(pk=1).first()
    if store is None or store.next_model is None:
        return None
    return Progress(
        store.next_model,
        [_progress_of(space, store.next_model) for space in Space.objects.order_by("key")],
    )


def _progress_of(space: Space, model: EmbeddingModel) -> SpaceProgress:
    total = shown(space).aggregate(total=Sum("passages"))["total"] or 0
    made = Embedding.objects.filter(chunk__chunking__in=shown(space), model=model)
    return SpaceProgress(space.key, made.count(), total, space.swapped_to_id == model.pk)


def reembed_step() -> str:
    """Go on with the change that is under way, for SPAN seconds at most; what was done.

    Raises ReembeddingWaits where the next model can't be reached.
    """
    deleted = _delete_unneeded()
    store = Store.objects.select_related("next_model").filter(pk=1).first()
    if store is None or (model := store.next_model) is None:
        return wording.VECTORS_DELETED.format(count=deleted) if deleted else wording.NO_CHANGE
    try:
        embedded, finished = _go_on(model, time.monotonic() + SPAN)
    except KnowledgeError as error:
        raise ReembeddingWaits(str(error)) from error
    if finished:
        return wording.CHANGED.format(model=model, count=embedded)
    now = progress()
    done, total = (now.done, now.total) if now else (0, 0)
    return wording.CHANGING.format(model=model, count=embedded, done=done, total=total)


def _go_on(model: EmbeddingModel, until: float) -> tuple[int, bool]:
    """How many chunks were embedded, and whether the change is at its end."""
    embedded, whole = 0, {}
    for space in Space.objects.order_by("pk"):
        searched = space.swapped_to_id == model.pk
        embedded += embed_missing(space, model, until, searched=searched)
        if time.monotonic() > until:
            return embedded, False
        revision = _whole_at(space, model)
        if revision is not None and not searched:
            revision = _swap(space, model, revision)
        if revision is not None:
            whole[space.pk] = revision
    return embedded, _end(model, whole)


def _whole_at(space: Space, model: EmbeddingModel) -> int | None:
    """The revision at which nothing is missing; None where something is."""
    revision = Space.objects.filter(pk=space.pk).values_list("revision", flat=True).first()
    return None if missing(space, model).exists() else revision


def _swap(space: Space, model: EmbeddingModel, revision: int) -> int | None:
    """Have the space searched with the model, unless it has changed since; its revision then."""
    space.revision = revision
    import_string("knowledge.index.loading.prepare")(space, model)
    with transaction.atomic():
        if not Store.objects.select_for_update().filter(pk=1, next_model=model).exists():
            return None
        unchanged = Space.objects.filter(pk=space.pk, revision=revision)
        swapped = unchanged.update(swapped_to=model, revision=revision + 1)
    return revision + 1 if swapped else None


def _end(model: EmbeddingModel, whole: dict[int, int]) -> bool:
    """Make the model the active one, if every space has swapped and none has changed since it was
    found whole."""
    with transaction.atomic():
        store = Store.objects.select_for_update().filter(pk=1, next_model=model).first()
        now = dict(Space.objects.filter(swapped_to=model).values_list("pk", "revision"))
        if store is None or now != whole or Space.objects.count() != len(whole):
            return False
        if store.embedding_model != model:
            store.previous_model, store.embedding_model = store.embedding_model, model
        store.next_model = None
        store.save(update_fields=["embedding_model", "next_model", "previous_model"])
        Space.objects.exclude(swapped_to=None).update(swapped_to=None)
    return True


def _delete_unneeded() -> int:
    """Delete the vectors of models that there is no way back to; how many."""
    store = Store.objects.filter(pk=1).first()
    if store is None:
        return 0
    needed = (store.embedding_model_id, store.next_model_id, store.previous_model_id)
    deleted = 0
    for model in EmbeddingModel.objects.exclude(pk__in=[pk for pk in needed if pk is not None]):
        vectors = Embedding.objects.filter(model=model).order_by("pk")
        while pks := list(vectors.values_list("pk", flat=True)[:BATCH]):
            deleted += Embedding.objects.filter(pk__in=pks).delete()[0]
    return deleted
