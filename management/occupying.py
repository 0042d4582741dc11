"""Whether processes of this store run: each holds a shared lock on a file in DATA_DIR.

The lock belongs to the open file, so it ends with the process, however that ends.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from management.errors import StoreInUse

_held: list[int] = []


def occupy() -> None:
    """Say that this process uses the store, until it ends. Raises ImproperlyConfigured while a
    backup is being restored."""
    descriptor = _open()
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise ImproperlyConfigured(
            "a backup is being restored; start again when that is done"
        ) from None
    _held.append(descriptor)


def leave() -> None:
    """Take back what `occupy` said."""
    while _held:
        os.close(_held.pop())


@contextmanager
def alone() -> Iterator[None]:
    """Inside, no other process of this store runs or starts. Raises StoreInUse."""
    leave()
    descriptor = _open()
    try:
        _lock_out_others(descriptor)
        yield
    finally:
        os.close(descriptor)
        occupy()


def _lock_out_others(descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise StoreInUse() from None


def _open() -> int:
    path = Path(settings.DATA_DIR) / "in_use"
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
