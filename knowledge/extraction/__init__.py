"""From a file's bytes to its text in parts. The type follows from the content, not the name."""

import io
import unicodedata
import zipfile
from dataclasses import dataclass
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
    if not data:
        raise EmptyFile(name)
    if len(data) > MAX_BYTES:
        raise TooLarge(f"{name} has {len(data) / 2**20:.0f} MB; the limit is 25 MB")
    if b"%PDF-" in data[:1024]:
        return "pdf"
    if data.startswith(b"PK\x03\x04"):
        return _kind_of_zip(name, data)
    promised = KIND_OF_SUFFIX.get(PurePosixPath(name.lower()).suffix)
    if promised is None:
        raise UnsupportedType(name)
    if promised in ("pdf", "docx"):
        raise DamagedFile(f"{name} is not a {promised.upper()} file inside")
    return promised


def extract(name: str, data: bytes) -> list[Part]:
    """The file's parts in reading order, each with some text, cleaned of control characters.

    Raises FileRefused with a reason for people.
    """
    read = import_string(READERS[kind_of(name, data)])
    parts = [Part(part.page, clean(part.heading)[:500], clean(part.text)) for part in read(data)]
    parts = [part for part in parts if part.text.strip()]
    if not parts:
        raise NoText(name)
    return parts


def clean(text: str) -> str:
    """Text in NFC without control characters, lone surrogates and carriage returns."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs"))
    return unicodedata.normalize("NFC", kept)


def _kind_of_zip(name: str, data: bytes) -> str:
    try:
        members = zipfile.ZipFile(io.BytesIO(data)).namelist()
    except zipfile.BadZipFile as error:
        raise DamagedFile(name) from error
    if "word/document.xml" in members:
        return "docx"
    raise UnsupportedType(name)
