"""What goes wrong with the calls to come: a program that a test sets, per method."""

import threading
from dataclasses import dataclass, field
from typing import Any

from tests.simulators.downloads import BadDownload


@dataclass(frozen=True)
class Error:
    """Slack's own refusal by name. With `after`, the call took effect all the same."""

    name: str
    after: bool = False
    fields: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Status:
    """An HTTP status with a page that is not JSON, as a gateway sends it."""

    status: int = 503
    after: bool = False
    retry_after: int | None = None


@dataclass(frozen=True)
class Drop:
    """The connection breaks without an answer: before the call took effect, or after it."""

    after: bool = False


@dataclass(frozen=True)
class Hang:
    """The connection stays open and no answer comes."""

    after: bool = False


@dataclass(frozen=True)
class Delay:
    """Waits, in seconds, before the call takes effect or (`after`) before the answer goes out."""

    seconds: float
    after: bool = False


# A BadDownload is for "files.download", and only for whoever may have the file.
Fault = Error | Status | Drop | Hang | Delay | BadDownload


class Faults:
    """What was queued with `next` goes first, one per call; then `always`. "*" is any method."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queue: list[tuple[str, Fault | None]] = []
        self._always: dict[str, Fault] = {}

    def next(self, method: str, *faults: Fault | None) -> None:
        """One for each of the next calls to the method; None lets a call pass."""
        with self._lock:
            self._queue += [(method, fault) for fault in faults]

    def always(self, method: str, fault: Fault) -> None:
        with self._lock:
            self._always[method] = fault

    def clear(self) -> None:
        with self._lock:
            self._queue.clear()
            self._always.clear()

    @property
    def pending(self) -> int:
        return len(self._queue)

    def take(self, method: str) -> Fault | None:
        with self._lock:
            for index, (name, fault) in enumerate(self._queue):
                if name in (method, "*"):
                    del self._queue[index]
                    return fault
            return self._always.get(method, self._always.get("*"))
