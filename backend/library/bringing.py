"""Bring a file: a document's version, and who brought it."""

from backend.accounts.models import User
from backend.library.models import Contribution
from knowledge.ingestion import Added, Note, add_document
from knowledge.models import DocumentVersion, Space


def bring(
    space: Space, name: str, data: bytes, user: User | None, note: Note | None = None
) -> Added:
    """Keep the file as `add_document` does, and who brought it. What was there already stays
    with whoever brought it first. Raises FileRefused, and then keeps nothing."""

    def noted(version: DocumentVersion) -> None:
        Contribution.objects.create(version=version, user=user)
        if note is not None:
            note(version)

    return add_document(space, name, data, note=noted)
