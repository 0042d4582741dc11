"""The indexes that this process holds, the least recently used given up first."""

import threading
from collections import OrderedDict

from django.conf import settings

from knowledge.index import loading
from knowledge.index.space_index import SpaceIndex
from knowledge.models import EmbeddingModel, Space

Key = tuple[int, int]


class IndexCache:
    """Indexes by space and model, at most `settings.INDEX_MEMORY_BYTES` together."""

    def __init__(self) -> None:
        self._indexes: OrderedDict[Key, SpaceIndex] = OrderedDict()
        self._loading: dict[Key, threading.Lock] = {}
        self._guard = threading.Lock()

    def at_revision_of(self, space: Space, model: EmbeddingModel) -> SpaceIndex:
        """The space's index at its row's revision or later; one thread at a time brings it up."""
        key = (space.pk, model.pk)
        with self._guard:
            if (index := self._fresh(key, space.revision)) is not None:
                return index
            loading_lock = self._loading.setdefault(key, threading.Lock())
        with loading_lock:
            with self._guard:
                if (index := self._fresh(key, space.revision)) is not None:
                    return index
                held = self._indexes.get(key)
            if held is None:
                index = loading.load(space, model)
            else:
                index = loading.advance(held, space, model)
            with self._guard:
                self._indexes[key] = index
                self._indexes.move_to_end(key)
                self._give_up_oldest()
            return index

    def clear(self) -> None:
        with self._guard:
            self._indexes.clear()

    def _fresh(self, key: Key, revision: int) -> SpaceIndex | None:
        index = self._indexes.get(key)
        if index is None or index.revision < revision:
            return None
        self._indexes.move_to_end(key)
        return index

    def _give_up_oldest(self) -> None:
        size = sum(index.nbytes for index in self._indexes.values())
        while size > settings.INDEX_MEMORY_BYTES and len(self._indexes) > 1:
            _, oldest = self._indexes.popitem(last=False)
            size -= oldest.nbytes


indexes = IndexCache()
