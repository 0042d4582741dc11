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
    read = import_string(READERS[kind_of(name, data)])
    parts = [
        Part(part.page, " ".join(clean(part.heading).split())[:500], clean(part.text))
        for part in read(data)
    ]
    parts = [part for part in _keeping_headings(parts) if part.text.strip()]
    if not parts:
        raise NoText(name)
    return parts


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
