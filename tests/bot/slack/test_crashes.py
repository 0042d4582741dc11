"""Bots are killed at every turn: no question is lost, none is answered twice (promises 1 and 2),
and one that kills is set aside (promise 35)."""

import re
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bot.slack.killing import QUESTION, Bots, Campaign, replied
from tests.simulators.faults import Answer
from tests.simulators.gemini import GeminiSimulator
from tests.simulators.slack.core import Settings
from tests.simulators.slack.simulator import SlackSimulator

MARK = re.compile(r"q[xy]\d+q[xy]")


def reply(prompt: str) -> str:
    """An answer that shows which question it belongs to, from its beginning to its end."""
    mark = MARK.findall(prompt)[-1]
    return f"First {mark} and then {'some more words ' * 5}and last {mark} [1]."


@pytest.fixture
def gemini() -> Iterator[GeminiSimulator]:
    with GeminiSimulator(key="gemini-key") as simulator:
        simulator.faults.always(Answer(reply, delay=0.005), on="chat")
        yield simulator


@pytest.fixture
def slack() -> Iterator[SlackSimulator]:
    quick = Settings(ack_timeout=0.5, retry_delays=(0.0, 0.2, 0.5))
    with SlackSimulator(settings=quick) as simulator:
        yield simulator


@pytest.fixture
def bots(tmp_path: Path, slack: SlackSimulator, gemini: GeminiSimulator) -> Iterator[Bots]:
    made = Bots(tmp_path, slack, gemini)
    yield made
    made.close()


def check(campaign: Campaign) -> Counter[str]:
    """Every question has one whole answer, every deleted one none; nothing else was said."""
    texts, items = replied(campaign.slack), campaign.bots.do("report")["items"]
    counts, wrong = Counter[str](), []
    for asked in campaign.asked:
        found = [t for t in texts if any(mark in t for mark in asked.marks)]
        texts = [t for t in texts if t not in found]
        gone = asked.deletion is not None and asked.deletion.outcome == "acked"
        maybe = asked.deletion is not None and not gone  # nobody heard of it
        counts["deleted" if gone else "unsure" if maybe else "answered"] += 1
        if not (len(found) == (0 if gone else 1) or (maybe and not found)):
            wrong.append((asked.marks, items.get(asked.message.ts), found))
        for text in found:
            [mark] = set(MARK.findall(text))
            if f"and last {mark}" not in text or text.count("[1] offices.txt") != 1:
                wrong.append((asked.marks, items.get(asked.message.ts), found))
    assert (wrong, texts) == ([], []), campaign.bots.log()
    return counts


def test_after_forty_kills_nothing_is_lost_and_nothing_answered_twice(
    bots: Bots, slack: SlackSimulator
) -> None:
    campaign = Campaign(bots, slack, seed=3)
    campaign.run(kills=40, questions_a_kill=1, timeout=240)
    campaign.finish(timeout=120)

    assert check(campaign)["answered"] >= 25
    assert campaign.kills.total() >= 40


@pytest.mark.soak
def test_after_a_thousand_kills_nothing_is_lost_and_nothing_answered_twice(
    bots: Bots, slack: SlackSimulator
) -> None:
    campaign = Campaign(bots, slack, seed=int(time.time()))
    campaign.run(kills=1_000, questions_a_kill=4, timeout=7_200)
    campaign.finish(timeout=600)

    heard = [d for d in slack.deliveries if d.event.get("user") != slack.app.user_id]
    print(f"\n{campaign.kills.total()} kills: {dict(campaign.kills)}")
    print(f"{len(heard)} events, {len(campaign.asked)} questions: {dict(check(campaign))}")
    print("0 lost, 0 answered twice")


def test_a_question_that_kills_is_set_aside_and_the_others_are_answered(
    bots: Bots, slack: SlackSimulator
) -> None:
    others = []
    deaths, bot = 0, bots.start("run_bot", poison="poison")
    slack.wait(lambda: bots.do("report")["marks"] >= 2, timeout=60)
    poison = slack.say("ana", "general", "@askwell poison qx0qx")
    end = time.monotonic() + 120
    while not slack.answers(poison):
        assert time.monotonic() < end, bots.log()
        if bots.status(bot) is not None:
            deaths += 1
            others.append(slack.say("ben", "general", f"@askwell {QUESTION} qx{deaths}qx"))
            bot = bots.start("run_bot", poison="poison")
        time.sleep(0.05)
    for question in others:
        slack.wait(lambda asked=question: slack.answers(asked), timeout=60)  # type: ignore[misc]
    slack.wait(lambda: not bots.do("report")["open"], timeout=60)
    assert bots.end(bot, signal.SIGTERM) == 0

    assert deaths == 5
    state, _, reason = bots.do("report")["items"][poison.ts]
    assert state == "failed" and reason
    [told] = slack.answers(poison)
    assert "several times" in told.text
