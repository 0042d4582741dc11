"""Chunks cover every word in order, end where sentences end, and overlap by whole sentences."""

import time
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.chunking import chunk, sentences

WORDS = st.text(alphabet="abcXYZé9-", min_size=1, max_size=12)
SENTENCES = st.lists(WORDS, min_size=1, max_size=12).map(lambda words: "A" + " ".join(words) + ".")
BREAKS = st.sampled_from([" ", "\n", "\n\n", "  "])
TEXTS = st.lists(st.tuples(SENTENCES, BREAKS), max_size=20).map(
    lambda parts: "".join(sentence + gap for sentence, gap in parts)
) | st.text(max_size=300)
SIZES = st.integers(10, 120)
OVERLAPS = st.integers(0, 60)


@given(TEXTS, SIZES, OVERLAPS)
def test_every_word_is_covered_in_order(text: str, size: int, overlap: int) -> None:
    spans = chunk(text, size, overlap)
    covered = {i for start, end in spans for i in range(start, end)}
    assert all(i in covered for i, c in enumerate(text) if not c.isspace())
    assert all(a < c and b < d for (a, b), (c, d) in pairwise(spans))


@given(TEXTS, SIZES, OVERLAPS)
def test_no_chunk_is_larger_than_the_size_or_lies_outside_the_text(
    text: str, size: int, overlap: int
) -> None:
    for start, end in chunk(text, size, overlap):
        assert 0 <= start < end <= len(text)
        assert end - start <= size


@given(TEXTS, SIZES, OVERLAPS)
def test_a_chunk_ends_at_a_sentence_end_unless_the_sentence_is_too_long(
    text: str, size: int, overlap: int
) -> None:
    whole = sentences(text)
    for _, end in chunk(text, size, overlap):
        holding = next(span for span in whole if span[0] < end <= span[1])
        assert end == holding[1] or holding[1] - holding[0] > size


@given(TEXTS, SIZES, OVERLAPS)
def test_the_overlap_is_the_last_whole_sentence_where_it_fits(
    text: str, size: int, overlap: int
) -> None:
    whole = sentences(text)
    for (_, end), (following, following_end) in pairwise(chunk(text, size, overlap)):
        last = next((span for span in whole if span[1] == end), None)
        if following < end:
            assert last is not None
            assert following == last[0]
            assert last[1] - last[0] <= overlap
        elif last is not None and last[1] - last[0] <= overlap:
            after = next(span for span in whole if span[0] >= end)
            assert min(after[1], following_end) - last[0] > size or after[1] - after[0] > size


def test_overlap_by_example() -> None:
    text = "First sentence here. Short one. The third sentence is longer than that."
    assert [text[a:b] for a, b in chunk(text, 60, 12)] == [
        "First sentence here. Short one.",
        "Short one. The third sentence is longer than that.",
    ]
    assert [text[a:b] for a, b in chunk(text, 60, 5)][1].startswith("The third")


def test_abbreviations_do_not_end_a_sentence() -> None:
    text = "Use a tool, e.g. this one. Then stop."
    assert [text[a:b] for a, b in sentences(text)] == ["Use a tool, e.g. this one.", "Then stop."]


def test_a_list_item_begins_a_sentence_and_a_wrapped_line_does_not() -> None:
    text = "Bring these\nthings:\n- a pen\n- paper"
    assert [text[a:b] for a, b in sentences(text)] == ["Bring these\nthings:", "- a pen", "- paper"]


@given(st.text(alphabet=" \t", max_size=5))
def test_white_space_alone_makes_no_chunk(text: str) -> None:
    assert chunk(text, 10, 5) == []


@settings(deadline=None, max_examples=1)
@given(st.just(" " * 50_000))
def test_a_long_run_of_spaces_takes_no_time(spaces: str) -> None:
    begun = time.monotonic()
    chunk(f"word{spaces}word", 500, 50)
    assert time.monotonic() - begun < 1
