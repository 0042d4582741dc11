"""The faults that an answer has to survive, at either provider."""

from google.genai import types

from tests.simulators.faults import (
    Answer,
    Behaviour,
    Blocked,
    Cut,
    Empty,
    Garbage,
    Hang,
    Redirect,
    Reset,
    Status,
)

# Nothing was said before it.
AT_ONCE: list[Behaviour] = [
    *(Status(status) for status in (400, 401, 403, 404, 408, 429, 500, 503, 504)),
    Status(429, retry_after=0.1),
    Status(429, retry_after=60),
    Status(503, retry_after=60),
    Status(429, code="insufficient_quota"),
    Status(503, after=0),
    Hang(),
    Hang(after=0),
    Reset(),
    Reset(fin=True),
    Reset(after=0),
    Cut(),
    Cut(mid_event=True),
    Garbage(),
    Empty(),
    Empty(candidate=True),
    Blocked(),
    Redirect("http://127.0.0.1:9"),
    Answer(" "),
    Answer("\n\n  \n"),
]
# Some words were to be seen by then.
MIDWAY: list[Behaviour] = [
    Status(429, retry_after=0.1, after=3),
    Status(503, after=3),
    Hang(after=3),
    Reset(after=3),
    Reset(after=3, fin=True),
    Cut(after=3),
    Cut(after=3, mid_event=True),
    Garbage(after=3),
]
EVERY = [*AT_ONCE, *MIDWAY]

ANSWERING = ("STOP", "MAX_TOKENS")
STOPS = [name for name in types.FinishReason.__members__ if name not in ANSWERING]
