"""How fast the bot is in Slack: a process of its own, with Slack and the model simulated here."""

import time
from collections.abc import Iterator, Sized
from dataclasses import dataclass
from functools import partial
from statistics import median

from tests.bench.bots import bare_sdks, peak, processor_time, running, slack_settings
from tests.bench.table import Row, seconds, show
from tests.simulators.faults import Answer
from tests.simulators.gemini import GeminiSimulator
from tests.simulators.slack.simulator import SlackSimulator
from tests.simulators.slack.state import Message

QUESTION = "@askwell When does the office in Lisbon open?"
QUESTIONS = 30
IN_FLIGHT = 200
# A model of two seconds: so many words, and seconds before each.
WORDS, PAUSE = 10, 0.2
# Seconds to each token of a quick one.
TOKEN = 0.02


def measure() -> list[Row]:
    return show("Slack", _rows())


def _rows() -> Iterator[Row]:
    bare = _bare()
    gemini = GeminiSimulator(key="bench-key")
    with (
        SlackSimulator() as slack,
        gemini,
        running(gemini, slack_settings(slack)) as bot,
    ):
        slack.wait(slack.sockets.live, timeout=60)
        _done(slack, slack.say("ana", "general", QUESTION))  # loads what is loaded once
        yield _status(slack)
        yield _first_words(slack, gemini)
        yield from _many(_burst(slack, gemini, bot), bare)
        yield Row("MB resident at most, bot", peak(bot), at_most=500)
        yield from _limited(slack)


def _status(slack: SlackSimulator) -> Row:
    waits = []
    for _ in range(QUESTIONS):
        sent = time.monotonic()
        seen = len(slack.statuses)
        asked = slack.say("ana", "general", QUESTION)
        slack.wait(partial(_more_than, slack.statuses, seen))
        waits.append((slack.statuses[seen].at - sent) * 1000)
        _done(slack, asked)
    return Row("ms from the event to the status, median", median(waits), at_most=100)


def _more_than(things: Sized, count: int) -> bool:
    return len(things) > count


def _first_words(slack: SlackSimulator, gemini: GeminiSimulator) -> Row:
    tokens: list[float] = []

    def text(prompt: str) -> str:
        tokens.append(time.monotonic() + TOKEN)
        return "It opens at nine o'clock [1]."

    waits = []
    gemini.faults.always(Answer(text, delay=TOKEN), on="chat")
    for _ in range(QUESTIONS):
        asked = slack.say("ana", "general", QUESTION)
        first = slack.wait(partial(slack.answers, asked))[0]
        waits.append((first.seen[0][0] - tokens[-1]) * 1000)
        _done(slack, asked)
    return Row("ms from the first token to the first words, median", median(waits), at_most=50)


@dataclass(frozen=True)
class Burst:
    """Seconds for one question, for IN_FLIGHT at once, and of a processor for each of those."""

    one: float
    many: float
    processor: float

    def __str__(self) -> str:
        return f"{self.one:.2f} s for one, {self.many:.2f} s for {IN_FLIGHT}"


def _bare() -> Burst:
    """What the SDKs take without us."""
    gemini = GeminiSimulator(key="bench-key")
    with SlackSimulator() as slack, gemini, bare_sdks(gemini, slack) as process:
        slack.wait(slack.sockets.live, timeout=60)
        _done(slack, slack.say("ana", "general", QUESTION))
        return _burst(slack, gemini, process)


def _burst(slack: SlackSimulator, gemini: GeminiSimulator, process: int) -> Burst:
    gemini.faults.always(Answer("word " * (WORDS - 1) + "[1]", delay=PAUSE), on="chat")
    one = seconds(lambda: _done(slack, slack.say("ana", "general", QUESTION)))
    before, started = processor_time(process), time.monotonic()
    asked = [slack.say("ana", "general", QUESTION) for _ in range(IN_FLIGHT)]
    for question in asked:
        _done(slack, question, timeout=120)
    many = time.monotonic() - started
    assert all(len(slack.answers(question)) == 1 for question in asked)
    return Burst(one, many, (processor_time(process) - before) / IN_FLIGHT)


def _many(ours: Burst, bare: Burst) -> Iterator[Row]:
    what = f"time of {IN_FLIGHT} questions at once / of one"
    yield Row(what, ours.many / ours.one, at_most=1.5, detail=str(ours))
    yield Row("the same with the bare SDKs", bare.many / bare.one, detail=str(bare))
    yield Row(
        "ms of a processor for each of them",
        ours.processor * 1000,
        detail=f"{bare.processor * 1000:.1f} ms with the bare SDKs",
    )


def _limited(slack: SlackSimulator) -> Iterator[Row]:
    """The same under Slack's limits, in twenty channels: posts are limited for each."""
    members = ("ana", slack.app.user_id)
    channels = [slack.add_channel(f"room-{number}", *members) for number in range(20)]
    slack.rates.on = True
    started = time.monotonic()
    asked = [
        slack.say("ana", channels[number % len(channels)], QUESTION) for number in range(IN_FLIGHT)
    ]
    for question in asked:
        _done(slack, question, timeout=600)
    took = f"{time.monotonic() - started:.0f} s"
    answers = sum(len(slack.answers(question)) for question in asked)
    yield Row(f"answers to {IN_FLIGHT} under the limits", answers, at_least=IN_FLIGHT, detail=took)
    yield Row("answers too many", answers - IN_FLIGHT, at_most=0)
    yield Row("calls before Retry-After", len(slack.early_calls), at_most=0)


def _done(slack: SlackSimulator, asked: Message, timeout: float = 30) -> None:
    """Wait until the answer stands with its buttons."""

    def done() -> bool:
        answers = slack.answers(asked)
        return bool(answers) and any(b["type"] == "context_actions" for b in answers[-1].blocks)

    slack.wait(done, timeout)
