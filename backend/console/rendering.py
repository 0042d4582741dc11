"""An answer's Markdown as HTML that is safe to show: no raw HTML, no links but whole addresses."""

import re
from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.token import Token

_CITATION = re.compile(r"\s?\[(\d+)\]")

# Links were checked when the answer was made; those that stand are written out and become live.
# A link with a text of its own could hide where it leads, and a picture would be fetched.
_markdown = (
    MarkdownIt("commonmark", {"html": False, "linkify": True})
    .enable(["table", "linkify"])
    .disable(["link", "image", "autolink", "reference", "html_block", "html_inline"])
)
assert _markdown.linkify is not None
_markdown.linkify.set({"fuzzy_link": False, "fuzzy_email": False})


def to_html(text: str, sources: int) -> str:
    """HTML of `text`; citations of 1 to `sources` become links to the sources."""
    tokens = _markdown.parse(text)
    for token in tokens:
        if token.children is not None:
            token.children = [new for old in token.children for new in _cited(old, sources)]
        for child in token.children or ():
            if child.type == "link_open":
                child.attrSet("rel", "noreferrer nofollow")
    html: str = _markdown.renderer.render(tokens, _markdown.options, {})
    return html


def _cited(token: Token, sources: int) -> Iterator[Token]:
    if token.type != "text":
        yield token
        return
    end = 0
    for match in _CITATION.finditer(token.content):
        if not 1 <= int(match[1]) <= sources:
            continue
        yield Token("text", "", 0, content=token.content[end : match.start()])
        end, number = match.end(), match[1]
        yield Token(
            "html_inline",
            "",
            0,
            content=f'&nbsp;<a class="citation" href="#source-{number}" '
            f'data-number="{number}">{number}</a>',
        )
    yield Token("text", "", 0, content=token.content[end:])
