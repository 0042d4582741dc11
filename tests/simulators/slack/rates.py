"""Slack's rate limits (https://docs.slack.dev/apis/web-api/rate-limits), and who ignores them."""

import math
import time
from collections import defaultdict, deque
from dataclasses import dataclass, field

TIERS = {1: 1, 2: 20, 3: 50, 4: 100}  # calls a minute, per method and workspace
# These count per channel instead: about one a second, with short bursts.
POSTS = {"chat.postMessage", "chat.postEphemeral"}


@dataclass
class Call:
    """One call of the Web API. `error` is None where it was answered well."""

    method: str
    args: dict[str, str]
    arrived: float = field(default_factory=time.monotonic)
    at: float = field(default_factory=time.time)
    error: str | None = None
    status: int | None = None  # None: no answer was sent
    early: float = 0.0  # seconds by which it came before a Retry-After had run out


class Rates:
    """`window` is the minute of the tiers, which a test may shorten; `burst` is per channel."""

    def __init__(self) -> None:
        self.on = False
        self.window = 60.0
        self.burst = 3
        self._past: dict[str, deque[float]] = defaultdict(deque)
        self._filled: dict[str, tuple[float, float]] = {}
        self._barred: dict[str, float] = {}

    def check(self, call: Call, tier: int) -> int | None:
        """None lets the call pass; else the whole seconds of Retry-After."""
        key = call.method
        if call.method in POSTS:
            key = f"{call.method} {call.args.get('channel')}"
        barred = self._barred.get(key, 0.0)
        if barred > call.arrived:
            call.early = barred - call.arrived
        if not self.on:
            return None
        wait = self._bucket(key, call) if call.method in POSTS else self._tier(key, call, tier)
        wait = max(wait, call.early)
        if wait <= 0:
            return None
        return self.bar(key, call.arrived, math.ceil(wait))

    def bar(self, key: str, now: float, seconds: int) -> int:
        """From now on, calls that come before the time is over count as early."""
        self._barred[key] = max(self._barred.get(key, 0.0), now + seconds)
        return seconds

    def _tier(self, key: str, call: Call, tier: int) -> float:
        past = self._past[key]
        while past and past[0] <= call.arrived - self.window:
            past.popleft()
        if len(past) >= TIERS[tier]:
            return past[0] + self.window - call.arrived
        past.append(call.arrived)
        return 0.0

    def _bucket(self, key: str, call: Call) -> float:
        level, since = self._filled.get(key, (float(self.burst), call.arrived))
        level = min(float(self.burst), level + call.arrived - since)
        if level < 1:
            self._filled[key] = (level, call.arrived)
            return 1 - level
        self._filled[key] = (level - 1, call.arrived)
        return 0.0
