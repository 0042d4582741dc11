"""From a file's bytes to its text in parts. The type follows from the content, not the name."""

import itertools
import re
import unicodedata
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cache

from django.utils.module_loading import import_string

from knowledge.errors import NoText, TooLarge
from knowledge.extraction.kinds import MAX_BYTES, kind_of, supported

__all__ = [
    "MAX_BYTES",
    "MAX_CHARACTERS",
    "MAX_PARTS",
    "READERS",
    "Extracted",
    "Notice",
    "Part",
    "Picture",
    "Piece",
    "Progress",
    "clean",
    "extract",
    "extract_with",
    "gathered",
    "kind_of",
    "pieces",
    "raw",
    "supported",
    "with_text",
]
# Of a file's text, headings included.
MAX_CHARACTERS = 5_000_000
MAX_PARTS = 50_000
# On one letter; to order them takes the square of their number.
MOST_MARKS = 30
READERS = {
    "text": "knowledge.extraction.text.read",
    "markdown": "knowledge.extraction.text.read_markdown",
    "csv": "knowledge.extraction.csv.read",
    "html": "knowledge.extraction.html.read",
    "pdf": "knowledge.extraction.pdf.read",
    "docx": "knowledge.extraction.docx.read",
    "pptx": "knowledge.extraction.pptx.read",
    "xlsx": "knowledge.extraction.xlsx.read",
    "image": "knowledge.extraction.image.read",
}
# Unicode's categories Cc, without tab and line feed, and Cs.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
# Where more marks than that may stand in a row: no mark is a letter, a digit or a space.
_MARKS = re.compile(rf"[^\w\s\x00-\u02ff]{{{MOST_MARKS + 1},}}")
_LINE_BREAKS = str.maketrans(dict.fromkeys("\r\v\f\x85", "\n"))


@dataclass(frozen=True)
class Part:
    """A stretch of text under one page (1-based, None where there are none) and heading."""

    page: int | None
    heading: str
    text: str


@dataclass(frozen=True)
class Picture:
    """An image: a JPEG of at most 2,000 px a side, and what text recognition made of it.

    `ocr.Recognised` says what is measured. All of it is 0 where `recognised` is false: text
    recognition is not installed or did not end.
    """

    page: int | None
    jpeg: bytes
    text: str
    coverage: float
    density: float
    confidence: float
    heading: str = ""
    recognised: bool = True


@dataclass(frozen=True)
class Progress:
    """So many of a paged file's pages are read; so many up to here went or go through OCR."""

    done: int
    total: int
    scanned: int = 0


@dataclass(frozen=True)
class Notice:
    """A sentence for people about what was left out though the file was read."""

    sentence: str


@dataclass(frozen=True)
class Extracted:
    """A whole file: its parts with text, its pictures, the number of its pages if it has any, and
    sentences for people on what was left out."""

    parts: list[Part]
    pictures: list[Picture]
    pages: int | None
    notices: list[str]


# What a reader yields: `read(data) -> Iterator[Piece]`, the text in reading order. One of paged
# files yields its Progress as soon as it knows how many there are, and after each page.
Piece = Part | Picture | Progress | Notice


def extract(name: str, data: bytes) -> Extracted:
    """The whole file, its text in reading order and cleaned of control characters.

    Raises FileRefused with a reason for people: NoText where there is neither text nor picture.
    """
    return extract_with(raw, name, data)


def extract_with(
    read: Callable[[str, bytes], Generator[Piece]], name: str, data: bytes
) -> Extracted:
    """The same, of what `read(kind, data)` yields."""
    with closing(read(kind_of(name, data), data)) as reading:
        found = gathered(_cleaned(reading))
    if not found.parts and not found.pictures:
        raise NoText()
    return found


def gathered(found: Iterable[Piece]) -> Extracted:
    """What readers yield one by one, as a whole."""
    parts, pictures, notices, pages = [], [], [], None
    for piece in found:
        match piece:
            case Part():
                parts.append(piece)
            case Picture():
                pictures.append(piece)
            case Notice():
                notices.append(piece.sentence)
            case Progress():
                pages = piece.total
    return Extracted(with_text(parts), pictures, pages, notices)


def pieces(kind: str, data: bytes) -> Iterator[Piece]:
    """What the reader of this kind yields, its text cleaned of control characters."""
    return _cleaned(raw(kind, data))


def raw(kind: str, data: bytes) -> Generator[Piece]:
    """What the reader of this kind yields, as it is."""
    yield from import_string(READERS[kind])(data)


def _cleaned(found: Iterable[Piece]) -> Iterator[Piece]:
    characters = count = 0
    for piece in found:
        if isinstance(piece, Part | Picture):
            heading = " ".join(clean(piece.heading).split())[:500]
            piece = replace(piece, heading=heading, text=clean(piece.text))
            characters += len(piece.text) + len(heading)
            if characters > MAX_CHARACTERS:
                raise TooLarge(f"more than {MAX_CHARACTERS:,} characters of text")
            if (count := count + 1) > MAX_PARTS:
                raise TooLarge(f"more than {MAX_PARTS:,} pages, headings or pictures")
        yield piece


def with_text(parts: list[Part]) -> list[Part]:
    """The parts that have some text; a heading alone counts as text."""
    return [part for part in _keeping_headings(parts) if part.text.strip()]


def _keeping_headings(parts: list[Part]) -> Iterator[Part]:
    """A heading with neither text nor headings under it is text itself, and not lost."""
    for part, following in itertools.pairwise([*parts, Part(None, "", "")]):
        alone = not part.text.strip() and not following.heading.startswith(f"{part.heading} > ")
        yield replace(part, text=part.heading) if alone else part


def clean(text: str) -> str:
    """Text in NFC without control characters, lone surrogates, carriage returns and masses of
    marks on one letter."""
    text = _CONTROL.sub("", text.replace("\r\n", "\n").translate(_LINE_BREAKS))
    return unicodedata.normalize("NFC", _MARKS.sub(_fewer_marks, text))


def _fewer_marks(found: re.Match[str]) -> str:
    kept, marks = [], 0
    for character in found[0]:
        marks = marks + 1 if _is_mark(character) else 0
        if marks <= MOST_MARKS:
            kept.append(character)
    return "".join(kept)


@cache
def _is_mark(character: str) -> bool:
    # A few characters are no marks themselves, and stand for nothing but marks.
    return unicodedata.combining(unicodedata.normalize("NFD", character)[0]) > 0
