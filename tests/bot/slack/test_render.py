"""What Slack is given beside an answer's words: accepted by Slack, without pings and links."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.platforms import Source
from bot.slack import render
from bot.slack.markdown import markdown
from tests.bot.slack.test_markdown import TEXTS
from tests.simulators.slack.exposure import LINK, marked_texts, pinged, unfurled
from tests.simulators.slack.limits import checked_blocks, checked_view
from tests.simulators.slack.shapes import as_mrkdwn
from tests.simulators.slack.state import Message

SOURCES = st.lists(
    st.builds(Source, st.integers(1, 99), TEXTS, st.none() | st.integers(1, 999), TEXTS),
    max_size=3,
)


def message(text: str, sources: list[Source]) -> Message:
    blocks = [
        *render.whole_blocks(text, render.sources_blocks(sources)),
        render.notice_block(text),
        render.feedback_block("1"),
        render.share_block("1"),
    ]
    shown = as_mrkdwn(render.fallback(text))
    return Message("C1", "1.1", "U1", shown, blocks=checked_blocks(blocks), parse="full")


@settings(max_examples=150, deadline=None)
@given(TEXTS, SOURCES)
def test_no_answer_and_no_source_pings_or_links(text: str, sources: list[Source]) -> None:
    nothing_pings_or_links(text, sources)


@pytest.mark.soak
@settings(max_examples=1_000, deadline=None)
@given(TEXTS, SOURCES)
def test_nor_do_a_thousand(text: str, sources: list[Source]) -> None:
    nothing_pings_or_links(text, sources)


def nothing_pings_or_links(text: str, sources: list[Source]) -> None:
    sent = message(markdown(text), sources)
    assert pinged(sent) == []
    assert unfurled(sent) == []
    assert not any(LINK.search(marked) for marked in marked_texts(sent))


def test_what_is_not_escaped_would_ping_and_link() -> None:
    sent = message("@here <!channel> https://example.org", [])
    assert pinged(sent) == ["!channel", "!here"]
    assert unfurled(sent) == ["https://example.org"]


def texts(blocks: list[render.Block]) -> list[str]:
    return [element["text"] for block in blocks for element in block["elements"]]


def test_sources_name_document_page_and_excerpt_on_one_line() -> None:
    sources = [
        Source(1, "handbook.pdf", 3, "Leave is\n 25 days."),
        Source(2, "notes.txt", None, "x " * 200),
        Source(3, "empty.md", None, " "),
    ]
    first, second, third = texts(render.sources_blocks(sources))
    assert first == "[1] handbook.pdf, page 3: “Leave is 25 days.”"
    assert re.fullmatch(r"\[2\] notes\.txt: “[x ]{150,160}…”", second)
    assert third == "[3] empty.md"


def test_sources_are_ten_a_block_and_say_how_many_are_left_out() -> None:
    assert render.sources_blocks([]) == []
    few = [Source(n, "a.md", None, "short") for n in range(1, 13)]
    assert [len(block["elements"]) for block in render.sources_blocks(few)] == [10, 2]
    many = [Source(n, "n" * 300, None, "x" * 300) for n in range(1, 31)]
    lines = texts(checked_blocks(render.sources_blocks(many)))
    assert sum(map(len, lines)) <= 3_000
    assert lines[-1] == f"and {30 - len(lines) + 1} more"


def test_plain_text_is_cut_and_never_empty() -> None:
    assert render.plain("abcdef", 4) == {"type": "plain_text", "text": "abc…", "emoji": False}
    assert render.plain("abcd", 4)["text"] == "abcd"
    checked_blocks([render.notice_block(""), render.notice_block("x" * 5_000)])


def test_buttons_carry_what_they_are_about() -> None:
    (buttons,) = render.feedback_block("7")["elements"]
    assert buttons["positive_button"]["value"] == "up:7"
    assert buttons["negative_button"]["value"] == "down:7"
    (share,) = render.share_block("8")["elements"]
    assert (share["action_id"], share["value"]) == ("share", "8")


def test_the_form_that_asks_why_is_accepted() -> None:
    view = checked_view(render.reason_view("9"), "modal")
    assert (view["callback_id"], view["private_metadata"]) == ("feedback_reason", "9")
    assert view["blocks"][0]["optional"] is True


def test_an_empty_answer_gives_no_empty_block() -> None:
    notice = render.notice_block("Not found.")
    assert render.whole_blocks(" ", [notice]) == [notice]


def test_the_fallback_is_short_and_cuts_no_entity() -> None:
    for start in range(6):
        text = render.fallback("x" * start + "&lt;" * 2_000)
        assert len(text) <= 3_900
        assert re.fullmatch(r"x*(&lt;)+…", text)
    assert render.fallback("short") == "short"
