"""What waits less in tests, in whichever process: modules, names and values."""

from datetime import timedelta
from types import ModuleType
from typing import Any

from bot import claims, leases, reply, responder, running

# Where a name is set, and to what.
Hurried = tuple[ModuleType, str, Any]


def hurried(lease: float) -> list[Hurried]:
    """A lease is over after so many seconds, and a call to a platform after a third of them."""
    return [
        (claims, "LEASE", timedelta(seconds=lease)),
        (leases, "LEASE", timedelta(seconds=lease)),
        (responder, "BEAT", lease / 3),
        (leases, "REQUEST_TIMEOUT", lease / 3),
        (reply, "REQUEST_TIMEOUT", lease / 3),
        (responder, "WAIT", timedelta(milliseconds=1)),
        (responder, "DELIVERY_WAIT", timedelta(seconds=1)),
        (running, "REST", 0.5),
    ]
