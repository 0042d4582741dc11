"""Readers that a file has taken over: what they try, in the very process that reads files."""

import ctypes
import mmap
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from knowledge.extraction import Part, Progress, child, ocr

ROOT = Path(__file__).resolve().parent.parent.parent


def read(data: bytes) -> Iterator[Part | Progress]:
    """Try what the file names, and tell how that went."""
    yield Progress(0, 1)
    try:
        got = ATTEMPTS[data.decode()]()
    except (OSError, ValueError) as error:
        got = f"refused: {type(error).__name__}"
    yield Part(None, "", str(got))


def _call(name: str, *arguments: int) -> None:
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments) < 0:
        raise OSError(ctypes.get_errno(), name)


def _fork() -> str:
    if os.fork() == 0:
        time.sleep(60)
        os._exit(0)
    return "forked"


def _allocate() -> None:
    hoard = []
    while True:
        hoard.append(mmap.mmap(-1, 64 << 20))
        hoard[-1].write(b"x" * (64 << 20))


def _hoard(megabytes: int) -> mmap.mmap:
    return mmap.mmap(-1, megabytes << 20)


def _abort_with(megabytes: int) -> None:
    held = _hoard(megabytes)
    time.sleep(0.5)
    held.flush()
    os.abort()


def _ask_with(megabytes: int) -> str:
    held = _hoard(megabytes)
    answer = _ask_nonsense()
    held.close()
    return answer


def _hoard_after_asking(megabytes: int) -> None:
    _ask_nonsense()
    _hoard(megabytes)


def _say(line: bytes) -> None:
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()


def _flood() -> None:
    while True:
        sys.stdout.buffer.write(b"x" * (1 << 20))


def _ask_and_not_listen() -> None:
    while True:
        child._say({"recognise": "eA=="})


def _sleep() -> None:
    while True:
        time.sleep(60)


def _spin() -> None:
    while True:
        pass


def _ask_nonsense() -> str:
    _say('{"recognise": "é"}'.encode())
    return sys.stdin.readline()


ATTEMPTS: dict[str, Callable[[], object]] = {
    # What must be refused.
    "the worker's environment": lambda: Path(f"/proc/{os.getppid()}/environ").read_bytes(),
    "the worker's memory": lambda: Path(f"/proc/{os.getppid()}/mem").read_bytes(),
    "the settings": lambda: (ROOT / "README.md").read_text(),  # .env would lie beside it
    "the users of the machine": lambda: Path("/etc/passwd").read_text(),
    "the folders of others": lambda: list(Path("/home").iterdir()),
    "writing a file": lambda: Path("/tmp/hostile").write_text("x"),
    "writing a library": lambda: Path(ocr.__file__).write_text("x"),
    "the network": lambda: socket.socket(),
    "the network by another family": lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM),
    "a local socket": lambda: socket.socket(socket.AF_UNIX),
    "a further process": _fork,
    "a program": lambda: subprocess.run(["/bin/true"], check=True),
    "becoming a program": lambda: os.execv("/bin/true", ["true"]),
    "the end of the worker": lambda: os.kill(os.getppid(), signal.SIGTERM),
    "a session of its own": os.setsid,
    "more memory than it may": lambda: resource.setrlimit(
        resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    ),
    "memory without an address": lambda: os.memfd_create("hostile"),
    "messages that stay": lambda: _call("msgget", 0, 0o600),
    "outliving the worker": lambda: _call("prctl", 1, 0, 0, 0, 0),
    "the worker's limits": lambda: resource.prlimit(os.getppid(), resource.RLIMIT_CORE, (0, 0)),
    "the worker's turn": lambda: os.setpriority(os.PRIO_PROCESS, os.getppid(), 0),
    "the worker's processors": lambda: os.sched_setaffinity(os.getppid(), os.sched_getaffinity(0)),
    "who may read a file": lambda: (ROOT / "README.md").chmod(0o644),
    "whose a file is": lambda: os.chown(ROOT / "README.md", os.getuid(), os.getgid()),
    "when a file was changed": lambda: os.utime(ROOT / "README.md"),
    "what is noted of a file": lambda: os.setxattr(ROOT / "README.md", "user.hostile", b"x"),
    "an end of a file": lambda: os.truncate(
        ROOT / "README.md", (ROOT / "README.md").stat().st_size
    ),
    "more memory than beside text recognition": lambda: _hoard_after_asking(520),
    # What must be without any use.
    "odd text": lambda: "\0odd \ud800text",
    "its own environment": lambda: sorted({*os.environ} - {"LC_CTYPE"}),
    "a question that is no picture": _ask_nonsense,
    # What must end it.
    "memory": _allocate,
    "an abort for want of memory": lambda: _abort_with(400),
    "a question with its hands full": lambda: _ask_with(520),
    "time": _spin,
    "rest": _sleep,
    "abort": os.abort,
    "a wild pointer": lambda: ctypes.string_at(0),
    "garbage": lambda: _say(b"\xff{not json"),
    "a list": lambda: _say(b"[1]"),
    "nothing known": lambda: _say(b'{"hello": 1}'),
    "a page that is none": lambda: _say(b'{"part": ["x", "", ""]}'),
    "pages beyond number": lambda: _say(b'{"progress": [0, 1' + b"0" * 400 + b", 0]}"),
    "fewer pages than none": lambda: _say(b'{"progress": [0, -1, 0]}'),
    "deep nesting": lambda: _say(b"[" * 100_000),
    "no refusal of ours": lambda: _say(b'{"refused": "SystemExit"}'),
    "a picture that is none": lambda: _say(b'{"picture": [1, "*", "", 0, 0, 0, "", true]}'),
    "a flood": _flood,
    "questions without end": _ask_and_not_listen,
}
