"""seccomp: a process gives up system calls: those that make processes, reach others or the network.

A filter in the kernel's own language (linux/seccomp.h, linux/filter.h), for the package that would
write it needs a library of the system's and is not kept up.
"""

import ctypes
import errno
import os
import platform
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_ACTIONS = Path("/proc/sys/kernel/seccomp/actions_avail")
_PR_SET_SECCOMP, _MODE_FILTER = 22, 2
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_ALLOW, _KILL, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000
# x86-64 takes the calls of x32 as well, by numbers from here on.
_X32 = 0x40000000
_CLONE_THREAD = 0x00010000


@dataclass(frozen=True)
class _Machine:
    """How the kernel numbers its calls on a kind of processor."""

    audit: int
    clone: int
    tgkill: int
    exec: tuple[int, ...]
    denied: dict[str, int]


# Newer calls have the same numbers everywhere.
_DENIED_EVERYWHERE = {
    "pidfd_send_signal": 424,
    "io_uring_setup": 425,
    "pidfd_open": 434,
    "pidfd_getfd": 438,
}
_CLONE3 = 435
_MACHINES = {
    "x86_64": _Machine(
        audit=0xC000003E,
        clone=56,
        tgkill=234,
        exec=(59, 322),
        denied={
            "socket": 41,
            "fork": 57,
            "vfork": 58,
            "kill": 62,
            "tkill": 200,
            "rt_sigqueueinfo": 129,
            "rt_tgsigqueueinfo": 297,
            "ptrace": 101,
            "process_vm_readv": 310,
            "process_vm_writev": 311,
            "shmget": 29,
            "memfd_create": 319,
            "setpgid": 109,
            "setsid": 112,
            "mount": 165,
            "umount2": 166,
            "unshare": 272,
            "setns": 308,
            "chroot": 161,
            "bpf": 321,
            "perf_event_open": 298,
            "userfaultfd": 323,
            "add_key": 248,
            "request_key": 249,
            "keyctl": 250,
            "open_by_handle_at": 304,
        },
    ),
    "aarch64": _Machine(
        audit=0xC00000B7,
        clone=220,
        tgkill=131,
        exec=(221, 281),
        denied={
            "socket": 198,
            "kill": 129,
            "tkill": 130,
            "rt_sigqueueinfo": 138,
            "rt_tgsigqueueinfo": 240,
            "ptrace": 117,
            "process_vm_readv": 270,
            "process_vm_writev": 271,
            "shmget": 194,
            "memfd_create": 279,
            "setpgid": 154,
            "setsid": 157,
            "mount": 40,
            "umount2": 39,
            "unshare": 97,
            "setns": 268,
            "chroot": 51,
            "bpf": 280,
            "perf_event_open": 241,
            "userfaultfd": 282,
            "add_key": 217,
            "request_key": 218,
            "keyctl": 219,
            "open_by_handle_at": 265,
        },
    ),
}


def available() -> bool:
    """Whether this kernel takes filters, on a kind of processor that is known here."""
    return platform.machine() in _MACHINES and _ACTIONS.exists()


def forbid(*, programs: bool) -> None:
    """From now on this process starts no other, signals none, and opens no socket; without
    `programs` it also can't become another program.

    Raises OSError. `PR_SET_NO_NEW_PRIVS` must be set before.
    """
    machine = _MACHINES[platform.machine()]
    code = b"".join(_filter(machine, () if programs else machine.exec))
    buffer = ctypes.create_string_buffer(code, len(code))

    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_void_p)]

    program = Program(len(code) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program), 0, 0):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _filter(machine: _Machine, programs: tuple[int, ...]) -> Iterator[bytes]:
    """Instructions: operation, how many to skip if so and if not, operand."""
    yield _step(_LOAD, _ARCHITECTURE)
    yield _step(_EQUAL, machine.audit, then=1)
    yield _step(_RETURN, _KILL)
    yield _step(_LOAD, _NUMBER)
    yield _step(_AT_LEAST, _X32, unless=1)
    yield _step(_RETURN, _KILL)
    for number in (*machine.denied.values(), *_DENIED_EVERYWHERE.values(), *programs):
        yield _step(_EQUAL, number, unless=1)
        yield _step(_RETURN, _ERROR | errno.EPERM)
    # Its arguments can't be looked into; libraries then fall back on clone.
    yield _step(_EQUAL, _CLONE3, unless=1)
    yield _step(_RETURN, _ERROR | errno.ENOSYS)
    yield _step(_EQUAL, machine.clone, unless=3)
    yield _step(_LOAD, _FIRST_ARGUMENT)
    yield _step(_ANY_BIT, _CLONE_THREAD, then=5)
    yield _step(_RETURN, _ERROR | errno.EPERM)
    # A process that aborts signals itself.
    yield _step(_EQUAL, machine.tgkill, unless=3)
    yield _step(_LOAD, _FIRST_ARGUMENT)
    yield _step(_EQUAL, os.getpid(), then=1)
    yield _step(_RETURN, _ERROR | errno.EPERM)
    yield _step(_RETURN, _ALLOW)


def _step(operation: int, operand: int, then: int = 0, unless: int = 0) -> bytes:
    return struct.pack("=HBBI", operation, then, unless, operand)
