"""Text for Discord: what looks like a mention is shown as it was written."""

import pytest

from bot.discord.markdown import markdown


@pytest.mark.parametrize(
    "text",
    ["@everyone", "@here", "<@123>", "<@!123>", "<@&123>", "<#123>", "</ask:123>", "<t:1:R>"],
)
def test_a_mention_is_broken_up(text: str) -> None:
    shown = markdown(f"See {text} there")
    assert text not in shown and shown.replace("\u2060", "") == f"See {text} there"


@pytest.mark.parametrize("text", ["a < b and b > c", "**bold** and `code`", "R&D", "1 <2"])
def test_other_text_stays(text: str) -> None:
    assert markdown(text) == text


def test_code_stays_as_it_is() -> None:
    code = "```\nif a <@b: print('@here & <there>')\n```"
    assert markdown(code) == code


def test_a_link_is_shown_and_not_live() -> None:
    assert markdown("[here](https://example.org/x)") == "here (`example.org/x`)"


def test_what_was_shown_stays_the_beginning() -> None:
    text = "Ask <@123> or @everyone, see https://example.org/a and </ask:1>."
    whole = markdown(text)
    for end in range(len(text)):
        assert whole.startswith(markdown(text[:end], final=False))
