"""Plain text and Markdown: one part a heading."""

import codecs
import itertools
import re
from collections.abc import Iterator

from charset_normalizer import from_bytes
from markdown_it import MarkdownIt

from knowledge.errors import DamagedFile
from knowledge.extraction import Part
from knowledge.extraction.alphabets import other_than_western

_BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_SMALL = bytes(set(range(32)) - set(b"\t\n\r"))
_BEYOND_ASCII = bytes(range(128, 256))
# Controls that no text has; but for tabs, ends of lines and pages, and what terminals obey. Of a
# sample they are at most this share, since a log may hold a few.
_NO_TEXT = re.compile(r"[\x00-\x07\x0e-\x1a\x1c-\x1f\x7f]")
_SAMPLE, _AT_MOST = 100_000, 0.2
# What stands inside a line doesn't matter, and takes most of the time.
_BLOCKS = MarkdownIt().disable(["inline", "text_join"])
_UNDERLINE = re.compile(r"^(={3,}|-{3,}|~{3,})\s*$")


def read(data: bytes) -> Iterator[Part]:
    """Plain text; a line in capitals or underlined counts as a heading."""
    lines = decode(data).splitlines()
    headings = {}
    for number, line in enumerate(lines):
        following = lines[number + 1] if number + 1 < len(lines) else ""
        if line.strip() and _UNDERLINE.match(following):
            headings[number] = (1, line.strip(), number + 2)
        elif _in_capitals(line):
            headings[number] = (2, line.strip(), number + 1)
    return _parts(lines, headings)


def read_markdown(data: bytes) -> Iterator[Part]:
    """Markdown; headings as CommonMark has them, so not those inside code."""
    text = decode(data).replace("\r\n", "\n").replace("\r", "\n")
    tokens = _BLOCKS.parse(text)
    headings = {}
    for token, inline in itertools.pairwise(tokens):
        if token.type == "heading_open" and token.map and token.level == 0:
            first, last = token.map
            headings[first] = (int(token.tag[1]), inline.content, last)
    return _parts(text.split("\n"), headings)


def decode(data: bytes) -> str:
    """Bytes to text: by byte order mark, else UTF-8, else the likeliest of the older encodings.
    Raises DamagedFile where that makes no text, as with a program."""
    text = _decode(data)
    sample = text[:_SAMPLE]
    if len(_NO_TEXT.findall(sample)) > _AT_MOST * len(sample):
        raise DamagedFile("it is no text inside")
    return text


def _decode(data: bytes) -> str:
    for bom, encoding in _BOMS.items():
        if data.startswith(bom):
            return data.decode(encoding, errors="replace")
    if unmarked := _utf16_without_mark(data):
        return data.decode(unmarked, errors="replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return _decode_older(data)


def _utf16_without_mark(data: bytes) -> str | None:
    """Every other byte of UTF-16 is small in most alphabets."""
    for high, encoding in ((0, "utf-16-be"), (1, "utf-16-le")):
        half = data[high:100_000:2]
        if len(half) > 1 and len(half.translate(None, _SMALL)) * 4 < len(half):
            return encoding
    return None


def _decode_older(data: bytes) -> str:
    """The likeliest encoding; between those that fit as well, the one of Western Europe."""
    beyond_ascii = len(data) - len(data.translate(None, _BEYOND_ASCII))
    in_latin_letters = beyond_ascii < 0.4 * len(data)
    if in_latin_letters and (encoding := other_than_western(data)):
        return data.decode(encoding, errors="replace")
    matches = from_bytes(data)
    best = matches.best()
    if best is None:
        raise DamagedFile("the text's encoding is not known")
    western = any("cp1252" in match.could_be_from_charset for match in matches)
    if western and in_latin_letters:
        return data.decode("cp1252", errors="replace")
    return str(best)


def _in_capitals(line: str) -> bool:
    words = line.strip()
    return 3 < len(words) <= 80 and words.isupper() and words[-1] not in ".,;"


def _parts(lines: list[str], headings: dict[int, tuple[int, str, int]]) -> Iterator[Part]:
    """One part for each heading: (level, title, line after it) by line number."""
    path: dict[int, str] = {}
    starts = [(0, 0, "", 0), *((line, *rest) for line, rest in sorted(headings.items()))]
    ends = [start[0] for start in starts[1:]] + [len(lines)]
    for (_, level, title, first), end in zip(starts, ends, strict=True):
        if title:
            path = {known: name for known, name in path.items() if known < level} | {level: title}
        yield Part(None, " > ".join(path.values()), "\n".join(lines[first:end]).strip("\n"))
