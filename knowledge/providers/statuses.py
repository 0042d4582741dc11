"""What a provider's HTTP status means. Its own words are left out: they may repeat the key."""

import math
import time
from email.utils import parsedate_to_datetime

from knowledge.errors import ProviderError, Refused, Throttled, Unreachable

# What an SDK raises where an answer, or the configured address, is not what it should be.
UNREADABLE = (ValueError, TypeError, AttributeError, LookupError, RuntimeError, OSError)
# The request is at fault, so the next one may do well.
_THIS_REQUEST = (400, 413, 422)
_MEANINGS = {
    401: "the key is not accepted",
    402: "there is no credit left",
    403: "the key may not do this",
    404: "the model or the address is not known",
}
LONGEST_DELAY = 86_400.0


def error_of(who: str, status: int, retry_after: float = 0.0, meaning: str = "") -> ProviderError:
    """The error for an HTTP status; `meaning` where the answer said more than that."""
    meaning = meaning or _MEANINGS.get(status, "")
    told = f"{who} answered {status}" + (f", {meaning}" if meaning else "")
    if status == 429 and not meaning:
        return Throttled(told, retry_after)
    if status >= 500 or status in (408, 409, 425):
        return Unreachable(told, retry_after)
    at_fault = bool(meaning) or status not in _THIS_REQUEST
    return Refused(told, retry_after, provider_at_fault=at_fault)


def seconds(retry_after: str | None) -> float:
    """What a Retry-After header asks for: a number of seconds, or a date."""
    if not retry_after:
        return 0.0
    try:
        asked = float(retry_after)
    except ValueError:
        asked = _until(retry_after)
    return 0.0 if math.isnan(asked) else min(max(asked, 0.0), LONGEST_DELAY)


def _until(date: str) -> float:
    try:
        return parsedate_to_datetime(date).timestamp() - time.time()
    except ValueError:
        return 0.0
