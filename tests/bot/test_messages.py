"""Text is cut into messages that stand on their own, and that only grow while it streams."""

import random
import re
import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.messages import split

pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")

LIMIT = 1_000
WORDS = st.sampled_from(
    "word a longer-word, &lt;tag&gt; &amp; `code` `two words` **bold** [1] 保険証は総務部に。 "
    "👩‍👩‍👧‍👦 👍🏽 é e\u0301 ˋ - 1. ~ x~~y~~ "
    "Donaudampfschifffahrtsgesellschaft".split(" ")
)
LINES = st.lists(WORDS, max_size=12).map(" ".join)
INDENT = st.sampled_from(["", "", "", "- ", "  - ", "    - ", "1. ", "   ", "> ", "# "])
LONG = st.builds(
    lambda unit, times, space: space.join([unit] * times),
    st.sampled_from(["word", "&lt;", "あ", "👩‍👩‍👧‍👦", "e\u0301", "`some code`", "xyz`ab cd`,"]),
    st.integers(50, 400),
    st.sampled_from(["", " ", " ", "  "]),
)
PROSE = st.builds(str.__add__, INDENT, LINES | LONG)
CODE = st.lists(
    st.builds(str.__add__, st.sampled_from(["", "    ", "        "]), LINES) | LONG, max_size=12
)


@st.composite
def fenced(draw: st.DrawFn) -> str:
    mark = draw(st.sampled_from(["```", "````", "~~~", "~~~~~~"]))
    indent = draw(st.sampled_from(["", "", "  ", "    "]))
    first = draw(st.sampled_from([indent, indent, "- "]))
    lines = [first + mark + draw(st.sampled_from(["", "python", " a=b c"]))]
    lines += [indent + line for line in draw(CODE)]
    lines.append(indent + mark + draw(st.sampled_from(["", "", mark[0] * 30])))
    return "\n".join(lines)


BLOCKS = st.lists(PROSE | PROSE | PROSE | fenced() | st.just(""), max_size=15)
TEXTS = st.builds(
    lambda blocks, end: "\n".join(blocks) + end, BLOCKS, st.sampled_from(["", "\n", "\n```py\nx"])
)
LIMITS = st.sampled_from([1_000, 1_001, 1_200, 2_000, 11_000])


def unbalanced(message: str) -> bool:
    """Whether a code fence is open at the end of `message`."""
    mark = ""
    for line in message.split("\n"):
        match = re.match(r"\s*(?:(?:[-*+]|\d+[.)])\s+)*(`{3,}|~{3,})(.*)$", line)
        if mark:
            closing = line.strip()
            if len(closing) >= len(mark) and set(closing) == {mark[0]}:
                mark = ""
        elif match and not (match[1][0] == "`" and "`" in match[2]):
            mark = match[1]
    return bool(mark)


def words(text: str) -> str:
    """All of a text but white space and fence lines."""
    lines = re.sub(r"(?m)^\s*(?:[-] )?(`{3,}|~{3,})[^`\n]*$", "", text)
    return re.sub(r"\s", "", lines)


def growing(text: str, seed: int) -> list[str]:
    chance = random.Random(seed)
    ends = sorted(chance.randrange(len(text) + 1) for _ in range(12))
    return [text[:end] for end in ends]


@settings(max_examples=100, deadline=None)
@given(TEXTS, LIMITS)
def test_messages_keep_the_limit_and_lose_nothing(text: str, limit: int) -> None:
    messages = split(text, limit, final=True)
    assert all(len(message.encode()) <= limit for message in messages)
    assert all(message.strip() for message in messages)
    assert not [message for message in messages if unbalanced(message)]
    assert words("\n".join(messages)) == words(text)


@settings(max_examples=100, deadline=None)
@given(TEXTS, LIMITS, st.integers(0, 10_000))
def test_messages_only_grow_while_the_text_does(text: str, limit: int, seed: int) -> None:
    states = [split(part, limit, final=False) for part in growing(text, seed)]
    for before, after in pairwise([*states, split(text, limit, final=True)]):
        assert after[: len(before) - 1] == before[:-1] or not before
        if before:
            assert after[len(before) - 1].startswith(before[-1])
    for messages in states:
        assert all(0 < len(message.encode()) <= limit for message in messages)
        assert not [message for message in messages[:-1] if unbalanced(message)]


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="`~- a1.\n\t&;é", max_size=4_000), st.integers(0, 10_000))
def test_any_characters_are_cut_within_the_limit(text: str, seed: int) -> None:
    states = [split(part, LIMIT, final=False) for part in growing(text, seed)]
    for before, after in pairwise([*states, split(text, LIMIT, final=True)]):
        assert all(0 < len(message.encode()) <= LIMIT for message in after)
        if before:
            assert after[: len(before) - 1] == before[:-1]
            assert after[len(before) - 1].startswith(before[-1])


