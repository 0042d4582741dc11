"""What is known: spaces, documents, their versions and passages, and the vectors.

The database is the truth.
"""

from knowledge.models.documents import (
    Document,
    DocumentQuerySet,
    DocumentVersion,
    Section,
    VersionState,
    WatchedFile,
)
from knowledge.models.passages import Chunk, Chunking, Embedding
from knowledge.models.spaces import EmbeddingModel, Space, Store, random_identity

__all__ = [
    "Chunk",
    "Chunking",
    "Document",
    "DocumentQuerySet",
    "DocumentVersion",
    "Embedding",
    "EmbeddingModel",
    "Section",
    "Space",
    "Store",
    "VersionState",
    "WatchedFile",
    "random_identity",
]
