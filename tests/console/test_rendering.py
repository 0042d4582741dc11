"""Nothing active survives in an answer's HTML, and citations lead to the sources."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.console.rendering import to_html

TAGS = set("p a em strong code pre ul ol li h1 h2 h3 h4 h5 h6 blockquote hr br".split())
TAGS |= set("table thead tbody tr th td".split())


class Seen(HTMLParser):
    """The tags and attributes of a page as a browser reads it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open_links = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.open_links += tag == "a"
        assert self.open_links <= 1, "a link within a link"

    def handle_endtag(self, tag: str) -> None:
        self.open_links -= tag == "a"


def hrefs(html: str) -> list[str | None]:
    return [attributes.get("href") for tag, attributes in Seen(html).tags if tag == "a"]


def check_inert(html: str) -> None:
    for tag, attributes in Seen(html).tags:
        assert tag in TAGS
        assert not any(name.startswith("on") or name == "src" for name in attributes)
        href = attributes.get("href")
        assert href is None or href.startswith(("http://", "https://", "ftp://", "//", "#source-",
                                                "mailto:"))  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "a <b onclick='x'>b</b>",
        "<!-- x --><svg/onload=x>",
        "[a](javascript:alert(1))",
        "[a](https://evil.test)",
        "[a]: https://evil.test\n\n[a]",
        "![a](https://evil.test/x.png)",
        "<javascript:alert(1)>",
        "&lt;script&gt;x",
        '```"onload=x\n<script>\n```',
        "javascript:alert(1)",
        "https&#58;//evil&#46;com",
        "https:&#47;&#47;evil&#46;com",
    ],
)
def test_nothing_active_survives(text: str) -> None:
    html = to_html(text, 0)
    check_inert(html)
    assert "<script" not in html
    assert "<img" not in html


@given(
    st.lists(
        st.sampled_from(
            "<script> </script> <img src=x> [a]( javascript: ) ![ ] https://a.example/ [1] ` ``` | "
            "&lt; &#106; < > ' \" \\ * _ # \n \n\n onload= data: //".split(" ")
        )
        | st.text(max_size=5),
        max_size=12,
    ).map("".join)
)
def test_nothing_active_survives_in_any_mixture(text: str) -> None:
    check_inert(to_html(text, 2))


def test_a_link_shows_where_it_leads() -> None:
    html = to_html("See https://wiki.example.org/a?b=1 and [here](https://evil.test).", 0)
    assert ">https://wiki.example.org/a?b=1</a>" in html
    assert ">here</a>" not in html


def test_citations_of_given_sources_become_links_and_others_stay_text() -> None:
    html = to_html("One [1], two [2], three [3], zero [0].", 2)
    assert hrefs(html) == ["#source-1", "#source-2"]
    assert "[3]" in html
    assert "[0]" in html


def test_a_number_of_any_length_is_only_text() -> None:
    assert hrefs(to_html(f"[{'9' * 5000}] [\uff11]", 1)) == []


def test_a_citation_within_a_link_does_not_nest_one() -> None:
    assert len(hrefs(to_html("https://wiki.example.org/a[1]b", 1))) == 1


def test_code_is_left_as_it_is() -> None:
    html = to_html("`a[1]` and\n\n```\nb[1] https://x.example\n```\n", 1)
    assert "a[1]" in html
    assert "b[1] https://x.example" in html
    assert hrefs(html) == []
