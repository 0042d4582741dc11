"""Bots are killed at every turn: no question is lost, none is answered twice (promises 1 and 2),
and one that kills is set aside (promise 35)."""

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.bot.killing import marked_answers
from tests.bot.slack.killing import SlackCampaign, bots_of
from tests.simulators.slack.core import Settings
from tests.simulators.slack.simulator import SlackSimulator


@pytest.fixture
def slack() -> Iterator[SlackSimulator]:
    quick = Settings(ack_timeout=0.5, retry_delays=(0.0, 0.2, 0.5))
    with SlackSimulator(settings=quick) as simulator:
        yield simulator


@pytest.fixture
def campaign(tmp_path: Path, slack: SlackSimulator) -> Iterator[SlackCampaign]:
    with marked_answers() as gemini, closing(bots_of(tmp_path, slack, gemini)) as bots:
        yield SlackCampaign(bots, slack, seed=3)


def test_after_forty_kills_nothing_is_lost_and_nothing_answered_twice(
    campaign: SlackCampaign,
) -> None:
    campaign.run(kills=40, questions_a_kill=1, timeout=240)
    campaign.finish(timeout=120)

    counts = campaign.check()
    print(f"{dict(campaign.kills)}, {dict(counts)}")
    assert counts["answered"] >= 25
    assert campaign.kills.total() >= 40


@pytest.mark.soak
def test_after_a_thousand_kills_nothing_is_lost_and_nothing_answered_twice(
    campaign: SlackCampaign, slack: SlackSimulator
) -> None:
    campaign.chosen.seed(int(time.time()))
    campaign.run(kills=1_000, questions_a_kill=4, timeout=7_200)
    campaign.finish(timeout=600)

    heard = [d for d in slack.deliveries if d.event.get("user") != slack.app.user_id]
    print(f"\n{campaign.kills.total()} kills: {dict(campaign.kills)}")
    print(f"{len(heard)} events, {len(campaign.asked)} questions: {dict(campaign.check())}")
    print("0 lost, 0 answered twice")


def test_a_question_that_kills_is_set_aside_and_the_others_are_answered(
    campaign: SlackCampaign,
) -> None:
    [told] = campaign.poison()
    assert "several times" in told
