"""What a simulated model API does with the requests to come: a program that a test sets.

In a stream, `after` counts the tokens (words) sent before the fault; None means that not
even the response headers were sent. Without a stream, 0 stands before the body and anything
more in the middle of it.
"""

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from tests.simulators import pictures

Operation = Literal["chat", "embed", "models"]
Text = str | Callable[[str], str]

NO_PASSAGE = "The prompt holds no passage."


@dataclass(frozen=True)
class Answer:
    """Answers well. `text` is the answer, or makes it from the prompt's text.

    `finish` is the platform's own finish reason (default STOP, or stop); `delay` is in
    seconds before each token; `refusal` puts the text where OpenAI puts a refusal.
    """

    text: Text | None = None
    finish: str | None = None
    delay: float = 0.0
    refusal: bool = False


@dataclass(frozen=True)
class Status:
    """Answers with the platform's own error body for this HTTP status.

    `retry_after` (seconds) goes where the platform puts it: RetryInfo at Google, the
    Retry-After header at OpenAI. `code` is OpenAI's error code, such as insufficient_quota.
    With `after`, the error comes as an event inside a stream that began with HTTP 200.
    """

    status: int
    retry_after: float | None = None
    message: str | None = None
    code: str | None = None
    after: int | None = None


@dataclass(frozen=True)
class Hang:
    """Keeps the connection open and says nothing more."""

    after: int | None = None


@dataclass(frozen=True)
class Reset:
    """Breaks the connection: with RST, or with `fin` by closing it in mid-reply."""

    after: int | None = None
    fin: bool = False


@dataclass(frozen=True)
class Cut:
    """Ends the reply early but properly for HTTP: no finish reason, no last event.

    With `mid_event`, half of the next event is sent before the end.
    """

    after: int = 0
    mid_event: bool = False


@dataclass(frozen=True)
class Garbage:
    """Sends something that is not JSON where JSON belongs, with HTTP 200."""

    after: int = 0


@dataclass(frozen=True)
class Redirect:
    """Sends the client to the same path at another origin (scheme, host and port)."""

    origin: str
    status: int = 307


@dataclass(frozen=True)
class Empty:
    """HTTP 200 without an answer: no candidate at all, or one without parts."""

    candidate: bool = False


@dataclass(frozen=True)
class Blocked:
    """The prompt is refused: at Google HTTP 200 with a block reason, at OpenAI a 400."""

    reason: str = "PROHIBITED_CONTENT"


Behaviour = Answer | Status | Hang | Reset | Cut | Garbage | Redirect | Empty | Blocked


def cite_first_passage(prompt: str) -> str:
    """The first sentence of the prompt's last passage `[1] `, with its citation; of a picture, what
    can be seen."""
    if (seen := pictures.description(prompt)) is not None:
        return seen
    found = re.findall(r"^\[1\] (.*?)(?=^\[2\] |^\s*$|\Z)", prompt, re.DOTALL | re.MULTILINE)
    if not found:
        return NO_PASSAGE
    sentence = re.split(r"(?<=[.!?])\s", " ".join(found[-1].split()))[0]
    return f"{sentence.rstrip('.!?')} [1]."


class Faults:
    """The program: what was queued with `next` goes first, one per request; then `always`."""

    def __init__(self) -> None:
        self.answer: Text = cite_first_passage
        self._lock = threading.Lock()
        self._queue: list[tuple[Behaviour, Operation | None]] = []
        self._default: list[tuple[Behaviour, Operation | None]] = []

    def next(self, *behaviours: Behaviour, on: Operation | None = None) -> None:
        """Queues one behaviour for each of the next requests (of one operation only)."""
        with self._lock:
            self._queue += [(behaviour, on) for behaviour in behaviours]

    def always(self, behaviour: Behaviour, on: Operation | None = None) -> None:
        """Sets what happens when the queue has nothing; replaces what was set for `on`."""
        with self._lock:
            self._default = [rule for rule in self._default if rule[1] != on]
            self._default.append((behaviour, on))

    def clear(self) -> None:
        """Forgets the whole program, so that every request is answered well again."""
        with self._lock:
            self._queue.clear()
            self._default.clear()

    @property
    def pending(self) -> int:
        """How many queued behaviours no request has taken yet."""
        return len(self._queue)

    def take(self, operation: Operation) -> Behaviour:
        with self._lock:
            for index, (behaviour, on) in enumerate(self._queue):
                if on in (None, operation):
                    del self._queue[index]
                    return behaviour
            # What was set for this operation goes before what was set for all.
            fitting = [rule for rule in self._default if rule[1] in (None, operation)]
            fitting.sort(key=lambda rule: rule[1] is None)
            return fitting[0][0] if fitting else Answer()

    def text(self, behaviour: Behaviour, prompt: str) -> str:
        """The text that is (or would have been) answered to this prompt."""
        text = behaviour.text if isinstance(behaviour, Answer) else None
        chosen = self.answer if text is None else text
        return chosen if isinstance(chosen, str) else chosen(prompt)
