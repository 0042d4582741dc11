"""The files as they were handed over: kept through Django's storage, under random names.

Every function raises StorageFault where the storage can't be reached or refuses.
"""

import re
import secrets

from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage

from knowledge.errors import OriginalMissing
from knowledge.faults import storing
from knowledge.models import DocumentVersion

# A place for originals may hold other things too: these are the names that `_name` gives, and the
# folders that they lie in.
NAME = re.compile(r"[0-9a-f]{2}/[0-9a-f]{32}")
FOLDER = re.compile(r"[0-9a-f]{2}")


def keep(data: bytes, sha256: str) -> str:
    """Store the bytes; the name under which they lie."""
    with storing():
        return default_storage.save(_name(sha256), ContentFile(data))


def copy_of(version: DocumentVersion) -> str:
    """Store the version's original once more; the copy's name. Raises OriginalMissing."""
    with opened(version) as file, storing():
        return default_storage.save(_name(version.sha256), file)


def opened(version: DocumentVersion) -> File:
    """The version's original, to be closed by the caller. Raises OriginalMissing."""
    if not version.original:
        raise OriginalMissing()
    with storing():
        try:
            return version.original.open("rb")
        except FileNotFoundError as error:
            raise OriginalMissing() from error


def read(version: DocumentVersion) -> bytes:
    """All of the version's original. Raises OriginalMissing."""
    with opened(version) as file, storing():
        data: bytes = file.read()
        return data


def delete(name: str) -> None:
    with storing():
        default_storage.delete(name)


def _name(sha256: str) -> str:
    return f"{sha256[:2]}/{secrets.token_hex(16)}"
