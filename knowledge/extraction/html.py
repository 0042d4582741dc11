"""HTML through lxml: one part a heading, without what a browser would not show."""

import re
from collections.abc import Iterator

from lxml import etree, html

from knowledge.errors import DamagedFile
from knowledge.extraction import Part
from knowledge.extraction.text import decode

UNSEEN = (
    *("script", "style", "noscript", "template", "svg", "math", "canvas", "iframe", "object"),
    *("audio", "video", "head", "datalist", "textarea", "select", "input"),
)
HEADINGS = {f"h{level}": level for level in range(1, 7)}
BLOCKS = frozenset(
    "address article aside blockquote body caption center dd details dialog div dl dt fieldset "
    "figcaption figure footer form header hr html legend li main menu nav ol p pre section "
    "summary table tbody td tfoot th thead tr ul".split()
)
ITEM = "- "
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)


def read(data: bytes) -> Iterator[Part]:
    """The text under each heading; a table's row is one line, its cells parted by " | "."""
    # Without huge_tree the parser leaves out what lies more than 255 elements deep.
    parser = html.HTMLParser(
        encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True
    )
    text = decode(data).replace("\0", "")  # an encoding that the page names counts there too
    try:
        root = html.document_fromstring(text.encode(), parser=parser)
    except (etree.LxmlError, ValueError) as error:
        raise DamagedFile("the HTML can't be read") from error
    title = " ".join((root.findtext(".//title") or "").split())
    _empty_unseen(root)
    yield from _parts(root, title)


def _empty_unseen(root: html.HtmlElement) -> None:
    unseen = [
        element
        for element in root.iter(etree.Element)
        if element.tag in UNSEEN
        or "hidden" in element.attrib
        or _HIDDEN.search(element.get("style", ""))
    ]
    for element in unseen:
        element.clear(keep_tail=True)


def _parts(root: html.HtmlElement, title: str) -> Iterator[Part]:
    path = {0: title} if title else {}
    lines: list[str] = []
    for level, text in _blocks(root):
        if level is None:
            lines.append(text)
        elif text and path != {0: text}:
            yield Part(None, " > ".join(path.values()), "\n\n".join(lines))
            path = {known: name for known, name in path.items() if known < level}
            path[level], lines = text, []
    yield Part(None, " > ".join(path.values()), "\n\n".join(lines))


def _blocks(root: html.HtmlElement) -> Iterator[tuple[int | None, str]]:
    """(level, text) of headings and (None, text) of the blocks between them."""
    words: list[str] = []
    walk = etree.iterwalk(root, events=("start", "end"))
    for event, element in walk:
        if element.tag in BLOCKS or element.tag in HEADINGS:
            if text := _joined(words):
                yield None, text
            words = [ITEM] if event == "start" and element.tag == "li" else []
        if event == "end":
            words.append(_flat(element.tail or ""))
        elif (whole := _whole(element)) is not None:
            yield HEADINGS.get(element.tag), whole
            walk.skip_subtree()
        else:
            words.append(_own_words(element))
    if text := _joined(words):
        yield None, text


def _whole(element: html.HtmlElement) -> str | None:
    """The text of what is one line however it is built inside: a heading, a row of a table."""
    if element.tag in HEADINGS:
        return " ".join(element.text_content().split())
    if element.tag == "tr" and element.find(".//table") is None:
        cells = (" ".join(cell.itertext()).split() for cell in element.iterchildren("td", "th"))
        return " | ".join(" ".join(cell) for cell in cells)
    if element.tag == "pre":
        return str(element.text_content()).strip("\n")
    return None


def _own_words(element: html.HtmlElement) -> str:
    if element.tag == "br":
        return "\n"
    if element.tag == "img":
        return f" {element.get('alt', '')} "
    return _flat(element.text or "")


def _flat(text: str) -> str:
    """The source's own line breaks are spaces; those of <br> come later and stay."""
    return re.sub(r"\s+", " ", text)


def _joined(words: list[str]) -> str:
    lines = "".join(words).split("\n")
    text = "\n".join(" ".join(line.split()) for line in lines).strip()
    return "" if text == ITEM.strip() else text
