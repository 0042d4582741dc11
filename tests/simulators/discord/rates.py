"""Discord's rate limits (https://discord.com/developers/docs/topics/rate-limits)."""

import hashlib
import math
import time
from dataclasses import dataclass, field

from tests.simulators.discord.state import JSON

# Route -> calls and seconds, per major parameter (channel, guild or webhook).
LIMITS = {
    "POST /channels/{}/messages": (5, 5.0),
    "PATCH /channels/{}/messages/{}": (5, 5.0),
    "POST /channels/{}/typing": (5, 5.0),
    "DELETE /channels/{}/messages/{}": (5, 1.0),
}
WEBHOOK, OTHER = (5, 2.0), (50, 1.0)
GLOBAL = 50  # a second
GRACE = 0.05
ADDRESS = "address"  # what Cloudflare bars
GENEROUS = 1000  # what the headers say while no limit is enforced


@dataclass
class Call:
    """One call of the REST API. `status` is None where no answer was sent."""

    method: str
    route: str
    path: str
    body: JSON
    arrived: float = field(default_factory=time.monotonic)
    at: float = field(default_factory=time.time)
    status: int | None = None
    code: int | None = None  # Discord's error code, where it refused
    early: float = 0.0  # seconds by which it came before a retry_after had run out


@dataclass
class Limit:
    """A call is over the limit."""

    retry_after: float
    everywhere: bool = False
    via: bool = True


class Rates:
    """`scale` shortens every window for a test."""

    def __init__(self) -> None:
        self.on = False
        self.scale = 1.0
        self.invalid = 0  # answers of 401, 403 and 429, of which 10,000 in 10 minutes ban
        self._windows: dict[str, tuple[float, int]] = {}  # when it began, calls in it
        self._barred: dict[str, tuple[float, float]] = {}  # since, until

    def check(self, call: Call) -> Limit | None:
        """None lets the call pass."""
        keys = [bucket(call)] + ([] if exempt(call) else ["*"])
        for key in [ADDRESS, *keys]:
            since, until = self._barred.get(key, (0.0, 0.0))
            if until > call.arrived:
                # What was under way when the limit was told could not know of it.
                call.early = until - call.arrived if call.arrived > since + GRACE else 0.0
                return Limit(until - call.arrived, key == "*", key != ADDRESS)
        if not self.on:
            return None
        for key in reversed(keys):
            if (wait := self._wait(key, call)) > 0:
                self.bar(key, wait)
                return Limit(wait, key == "*")
        for key in keys:
            began, count = self._windows[key]
            self._windows[key] = (began, count + 1)
        return None

    def bar(self, key: str, seconds: float) -> None:
        """From now on, calls that come before the time is over count as early."""
        now = time.monotonic()
        self._barred[key] = (now, max(self._barred.get(key, (0.0, 0.0))[1], now + seconds))

    def headers(self, call: Call) -> dict[str, str]:
        """What every answer says of its bucket."""
        key = bucket(call)
        most, window = self._limit(call)
        left, after = GENEROUS - 1, 1.0
        if self.on:
            began, count = self._windows.get(key, (time.monotonic(), 0))
            left = max(0, most - count)
            after = max(0.001, began + window - time.monotonic())
        digest = hashlib.sha1(call.route.encode()).hexdigest()[:20]
        return {
            "x-ratelimit-limit": str(most if self.on else GENEROUS),
            "x-ratelimit-remaining": str(left),
            "x-ratelimit-reset": f"{time.time() + after:.3f}",
            "x-ratelimit-reset-after": f"{after:.3f}",
            "x-ratelimit-bucket": digest,
        }

    def _wait(self, key: str, call: Call) -> float:
        most, window = (GLOBAL, self.scale) if key == "*" else self._limit(call)
        began, count = self._windows.setdefault(key, (call.arrived, 0))
        if call.arrived >= began + window:
            began, count = self._windows[key] = (call.arrived, 0)
        return began + window - call.arrived if count >= most else 0.0

    def _limit(self, call: Call) -> tuple[int, float]:
        default = WEBHOOK if "/webhooks/" in call.route else OTHER
        most, window = LIMITS.get(call.route, default)
        return most, window * self.scale


def bucket(call: Call) -> str:
    """The route and its major parameter: all that stands before the first minor one."""
    parts = [*call.path.split("/"), ""]
    major = "/".join(parts[1:4] if parts[1] in ("webhooks", "interactions") else parts[1:3])
    return f"{call.route} {major}"


def exempt(call: Call) -> bool:
    """Interaction endpoints do not count towards the global limit."""
    return call.route.split(" ")[1].startswith(("/webhooks/", "/interactions/"))


def refusal(limit: Limit) -> tuple[JSON, dict[str, str]]:
    told = {
        "message": "You are being rate limited.",
        "retry_after": math.ceil(limit.retry_after * 1000) / 1000,
        "global": limit.everywhere,
    }
    headers = {"retry-after": str(math.ceil(limit.retry_after)), "via": "1.1 google"}
    headers["x-ratelimit-scope"] = "global" if limit.everywhere else "user"
    if limit.everywhere:
        headers["x-ratelimit-global"] = "true"
    return told, headers
