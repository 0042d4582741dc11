"""Everything that a client could turn into a link is found."""

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.links import find_links, links_in


def links(text: str) -> list[str]:
    return [text[start:end] for start, end in find_links(text)]


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.com/x?q=1#y",
        "HTTP://EVIL.COM",
        "http:\\\\evil.com",
        "https:/evil.com",
        "https:evil.com",
        "ftp://evil.com",
        "hxxp://evil.com",
        "slack://open",
        "//evil.com/x",
        "\\\\evil.com",
        "evil.com",
        "EVIL.COM",
        "www.evil.com",
        "www.evil.sh",
        "www.evil.test",
        "secret.evil.ai",
        "evil.ai/x",
        "evil.ai?x",
        "evil.com:8080",
        "evil.com/",
        "evil.xn--p1ai",
        "пример.рф",
        "müller.de",
        "1.2.3.4",
        "1.2.3.4:80/x",
        "http://2130706433/",
        "https://user:pass@evil.com",
        "https://good.com@evil.com/x",
        "javascript:x",
        "JaVaScRiPt:x",
        "data:text/html,x",
        "mailto:a@evil.com",
        "file:x",
    ],
)
@pytest.mark.parametrize(
    "around",
    ["{}", "see {} now", "({})", "[a]({})", "![]({})", "<{}>", "**{}**", "_{}_", "`{}`", "|{}|",
     "[a]: {}", "{}.", "{},", "{}!", '"{}"'],
)  # fmt: skip
def test_a_link_is_found_whole_whatever_stands_around_it(link: str, around: str) -> None:
    found = links(around.format(link))
    assert any(link.rstrip("/") in one or one in link for one in found), found
    assert "".join(found)


@pytest.mark.parametrize("mark", ["-", ".", ":", "/", "@"])
def test_a_mark_before_a_bare_domain_does_not_hide_it(mark: str) -> None:
    assert links(f"{mark}evil.com")


@pytest.mark.parametrize(
    ("written", "link"),
    [
        ("evil\uff0ecom", "evil.com"),
        ("\uff48\uff54\uff54\uff50\uff1a\uff0f\uff0fevil", "http://evil"),
        ("ev\u200bil.com", "evil.com"),
        ("evil.c\u2060om", "evil.com"),
        ("e\u00advil.com", "evil.com"),
        ("java\u200dscript:x", "javascript:x"),
    ],
)
def test_fullwidth_and_invisible_characters_hide_no_link(written: str, link: str) -> None:
    assert links_in(written) == {link}


@pytest.mark.parametrize(
    "text",
    ["README.md", "deploy.sh", "Node.js", "e.g. this", "3.5", "version 1.2.3", "note: this",
     "and/or", "9:30", "user@example.com", "file: none", "data: the rest", "javascript:)", "a.b"],
)  # fmt: skip
def test_what_is_no_link_is_left_alone(text: str) -> None:
    assert links(text) == []


def test_closing_punctuation_is_no_part_of_a_link() -> None:
    assert links("See https://a.example/x). Then (https://b.example/y)!") == [
        "https://a.example/x",
        "https://b.example/y",
    ]


@given(st.text(alphabet="htps:/.evilcom[]()<>@ \\_*|`\u200b\uff0e", max_size=40))
def test_spans_lie_in_the_text_in_order_and_apart(text: str) -> None:
    spans = find_links(text)
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(a[1] <= b[0] for a, b in pairwise(spans))


@pytest.mark.parametrize("piece", ["://", "a", "a.", "//a", "_", "http:", "a@"])
def test_an_endless_word_takes_no_time_and_counts_as_a_link(piece: str) -> None:
    word = piece * (30_000 // len(piece))
    begun = time.monotonic()
    assert find_links(word) == [(0, len(word))]
    assert time.monotonic() - begun < 1
