"""The local embedding model: all-MiniLM-L6-v2 in int8 on CTranslate2."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import ctranslate2
import numpy as np
from django.conf import settings
from tokenizers import Tokenizer

from knowledge.errors import LocalModelMissing
from knowledge.providers import minilm_files

DIMENSIONS = 384
MAX_TOKENS = 256
BATCH_TOKENS = 1024


class MiniLM:
    """Embeds texts on this machine's processors, with what `minilm_convert` wrote."""

    name = "all-MiniLM-L6-v2"

    def __init__(self) -> None:
        self._folder = Path(settings.LOCAL_MODEL_DIR)
        minilm_files.verify(self._folder)
        try:
            self._tokenizer = Tokenizer.from_file(str(self._folder / "tokenizer.json"))
        except (RuntimeError, ValueError, OSError) as error:
            raise LocalModelMissing(str(self._folder)) from error
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.no_padding()
        # A few words are done before a second thread has heard of them.
        self._for_queries = self._encoder(intra_threads=1)

    def _encoder(self, **threads: int) -> ctranslate2.Encoder:
        try:
            return ctranslate2.Encoder(str(self._folder), compute_type="int8", **threads)
        except (RuntimeError, ValueError, OSError) as error:
            raise LocalModelMissing(str(self._folder)) from error

    @cached_property
    def _for_documents(self) -> ctranslate2.Encoder:
        return self._encoder()

    def embed(self, texts: Sequence[str], *, query: bool = False) -> np.ndarray:
        """Unit vectors, float32, shape (len(texts), 384). Texts beyond 256 tokens are cut."""
        tokens = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        encoder = self._for_queries if query else self._for_documents
        vectors = np.empty((len(texts), DIMENSIONS), dtype=np.float32)
        for batch in _batches(tokens):
            vectors[batch] = _embed_batch(encoder, [tokens[i] for i in batch])
        return vectors


def _embed_batch(encoder: ctranslate2.Encoder, tokens: list[list[int]]) -> np.ndarray:
    states = np.asarray(encoder.forward_batch(tokens).last_hidden_state)
    lengths = np.array([len(ids) for ids in tokens])
    mask = (np.arange(states.shape[1]) < lengths[:, None]).astype(np.float32)
    means = np.einsum("bth,bt->bh", states, mask) / lengths[:, None]
    vectors: np.ndarray = means / np.linalg.norm(means, axis=1, keepdims=True)
    return vectors


def _batches(tokens: list[list[int]]) -> list[list[int]]:
    """Positions grouped by similar length, so that little is spent on padding."""
    batches: list[list[int]] = []
    for position in sorted(range(len(tokens)), key=lambda i: len(tokens[i])):
        if batches and (len(batches[-1]) + 1) * len(tokens[position]) <= BATCH_TOKENS:
            batches[-1].append(position)
        else:
            batches.append([position])
    return batches
