"""Bots are killed at every turn: no question is lost, none is answered twice (promises 1 and 2),
and one that kills is set aside (promise 35)."""

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.bot.discord.killing import DiscordCampaign, bots_of
from tests.bot.killing import marked_answers
from tests.simulators.discord.core import Settings
from tests.simulators.discord.simulator import DiscordSimulator


@pytest.fixture
def discord() -> Iterator[DiscordSimulator]:
    with DiscordSimulator(settings=Settings(identifies=100_000)) as simulator:
        yield simulator


@pytest.fixture
def campaign(tmp_path: Path, discord: DiscordSimulator) -> Iterator[DiscordCampaign]:
    with marked_answers() as gemini, closing(bots_of(tmp_path, discord, gemini)) as bots:
        yield DiscordCampaign(bots, discord, seed=3)


def test_after_forty_kills_nothing_is_lost_and_nothing_answered_twice(
    campaign: DiscordCampaign, discord: DiscordSimulator
) -> None:
    campaign.run(kills=40, questions_a_kill=1, timeout=240)
    campaign.finish(timeout=120)

    counts = campaign.check()
    print(f"{dict(campaign.kills)}, {dict(counts)}")
    assert counts["answered"] >= 25
    assert campaign.kills.total() >= 40
    assert (discord.pinged, discord.early_calls) == ([], [])


@pytest.mark.soak
def test_after_a_thousand_kills_nothing_is_lost_and_nothing_answered_twice(
    campaign: DiscordCampaign, discord: DiscordSimulator
) -> None:
    campaign.chosen.seed(int(time.time()))
    campaign.run(kills=1_000, questions_a_kill=4, timeout=7_200)
    campaign.finish(timeout=600)

    print(f"\n{campaign.kills.total()} kills: {dict(campaign.kills)}")
    print(f"{len(discord.calls)} calls, {len(campaign.asked)} questions: {dict(campaign.check())}")
    assert (discord.pinged, discord.early_calls) == ([], [])
    print("0 lost, 0 answered twice")


@pytest.mark.soak  # the responder is the same as in Slack, where this runs every time
def test_a_question_that_kills_is_set_aside_and_the_others_are_answered(
    campaign: DiscordCampaign,
) -> None:
    [told] = campaign.poison()
    assert "several times" in told
