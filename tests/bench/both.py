"""How fast the bot is in Discord, and what it needs while it serves Slack and Discord at once."""

import time
from collections.abc import Callable, Iterator, Sized
from functools import partial
from statistics import median

from tests.bench.bots import discord_settings, peak, running, slack_settings
from tests.bench.table import Row, show
from tests.simulators.discord.core import Settings
from tests.simulators.discord.simulator import DiscordSimulator
from tests.simulators.discord.state import Message
from tests.simulators.faults import Answer
from tests.simulators.gemini import GeminiSimulator
from tests.simulators.slack.simulator import SlackSimulator

QUESTION = "@askwell When does the office in Lisbon open?"
QUESTIONS = 30
IN_FLIGHT = 100  # on each platform


def measure() -> list[Row]:
    return show("Discord, and both platforms", _rows())


def _rows() -> Iterator[Row]:
    gemini, discord = GeminiSimulator(key="bench-key"), DiscordSimulator(settings=Settings())
    with SlackSimulator() as slack, discord, gemini:
        platforms = slack_settings(slack) | discord_settings(discord)
        claim = ["claim", "discord", discord.home.id]
        with running(gemini, platforms, claim) as bot:
            slack.wait(slack.sockets.live, timeout=60)
            discord.wait(lambda: "ask" in discord.commands, timeout=60)
            _done(discord, discord.say("ana", "general", QUESTION))  # loads what is loaded once
            yield _typing(discord)
            yield _deferral(discord)
            yield from _many(discord, slack, gemini, bot)


def _typing(discord: DiscordSimulator) -> Row:
    waits = []
    for _ in range(QUESTIONS):
        seen, sent = len(discord.typing), time.monotonic()
        asked = discord.say("ana", "general", QUESTION)
        discord.wait(partial(_more_than, discord.typing, seen))
        waits.append((time.monotonic() - sent) * 1000)
        _done(discord, asked)
    return Row("ms from the event to typing, median", median(waits), at_most=100)


def _more_than(things: Sized, count: int) -> bool:
    return len(things) > count


def _deferral(discord: DiscordSimulator) -> Row:
    waits = []
    for _ in range(QUESTIONS):
        sent = time.monotonic()
        asked = discord.command("ana", "general", "ask", question=QUESTION)
        discord.wait(lambda asked=asked: asked.deferred)  # type: ignore[misc]
        waits.append((time.monotonic() - sent) * 1000)
        discord.wait(lambda asked=asked: _closed(asked.messages), timeout=30)  # type: ignore[misc]
    return Row("ms from a command to its deferral, median", median(waits), at_most=100)


def _many(
    discord: DiscordSimulator, slack: SlackSimulator, gemini: GeminiSimulator, bot: int
) -> Iterator[Row]:
    gemini.faults.always(Answer("word " * 9 + "[1]", delay=0.2), on="chat")
    started = time.monotonic()
    in_slack = [slack.say("ana", "general", QUESTION) for _ in range(IN_FLIGHT)]
    asked = [discord.say("ana", "general", QUESTION) for _ in range(IN_FLIGHT)]
    for question in asked:
        _done(discord, question, timeout=240)
    for said in in_slack:
        slack.wait(_answered(slack, said), timeout=240)
    took = f"{time.monotonic() - started:.1f} s"
    count = sum(len(discord.answers(q)) for q in asked) + sum(
        len(slack.answers(said)) for said in in_slack
    )
    yield Row("answers to 200 on both at once", count, at_least=200, at_most=200, detail=took)
    yield Row("MB resident at most, bot", peak(bot), at_most=600)
    yield Row("pings", len(discord.pinged), at_most=0)


def _answered(slack: SlackSimulator, said: object) -> Callable[[], bool]:
    return lambda: bool(slack.answers(said))  # type: ignore[arg-type]


def _done(discord: DiscordSimulator, asked: Message, timeout: float = 30) -> None:
    """Wait until the answer stands with its buttons."""
    discord.wait(lambda: _closed(discord.answers(asked)), timeout)


def _closed(messages: list[Message]) -> bool:
    return bool(messages) and bool(messages[-1].components)
