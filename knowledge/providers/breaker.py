"""Let a provider that keeps failing rest, and try it again with one request at a time."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from knowledge.errors import ProviderError

FAILURES = 3
REST_SECONDS = 30.0


class Breaker:
    """Closed, requests pass. After FAILURES in a row it opens for REST_SECONDS, or for as long
    as the provider asked; then one request is let through, and its outcome decides."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures = 0
        self._rests_until = 0.0
        self._probing = False

    def allows(self) -> bool:
        """Whether a request may go out now. A request that may must report its outcome."""
        with self._lock:
            if time.monotonic() < self._rests_until:
                return False
            if self._failures < FAILURES:
                return True
            if self._probing:
                return False
            self._probing = True
            return True

    @property
    def rest(self) -> float:
        """Seconds until a request may go out again."""
        with self._lock:
            return max(0.0, self._rests_until - time.monotonic())

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Around a request that was allowed: its outcome counts."""
        try:
            yield
        except ProviderError as error:
            if error.provider_at_fault:
                self.failed(error.retry_after)
            raise
        else:
            self.succeeded()
        finally:
            self.abandoned()

    def succeeded(self) -> None:
        with self._lock:
            self._failures, self._probing = 0, False

    def failed(self, retry_after: float = 0.0) -> None:
        with self._lock:
            self._failures, self._probing = self._failures + 1, False
            rest = REST_SECONDS if self._failures >= FAILURES else 0.0
            self._rests_until = max(self._rests_until, time.monotonic() + max(rest, retry_after))

    def abandoned(self) -> None:
        """The request ended without telling anything about the provider."""
        with self._lock:
            self._probing = False
