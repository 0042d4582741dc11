"""What stands below an answer in Discord."""

import pytest

from bot.discord.render import MOST, message
from bot.platforms import Closing, Source

EXCERPT = "Parental leave is sixteen weeks, of which two are taken before the birth. " * 3


def shown(text: str, sources: int, name: str = "handbook-2026.pdf") -> str:
    every = [Source(n + 1, f"{n} {name}", 12, EXCERPT) for n in range(sources)]
    return str(message(text, Closing(sources=every, notice="notice", rated=1))["content"])


@pytest.mark.parametrize("length", [100, 800, 1_100, 1_450, 1_500])
@pytest.mark.parametrize("name", ["handbook-2026.pdf", "minutes_of_the_*annual*_meeting" * 3])
def test_every_source_is_named_however_long_the_answer(length: int, name: str) -> None:
    content = shown("x" * length, 8, name)
    assert len(content) <= MOST and content.endswith("notice")
    assert all(f"[{number}]" in content for number in range(1, 9)), content


def test_a_short_answer_quotes_its_sources() -> None:
    assert shown("x", 8).count("Parental leave is sixteen weeks") == 16


def test_of_more_sources_than_fit_their_number_is_told() -> None:
    assert "more" in shown("x" * 1_500, 40)
