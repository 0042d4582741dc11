"""What a process gives up before it looks at somebody's file.

It dies with its parent, has no privileges, writes no file, starts no process, signals none, opens
no socket, and reads nothing but programs and libraries; memory and processor time are limited.
"""

import ctypes
import os
import resource
import signal
import struct
import sys
import sysconfig
from pathlib import Path

from knowledge.extraction import landlock, seccomp

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_CAPABILITIES_V3 = 0x20080522
MEGABYTE = 1024 * 1024
# More than the longest that a file may take; the parent's clock is what counts.
CPU_SECONDS = 600
FILES_OPEN = 64
# Programs, libraries, and what these load while they work. Nobody's data lies there.
PROGRAMS = (
    "/bin",
    "/lib",
    "/lib64",
    "/usr/bin",
    "/usr/lib",
    "/usr/share/tesseract-ocr",
    "/usr/local/lib",
    "/usr/local/share/tessdata",
    "/etc/ld.so.cache",
    "/dev/null",
    "/dev/urandom",
)


def confine(parent: int, megabytes: int, *, programs: bool = False, folder: str = "") -> None:
    """Confine this process for good; `programs` lets it become another program, confined as well,
    and it may read what lies in `folder`, if it is named.

    `parent` is the id of the process that started it; `megabytes` is its address space. What the
    kernel lacks is left out; `missing` names it. Raises OSError.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it died before that
        os._exit(1)
    _limit(megabytes)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    # Root, too, has no capabilities any more.
    libc.capset(struct.pack("=Ii", _CAPABILITIES_V3, 0), bytes(24))
    if landlock.version():
        landlock.allow_only(_libraries() | ({Path(folder)} if folder else set()))
    if seccomp.available():
        seccomp.forbid(programs=programs)


def missing() -> list[str]:
    """What of the protection this kernel lacks, for people."""
    lacking = []
    if not landlock.version():
        lacking.append("Landlock (which files a reader may open)")
    if not seccomp.available():
        lacking.append("seccomp filters (network, further processes)")
    return lacking


def _limit(megabytes: int) -> None:
    for limit, most in (
        (resource.RLIMIT_AS, megabytes * MEGABYTE),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, FILES_OPEN),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(limit)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(limit, (most, most))


def _libraries() -> set[Path]:
    python = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    ours = Path(__file__).resolve().parent.parent
    shared = sysconfig.get_config_var("LIBDIR")
    return {Path(path) for path in (*PROGRAMS, *python, shared, sys.executable) if path} | {ours}
