"""What is kept of a shared file, and what is taken away again where its message was deleted.

Where it will be kept, and the hash of its bytes, are noted before it is, and the version in the
transaction that makes it: no crash leaves anything that nobody knows of. These functions wait for
the storage, so they run on threads of their own.
"""

import hashlib
import re
from pathlib import PurePosixPath

from django.db.models import QuerySet

from backend.accounts.models import User
from backend.accounts.spaces import space_for
from backend.library.bringing import bring
from backend.library.versions import remove_version
from bot.models import InboxItem, ItemState, Kind
from bot.platforms import Fetched
from knowledge.errors import LeaseLost
from knowledge.ingestion import UNCHANGED
from knowledge.models import DocumentVersion
from knowledge.names import file_name

# What clients call every picture that is pasted.
PASTED = re.compile(r"(?:image|unknown|screenshot|photo|clipboard)\.(?:png|jpe?g|gif|webp)", re.I)


def keep(item: InboxItem, key: str, file: Fetched, user: User | None) -> None:
    """Bring the file to the space of this key, as the item's. Raises FileRefused, and then keeps
    nothing, and LeaseLost where the item is not ours any more."""
    digest = hashlib.sha256(file.data).hexdigest()
    name = file_name(_told_apart(file.name, item, digest))
    if not item.owned().update(space=key, sha256=digest, text=name):
        raise LeaseLost()
    item.space, item.sha256, item.text = key, digest, name

    def note(version: DocumentVersion) -> None:
        if not item.owned().update(version=version, brought=True):
            raise LeaseLost()

    added = bring(space_for(key), name, file.data, user, note)
    # What was there before is somebody else's.
    item.version, item.brought = added.version, added.outcome != UNCHANGED


def _told_apart(name: str, item: InboxItem, digest: str) -> str:
    """A name of its own for what is pasted: the next one is no new version of it."""
    if not PASTED.fullmatch(name):
        return name
    path = PurePosixPath(name)
    return f"{path.stem} {item.received_at:%Y-%m-%d} {digest[:6]}{path.suffix}"


def take_away(item: InboxItem) -> None:
    """Remove what the item brought, unless another that stands was shared with the same bytes:
    then it counts as brought by that. Safe to repeat."""
    version = _brought_by(item)
    if version is not None and not _pass_on(version):
        remove_version(version)
    InboxItem.objects.filter(pk=item.pk).update(space="", sha256="", version=None, brought=False)


def _brought_by(item: InboxItem) -> DocumentVersion | None:
    """The version that is there because of this item."""
    if not item.brought or item.version_id is None:
        return None
    return DocumentVersion.objects.filter(pk=item.version_id, document__removed_at=None).first()


def _pass_on(version: DocumentVersion) -> bool:
    """Whether another file that stands is, or is becoming, the same version."""
    heir = _standing(version).order_by("pk").first()
    if heir is None:
        return False
    InboxItem.objects.filter(pk=heir.pk).update(brought=True)
    return True


def _standing(version: DocumentVersion) -> QuerySet[InboxItem]:
    files = InboxItem.objects.filter(kind=Kind.FILE).exclude(state=ItemState.VOID)
    return files.filter(version=version) | files.filter(
        version=None, space=version.document.space.key, sha256=version.sha256
    )
