"""seccomp: a process gives up system calls: those that make processes, reach others or the network,
or change what is noted of files.

A filter in the kernel's own language (linux/seccomp.h, linux/filter.h), for the package that would
write it needs a library of the system's and is not kept up.
"""

import ctypes
import errno
import os
import platform
import struct
from collections.abc import Iterator
from pathlib import Path

from knowledge.extraction.system_calls import CLONE3, DENIED_EVERYWHERE, MACHINES, Machine

_ACTIONS = Path("/proc/sys/kernel/seccomp/actions_avail")
_PR_SET_SECCOMP, _MODE_FILTER = 22, 2
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_ALLOW, _KILL, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000
# x86-64 takes the calls of x32 as well, by numbers from here on.
_X32 = 0x40000000
_CLONE_THREAD = 0x00010000
_PR_SET_PDEATHSIG = 1


def available() -> bool:
    """Whether this kernel takes filters, on a kind of processor that is known here."""
    return platform.machine() in MACHINES and _ACTIONS.exists()


def forbid(*, programs: bool) -> None:
    """From now on this process starts no other, signals and limits none, opens no socket, changes
    no file's owner, mode or times, and can't take back that it dies with its parent; without
    `programs` it also can't become another program.

    Raises OSError. `PR_SET_NO_NEW_PRIVS` must be set before.
    """
    machine = MACHINES[platform.machine()]
    code = b"".join(_filter(machine, () if programs else machine.exec))
    buffer = ctypes.create_string_buffer(code, len(code))

    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_void_p)]

    program = Program(len(code) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program), 0, 0):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _filter(machine: Machine, programs: tuple[int, ...]) -> Iterator[bytes]:
    """Instructions: operation, how many to skip if so and if not, operand."""
    yield _step(_LOAD, _ARCHITECTURE)
    yield _step(_EQUAL, machine.audit, then=1)
    yield _step(_RETURN, _KILL)
    yield _step(_LOAD, _NUMBER)
    yield _step(_AT_LEAST, _X32, unless=1)
    yield _step(_RETURN, _KILL)
    for number in (*machine.denied.values(), *DENIED_EVERYWHERE.values(), *programs):
        yield _step(_EQUAL, number, unless=1)
        yield _step(_RETURN, _ERROR | errno.EPERM)
    # Its arguments can't be looked into; libraries then fall back on clone.
    yield _step(_EQUAL, CLONE3, unless=1)
    yield _step(_RETURN, _ERROR | errno.ENOSYS)
    yield from _only_if(machine.clone, _ANY_BIT, _CLONE_THREAD)
    # A process that aborts signals itself, and may ask for its own limits.
    yield from _only_if(machine.tgkill, _EQUAL, os.getpid())
    yield from _only_if(machine.prlimit, _EQUAL, 0)
    yield from _only_if(machine.prctl, _AT_LEAST, _PR_SET_PDEATHSIG + 1)
    yield _step(_RETURN, _ALLOW)


def _only_if(call: int, test: int, operand: int) -> Iterator[bytes]:
    """Allow the call where its first argument passes the test, and refuse it else."""
    yield _step(_EQUAL, call, unless=4)
    yield _step(_LOAD, _FIRST_ARGUMENT)
    yield _step(test, operand, unless=1)
    yield _step(_RETURN, _ALLOW)
    yield _step(_RETURN, _ERROR | errno.EPERM)


def _step(operation: int, operand: int, then: int = 0, unless: int = 0) -> bytes:
    return struct.pack("=HBBI", operation, then, unless, operand)
