"""Landlock: a process gives up every file, port and foreign process but those that it names.

Through the kernel's own calls (linux/landlock.h), for no package of them is kept up.
"""

import ctypes
import os
import stat
from collections.abc import Iterable
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION, _PATH_BENEATH = 1, 1
_EXECUTE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 2, 1 << 3
# The rights over files, ports and scopes that each version of the interface knows.
_FILES = {1: 1 << 13, 2: 1 << 14, 3: 1 << 15, 5: 1 << 16}
_PORTS_SINCE, _PORTS = 4, 0b11
_SCOPES_SINCE, _SCOPES = 6, 0b11

_libc = ctypes.CDLL(None, use_errno=True)


class _Ruleset(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("files", "ports", "scopes")]


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = [("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32)]


def version() -> int:
    """Of the kernel's interface; 0 where it has none."""
    found = _libc.syscall(_CREATE_RULESET, None, 0, _VERSION)
    return max(0, int(found))


def allow_only(readable: Iterable[Path]) -> None:
    """From now on this process can read and run what lies below these paths, and nothing else of
    the file system; with newer kernels it also reaches no port and signals no other process.

    Raises OSError. `PR_SET_NO_NEW_PRIVS` must be set before.
    """
    known = version()
    files = max(right for since, right in _FILES.items() if since <= known) - 1
    rules = _Ruleset(
        files,
        _PORTS if known >= _PORTS_SINCE else 0,
        _SCOPES if known >= _SCOPES_SINCE else 0,
    )
    ruleset = _checked(_libc.syscall(_CREATE_RULESET, ctypes.byref(rules), _size(known), 0))
    try:
        for path in readable:
            _allow(ruleset, path)
        _checked(_libc.syscall(_RESTRICT_SELF, ruleset, 0))
    finally:
        os.close(ruleset)


def _size(known: int) -> int:
    """Of the structure as this version knows it."""
    fields = 3 if known >= _SCOPES_SINCE else 2 if known >= _PORTS_SINCE else 1
    return 8 * fields


def _allow(ruleset: int, path: Path) -> None:
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:  # not there, so there is nothing to allow
        return
    try:
        is_folder = stat.S_ISDIR(os.fstat(opened).st_mode)
        rule = _PathBeneath(_EXECUTE | _READ_FILE | (_READ_DIR if is_folder else 0), opened)
        _checked(_libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0))
    finally:
        os.close(opened)


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return int(result)
