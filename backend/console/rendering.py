"""An answer's Markdown as HTML that is safe to show: no raw HTML, no links but whole addresses."""

import re
from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.token import Token

_CITATION = re.compile(r"\s?\[([0-9]{1,4})\]")

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
            token.children = list(_with_citations(token.children, sources))
        for child in token.children or ():
            if child.type == "link_open":
                child.attrSet("rel", "noreferrer nofollow")
    html: str = _markdown.renderer.render(tokens, _markdown.options, {})
    return html


def _with_citations(tokens: list[Token], sources: int) -> Iterator[Token]:
    """The tokens with their citations as links, but for what stands in a link already."""
    in_link = False
    for token in tokens:
        in_link = token.type == "link_open" or (in_link and token.type != "link_close")
        yield from [token] if in_link else _cited(token, sources)


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