def test_what_fits_goes_out_at_once() -> None:
    text = "# Leave\n\n- 25 days,\n- of which\n  five may be carr"
    assert split(text, LIMIT, final=False) == [text]
    assert split(text, LIMIT, final=True) == [text]
    assert split("", LIMIT, final=True) == split(" \n ", LIMIT, final=True) == []


def test_a_line_of_its_own_begins_a_new_message_from_the_soft_limit() -> None:
    first = "x " * 400
    nested = "  - belongs to it"
    messages = split(f"- {first}\n{nested}\n- Next\n- Last", LIMIT, final=True)
    assert messages == [f"- {first}\n{nested}", "- Next\n- Last"]


def test_a_fence_is_closed_and_opened_again_with_its_language() -> None:
    code = "\n".join(f"line {n} of the code" for n in range(100))
    messages = split(f"Look:\n~~~~python\n{code}\n~~~~\nDone.", LIMIT, final=True)
    assert len(messages) > 2
    assert all(message.startswith("~~~~python\nline") for message in messages[1:])
    assert all(message.endswith("code\n~~~~") for message in messages[:-1])
    assert messages[-1].endswith("\n~~~~\nDone.")


def test_code_of_a_list_item_is_no_deeper_in_the_next_message() -> None:
    code = "\n".join(f"      line {n} of the code" for n in range(60))
    messages = split(f"- x\n    - y\n      ```sh\n{code}\n      ```\n- z", LIMIT, final=True)
    assert messages[0].endswith("\n      ```")
    assert messages[1].startswith("```sh\nline ")
    assert "\n```\n- z" in messages[-1]


def test_a_list_item_goes_on_without_indentation() -> None:
    item = "word " * 60
    messages = split(f"- {item}\n" + f"    - {item}\n" * 4, LIMIT, final=True)
    assert len(messages) == 2
    assert messages[1].startswith("word") or messages[1].startswith("- word")


@pytest.mark.parametrize("unit", ["&lt;", "e\u0301", "👍🏽", "👩‍🔬"])
def test_no_entity_and_no_composed_character_is_cut(unit: str) -> None:
    for start in range(5):
        messages = split("x" * start + unit * 600, LIMIT, final=True)
        assert len(messages) > 1
        assert all(m.lstrip("x").replace(unit, "") == "" for m in messages)


def test_lines_break_between_words_and_not_in_code() -> None:
    text = "word " * 197 + "`some inline code` and more words to the end" + " word" * 30
    first, second = split(text, LIMIT, final=True)
    assert first.endswith("word")
    assert second.startswith("word `some inline code` and")


def test_a_word_near_the_limit_waits_until_it_ends() -> None:
    text = "word " * 190
    assert split(text + "unfinis", LIMIT, final=False) == [text.rstrip()]
    assert split(text + "unfinished ", LIMIT, final=False) == [text.rstrip()]
    assert split(text + "unfinished w", LIMIT, final=False) == [text + "unfinished"]


def test_a_composed_character_near_the_limit_takes_nothing_back() -> None:
    text = "👩‍👩‍👧‍👦" * 50
    before = ""
    for end in range(1, len(text)):
        shown = split(text[:end], LIMIT, final=False)[0]
        assert shown.startswith(before)
        before = shown


def test_what_may_become_a_fence_waits() -> None:
    for begun in ("``", "```", "```pyth", "- ~~~", "  "):
        assert split("Look:\n" + begun, LIMIT, final=False) == ["Look:"]
    assert split("Look:\n```x` y", LIMIT, final=False) == ["Look:\n```x` y"]


def test_a_long_text_is_cut_in_no_time() -> None:
    for text in ("`" * 40_000, "- " * 20_000, "\n" * 40_000, "word " * 8_000, "[" * 40_000):
        started = time.process_time()
        split(text, 11_000, final=False)
        assert time.process_time() - started < 0.5
