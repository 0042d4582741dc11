"""An answer's Markdown as Slack shows it: it streams, nothing pings, no link is live."""

import re
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.slack.markdown import markdown
from knowledge.links import find_links, plain
from tests.simulators.slack.exposure import BARE, CONTROL, LINK

JOINER = "\u2060"
PIECES = (
    "word , . : / // \\ ! ? ( ) [ ] ]( ![ [1] [label]( [label](https://evil.test/a) [x](y.com) "
    "![pic](http://evil.test/p.png) [https://good.test](https://evil.test) https:// http:/ https "
    "evil.com evil . com www. www.evil.com javascript:alert(1) mailto:bob@x.org data: //evil.com "
    "` `` ``` ~~~ `code` `https://evil.test/c` ``a`b`` \\` * ** _ ~~ > < & <!here> <!channel> @ "
    "<!subteam^S1> <@U1> <#C1> <https://evil.test|x> <https://evil.test> @here @channel @everyone "
    "here channel &lt;!here&gt; &amp; &#64;here 文字 。 ： 文。次：次 중국 \u200b \u2060 \u00ad "
    "\uff1a \uff0f \uff0e \uff20 \uff1c \uff40 1.2.3.4 C:\\Users\\x - # 1. | [^1]: é 👍🏽 \ufb01le "
    'hthttps://tps:// "title" x.org'
).split(" ")
TEXTS = st.lists(
    st.sampled_from(PIECES)
    | st.sampled_from([" ", " ", "  ", "\n", "\n\n", "\n```\n", "\n    ", "\n> ", "\n- "])
    | st.text(max_size=3),
    max_size=30,
).map("".join)


def outside_code(text: str) -> str:
    """A rendered text with its code taken out: code does not span lines but for fences."""
    lines, fence = [], ""
    for line in text.split("\n"):
        mark = re.match(r"\s*(?:(?:[-*+]|\d+[.)])\s+)*(`{3,}|~{3,})", line)
        if fence:
            closing = line.strip()
            if len(closing) >= len(fence) and set(closing) == {fence[0]}:
                fence = ""
        elif mark:
            fence = mark[1]
        else:
            lines.append(re.sub(r"`[^`]+`", " ` ", line))
    return "\n".join(lines)


@settings(max_examples=400, deadline=None)
@example("data:![")
@example("mailto:[b]")
@given(TEXTS)
def test_nothing_pings_and_no_link_is_live(text: str) -> None:
    shown = markdown(text)
    assert not CONTROL.search(shown)
    assert not BARE.search(shown)
    assert not LINK.search(shown)
    assert "<" not in shown
    assert not re.search(r"&(?!amp;|lt;|gt;)", shown)
    read = outside_code(shown).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert "](" not in read
    assert [read[start:end] for start, end in find_links(read)] == []
    assert [plain(read)[start:end] for start, end in find_links(plain(read))] == []


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_every_beginning_comes_out_as_a_beginning(text: str) -> None:
    whole = markdown(text)
    before = ""
    for end in range(len(text) + 1):
        shown = markdown(text[:end], final=False)
        assert shown.startswith(before)
        before = shown
    assert whole.startswith(before)


@pytest.mark.parametrize(
    "text",
    [
        "One word after the other flows. ",
        "文字は一つずつ流れます：次の文、その次。",
        "A [1] b (c) _d_ `e f` ",
    ],
)
def test_text_flows(text: str) -> None:
    """At most one unfinished word or piece of code is held back."""
    for end in range(1, 200):
        part = (text * 200)[:end]
        assert len(part) - len(markdown(part, final=False)) < 8


@pytest.mark.parametrize(
    "begun",
    ["[label", "[label](https://exam", '[label](https://example.org "tit', "`some co", "```p"],
)
def test_what_is_not_finished_is_held_back(begun: str) -> None:
    assert markdown(f"See\n{begun}", final=False) == "See\n"
    assert markdown(f"See {begun[:1]}x\n\n{begun}", final=False).endswith("x\n\n")


def test_what_is_never_finished_holds_nothing_up() -> None:
    text = " and so on" * 40
    for begun in ("`", "[label", "[label](https://example.org ", '[label](a "', "```", "~~~", "``"):
        assert len(markdown(begun + text, final=False)) > 350


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a < b && c > d", "a &lt; b &amp;&amp; c &gt; d"),
        ("> quoted > text\n>> more", "> quoted &gt; text\n>> more"),
        ("<!channel> @here", f"&lt;!channel&gt; @{JOINER}here"),
        ("bob@here.example", "bob@here.example"),
        ("See https://example.org/path.", "See `example.org/path`."),
        ("**https://example.org**", "**`example.org`**"),
        ("<https://example.org>,", "`example.org`,"),
        ("www.example.org or mailto:bob@x.org", "`www.example.org` or `bob@x.org`"),
        ("[the wiki](https://example.org/a) [1]", "the wiki (`example.org/a`) [1]"),
        ('![chart](https://x.org/c.png "t")', "chart (`x.org/c.png`)"),
        ("[https://x.org](https://x.org)", "`x.org`"),
        ("[https://x.org](https://y.org)", "`x.org` (`y.org`)"),
        ("[1](https://x.org)", "[1] (`x.org`)"),
        ("`curl https://x.org` runs", "`curl x.org` runs"),
        ("```sh\ncurl https://x.org\n```", "```sh\ncurl x.org\n```"),
        ("``a ` b``", "`a ' b`"),
        ("it`s", "it's"),
        ("\\https://x.org", f"\\{JOINER}`x.org`"),
        ("`a`https://x.org", f"`a`{JOINER}`x.org`"),
        ("[1]: https://x.org", f"[1]{JOINER}: `x.org`"),
        ("README.md, 3.5 and e.g. [1][2]", "README.md, 3.5 and e.g. [1][2]"),
        ("ht\u200btps://x.org", "`x.org`"),
        ("https://x.org/?u=https://y.org", "`x.org/?u=y.org`"),
        ("C:\\Users\\bob", "`C:\\Users\\bob`"),
        ("evil.[com](x)", "evil. com (`x`)"),
        ("- ```py\n  x = '<'\n  ```\n<", "- ```py\n  x = '&lt;'\n  ```\n&lt;"),
    ],
)
def test_slack_is_shown(text: str, shown: str) -> None:
    assert markdown(text) == shown


def test_long_texts_take_no_time() -> None:
    for piece in (
        "`",
        "` ``",
        "[",
        "[a](",
        "[a](b ",
        "https://",
        "a.",
        "word. ",
        "文",
        "a" * 50,
        "((",
    ):
        started = time.process_time()
        markdown(piece * (40_000 // len(piece)), final=False)
        assert time.process_time() - started < 2, piece
