"""From a file's bytes to its text in parts. The type follows from the content, not the name."""

import io
import itertools
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from django.utils.module_loading import import_string

from knowledge.errors import DamagedFile, EmptyFile, NoText, TooLarge, UnsupportedType

MAX_BYTES = 25 * 1024 * 1024
READERS = {
    "text": "knowledge.extraction.text.read",
    "markdown": "knowledge.extraction.text.read_markdown",
    "pdf": "knowledge.extraction.pdf.read",
    "docx": "knowledge.extraction.docx.read",
}
KIND_OF_SUFFIX = {
    ".txt": "text",
    ".text": "text",
    ".md": "markdown",
    ".markdown": "markdown",
    ".pdf": "pdf",
    ".docx": "docx",
}
_LINE_BREAKS = str.maketrans(dict.fromkeys("\r\v\f\x85", "\n"))
TEXTS = ("text", "markdown")
# What the ZIP reader lets through on broken archives.
ZIP_FAULTS = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    struct.error,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,  # a member under a password, an unknown compression
    ValueError,
)


@dataclass(frozen=True)
class Part:
    """A stretch of text under one page (1-based, None where there are none) and heading."""

    page: int | None
    heading: str
    text: str


@dataclass(frozen=True)
class Picture:
    """An image: a JPEG of at most 2,000 px a side, and what text recognition made of it.

    `coverage` and `density` are shares from 0 to 1, `confidence` goes from 0 to 100 (see
    `ocr.Recognised`). All are 0 where `recognised` is false: text recognition is not installed.
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


# What a reader yields: `read(data) -> Iterator[Piece]`, the text in reading order. One of paged
# files yields its Progress as soon as it knows how many there are, and after each page.
Piece = Part | Picture | Progress | Notice


def supported(name: str) -> bool:
    """Whether the name promises a type that can be read."""
    return PurePosixPath(name.lower()).suffix in KIND_OF_SUFFIX


def kind_of(name: str, data: bytes) -> str:
    """The key in READERS of this content. Raises FileRefused where there is none."""
    promised = KIND_OF_SUFFIX.get(PurePosixPath(name.lower()).suffix)
    looks_like_pdf = data.startswith(b"%PDF-") or (
        promised not in TEXTS and b"%PDF-" in data[:1024]
    )
    looks_like_zip = data.startswith(b"PK\x03\x04")
    if promised is None and not looks_like_pdf and not looks_like_zip:
        raise UnsupportedType(name)
    if not data:
        raise EmptyFile(name)
    if len(data) > MAX_BYTES:
        raise TooLarge(f"{name} has more than 25 MB, which is the limit")
    if looks_like_pdf:
        return "pdf"
    if looks_like_zip:
        return _kind_of_zip(name, data)
    if promised in TEXTS:
        return promised
    raise DamagedFile(f"{name} is not a {str(promised).upper()} file inside")


def extract(name: str, data: bytes) -> list[Part]:
    """The file's parts in reading order, each with some text, cleaned of control characters.

    Raises FileRefused with a reason for people.
    """
    parts = [piece for piece in pieces(kind_of(name, data), data) if isinstance(piece, Part)]
    parts = with_text(parts)
    if not parts:
        raise NoText(name)
    return parts


def pieces(kind: str, data: bytes) -> Iterator[Piece]:
    """What the reader of this kind yields, its text cleaned of control characters."""
    for piece in import_string(READERS[kind])(data):
        if isinstance(piece, Part | Picture):
            heading = " ".join(clean(piece.heading).split())[:500]
            yield replace(piece, heading=heading, text=clean(piece.text))
        else:
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
    """Text in NFC without control characters, lone surrogates and carriage returns."""
    text = text.replace("\r\n", "\n").translate(_LINE_BREAKS)
    kept = "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs"))
    return unicodedata.normalize("NFC", kept)


def _kind_of_zip(name: str, data: bytes) -> str:
    try:
        members = zipfile.ZipFile(io.BytesIO(data)).namelist()
    except ZIP_FAULTS as error:
        raise DamagedFile(name) from error
    if "word/document.xml" in members:
        return "docx"
    raise UnsupportedType(name)
