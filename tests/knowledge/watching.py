"""What the readers of files take and hold while a worker works, as the kernel tells."""

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

READER = b"knowledge.extraction"
EVERY = 0.02


@dataclass
class Seen:
    """What was seen of the readers, and of the text recognition that they ask for.

    megabytes: the most that all of them took at once; seconds: the longest life of one.
    """

    megabytes: float = 0.0
    seconds: float = 0.0
    lives: dict[tuple[int, str], tuple[float, float]] = field(default_factory=dict)
    sockets: set[str] = field(default_factory=set)
    secrets: set[str] = field(default_factory=set)

    def orphans(self) -> list[int]:
        """Those that live still."""
        return [pid for pid, begun in self.lives if _stat(pid) == begun]


class Watch:
    """Looks at the descendants of a process all the time."""

    def __init__(self, worker: int, secret: bytes) -> None:
        self.seen = Seen()
        self._worker, self._secret = worker, secret
        self._held = set[tuple[int, str, Path]]()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(EVERY):
            self._look()

    def _look(self) -> None:
        taken = 0.0
        for pid in descendants(self._worker):
            try:
                taken += self._look_at(pid)
            except (FileNotFoundError, ProcessLookupError):
                continue  # it has ended
        self.seen.megabytes = max(self.seen.megabytes, taken)

    def _look_at(self, pid: int) -> float:
        """The most megabytes that the process had."""
        process = Path(f"/proc/{pid}")
        # Until it has become a reader it is a copy of the worker.
        command = (process / "cmdline").read_bytes()
        if READER not in command and b"tesseract" not in command:
            return 0.0
        now, key = time.monotonic(), (pid, _stat(pid))
        first, _ = self.seen.lives.setdefault(key, (now, now))
        self.seen.lives[key] = (first, now)
        self.seen.seconds = max(self.seen.seconds, now - first)
        if self._secret in (process / "environ").read_bytes():
            self.seen.secrets.add(command.decode())
        for held in (process / "fd").iterdir():
            file = held.readlink()
            if str(file).startswith("socket:"):
                # What it had of the worker's is closed by the second look.
                if (*key, file) in self._held:
                    self.seen.sockets.add(f"{file} of {command.decode()}")
                self._held.add((*key, file))
        return high_water(pid)


def descendants(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = [int(child) for child in task.read_text().split()]
        except (FileNotFoundError, ProcessLookupError):
            continue
        for child in children:
            found += [child, *descendants(child)]
    return found


def high_water(pid: int) -> float:
    """The most megabytes that a process had in memory."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0  # it has ended, and nobody asked for its status yet


def _stat(pid: int) -> str:
    """When the process began; empty where there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (FileNotFoundError, ProcessLookupError):
        return ""
