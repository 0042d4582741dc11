"""What goes wrong with the calls to come: a program that a test sets, per route.

A route is written as `POST /channels/{}/messages`; "*" is any. A file's bytes come from the
route CDN, which is where a BadDownload belongs.
"""

import threading
from dataclasses import dataclass

from tests.simulators.downloads import BadDownload

CDN = "GET /attachments/{}/{}/{}"


@dataclass(frozen=True)
class Error:
    """Discord's own refusal by its code. With `after`, the call took effect all the same."""

    code: int
    after: bool = False


@dataclass(frozen=True)
class Status:
    """An HTTP status with a page that is not JSON, as Cloudflare sends it."""

    status: int = 503
    after: bool = False


@dataclass(frozen=True)
class Limited:
    """A 429. Without `via` it is Cloudflare's ban of the address, which discord.py does not retry:
    every call is answered so until it is over."""

    retry_after: float
    everywhere: bool = False  # the global limit
    via: bool = True
    after: bool = False


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


Fault = Error | Status | Limited | Drop | Hang | Delay | BadDownload


class Faults:
    """What was queued with `next` goes first, one per call; then `always`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queue: list[tuple[str, Fault | None]] = []
        self._always: dict[str, Fault] = {}

    def next(self, route: str, *faults: Fault | None) -> None:
        """One for each of the next calls of the route; None lets a call pass."""
        with self._lock:
            self._queue += [(route, fault) for fault in faults]

    def always(self, route: str, fault: Fault) -> None:
        with self._lock:
            self._always[route] = fault

    def clear(self) -> None:
        with self._lock:
            self._queue.clear()
            self._always.clear()

    @property
    def pending(self) -> int:
        return len(self._queue)

    def take(self, route: str) -> Fault | None:
        with self._lock:
            for index, (name, fault) in enumerate(self._queue):
                if name in (route, "*"):
                    del self._queue[index]
                    return fault
            return self._always.get(route, self._always.get("*"))
