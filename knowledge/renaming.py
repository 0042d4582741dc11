"""Let a document follow the file that it was read from."""

from knowledge.errors import Overtaken
from knowledge.models import Document, DocumentVersion, VersionState
from knowledge.names import file_name
from knowledge.restoring import restore


def follow(document: Document, origin: str, name: str) -> DocumentVersion | None:
    """The document counts as read from `origin` from now on. With a new name its passages are made
    anew, as they are found by it: returns the queued version of the same content, else None.

    Raises OriginalMissing, and Overtaken where the document was removed meanwhile.
    """
    name = file_name(name)
    if not Document.objects.kept().filter(pk=document.pk).update(origin=origin, name=name):
        raise Overtaken(document.name)
    latest = document.versions.latest("number")
    if name == document.name or latest.state != VersionState.READY:
        return None
    return restore(latest, lambda version: None)
