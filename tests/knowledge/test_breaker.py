"""A provider that keeps failing rests, and one request at a time finds out whether it is back."""

import asyncio
from contextlib import aclosing

import pytest

from knowledge.errors import NoAnswer, Refused, Throttled, Unreachable
from knowledge.providers import breaker, fallback
from knowledge.providers.breaker import Breaker
from tests.knowledge.talking import GROUNDED, hear
from tests.simulators.faults import Answer, Blocked, Empty, Hang, Status
from tests.simulators.gemini import GeminiSimulator

pytestmark = pytest.mark.usefixtures("closing_clients", "few_certificates", "impatient")

REST = 0.4


@pytest.fixture(autouse=True)
def short_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breaker, "REST_SECONDS", REST)


async def rested() -> None:
    await asyncio.sleep(REST + 0.05)


async def trip(gemini: GeminiSimulator) -> None:
    """Three failures in a row."""
    gemini.faults.next(Status(503), Status(503), Status(503))
    for _ in range(3):
        assert (await hear()).provider == "extractive"
    assert len(gemini.requests) == 3


async def test_it_rests_after_three_failures(gemini: GeminiSimulator) -> None:
    await trip(gemini)
    for _ in range(3):
        assert (await hear()).provider == "extractive"
    assert len(gemini.requests) == 3


async def test_a_success_in_between_starts_the_count_anew(gemini: GeminiSimulator) -> None:
    gemini.faults.next(Status(503), Status(503), Answer("Fine."), Status(503), Status(503))
    asked = [(await hear()).provider for _ in range(6)]
    assert asked == ["extractive", "extractive", "gemini", "extractive", "extractive", "gemini"]


async def test_after_its_rest_it_is_asked_again_and_trusted_when_it_answers(
    gemini: GeminiSimulator,
) -> None:
    await trip(gemini)
    await rested()
    assert [(await hear()).provider for _ in range(3)] == ["gemini"] * 3


async def test_a_probe_that_fails_makes_it_rest_again(gemini: GeminiSimulator) -> None:
    await trip(gemini)
    gemini.faults.always(Status(503))
    await rested()
    for _ in range(3):
        await hear()
    assert len(gemini.requests) == 4
    await rested()
    await hear()
    assert len(gemini.requests) == 5


async def test_only_one_request_probes(gemini: GeminiSimulator) -> None:
    await trip(gemini)
    await rested()
    gemini.faults.next(Answer("one two three four", delay=0.1))
    heard = await asyncio.gather(*(hear() for _ in range(5)))
    assert sorted(one.provider for one in heard) == ["extractive"] * 4 + ["gemini"]
    assert len(gemini.requests) == 4


@pytest.mark.parametrize("streaming", [True, False])
async def test_an_abandoned_probe_lets_the_next_one_through(
    gemini: GeminiSimulator, streaming: bool
) -> None:
    await trip(gemini)
    await rested()
    gemini.faults.next(Answer("word " * 50, delay=0.05) if streaming else Hang())
    asking = asyncio.create_task(hear())
    await asyncio.sleep(0.25)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert len(gemini.requests) == 4
    assert (await hear()).provider == "gemini"


async def test_a_reader_who_leaves_a_probe_lets_the_next_one_through(
    gemini: GeminiSimulator,
) -> None:
    await trip(gemini)
    await rested()
    gemini.faults.next(Answer("word " * 50, delay=0.05))
    async with aclosing(fallback.stream(GROUNDED, ["gemini"])) as pieces:
        await anext(pieces)
    assert (await hear()).provider == "gemini"


@pytest.mark.parametrize("fault", [Blocked(), Empty(candidate=True), Status(400)], ids=str)
async def test_what_concerns_one_request_is_not_held_against_the_provider(
    gemini: GeminiSimulator, fault: Blocked | Empty | Status
) -> None:
    gemini.faults.always(fault)
    for _ in range(5):
        assert (await hear()).provider == "extractive"
    assert len(gemini.requests) == 5


async def test_a_probe_without_an_answer_does_not_wedge_it(gemini: GeminiSimulator) -> None:
    await trip(gemini)
    await rested()
    gemini.faults.next(Blocked())
    assert (await hear()).provider == "extractive"
    assert (await hear()).provider == "gemini"


async def test_hanging_counts_as_failing(gemini: GeminiSimulator) -> None:
    gemini.faults.always(Hang())
    for _ in range(4):
        await hear()
    assert len(gemini.requests) == 3


def test_the_delay_that_was_asked_for_outlasts_the_rest() -> None:
    health = Breaker()
    for _ in range(3):
        health.failed(60)
    assert 59 < health.rest <= 60 and not health.allows()


def test_a_late_success_does_not_end_a_delay_that_was_asked_for() -> None:
    health = Breaker()
    assert health.allows() and health.allows()
    health.failed(60)
    health.succeeded()
    assert not health.allows()


@pytest.mark.parametrize(
    ("error", "counts"),
    [
        (Unreachable("down"), True),
        (Throttled("much", 0.0), True),
        (Refused("key"), True),
        (Refused("words", provider_at_fault=False), False),
        (NoAnswer("blocked"), False),
        (KeyError("ours"), False),
        (KeyboardInterrupt(), False),
    ],
)
def test_which_outcomes_count(error: BaseException, counts: bool) -> None:
    health = Breaker()
    for _ in range(3):
        assert health.allows()
        with pytest.raises(type(error)), health.watching():
            raise error
    assert health.allows() != counts
