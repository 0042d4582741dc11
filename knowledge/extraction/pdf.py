"""PDF through pypdf: a part begins with each page, and within a page with each heading."""

import io
import re
import struct
import zlib
from collections.abc import Iterator

from django.utils.module_loading import import_string
from pypdf import PdfReader
from pypdf.errors import DependencyError, FileNotDecryptedError, PyPdfError

from knowledge.errors import DamagedFile, EncryptedFile, TooLarge
from knowledge.extraction import Notice, Part, Progress

MAX_PAGES = 2000
SCANS = "knowledge.extraction.scans.Scans"
# A heading begins a new part only once the one before it has this many characters.
MIN_PART = 200
# What pypdf lets through on broken files, beside its own errors.
FAULTS = (
    PyPdfError,
    ArithmeticError,
    AttributeError,
    AssertionError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    struct.error,
    TypeError,
    ValueError,
    zlib.error,
)
_WORD = re.compile(r"[^\W_]")
_ITEM = re.compile(r"(?:[•▪●*–-]|\d{1,3}[.)])\s")
_SENTENCE_END = re.compile(r"[.!?:;][\"')\]]*$")


def read(data: bytes) -> Iterator[Part | Progress | Notice]:
    """The text of each page, numbered from 1, under its headings. A page without text is read as
    the picture that it is."""
    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise EncryptedFile()
        if (total := len(reader.pages)) > MAX_PAGES:
            raise TooLarge(f"{total} pages; the limit is {MAX_PAGES}")
        yield Progress(0, total)
        yield from _pages(reader, data, total)
    except (DependencyError, FileNotDecryptedError) as error:
        raise EncryptedFile() from error
    except FAULTS as error:
        raise DamagedFile("the PDF can't be read; print it to a new PDF and add that") from error


def _pages(reader: PdfReader, data: bytes, total: int) -> Iterator[Part | Progress | Notice]:
    latest, scans, scanned, text_found = "", None, 0, False
    for number, page in enumerate(reader.pages, start=1):
        text = page.extract_text()
        if not _WORD.search(text):
            # Loads PDFium, which few files need.
            scans = scans or import_string(SCANS)(data)
            scanned += 1
            yield Progress(number - 1, total, scanned)
            text = scans.text(number)
        text_found = text_found or bool(text)
        for heading, stretch in _under_headings(text, latest):
            latest = heading
            yield Part(number, heading, stretch)
        yield Progress(number, total, scanned)
    if scans is not None:
        yield from scans.notices(total, text_found=text_found)


def _under_headings(text: str, heading: str) -> Iterator[tuple[str, str]]:
    """Stretches of a page with the heading that most of each stands under. A PDF doesn't say what
    is a heading, so these are told from the lines; they stay in the text."""
    lines = [line.rstrip() for line in text.split("\n")]
    part: list[str] = []
    before = ""
    for line, following in zip(lines, _following(lines), strict=True):
        if _is_heading(line.strip(), before, following):
            if sum(map(len, part)) >= MIN_PART:
                yield heading, "\n".join(part)
                part = []
            heading, before = line.strip(), ""
        else:
            before = line.strip()
        part.append(line)
    yield heading, "\n".join(part)


def _following(lines: list[str]) -> list[str]:
    """For each line the next one that is not blank."""
    following, ahead = [""] * len(lines), ""
    for number in range(len(lines) - 1, -1, -1):
        following[number], ahead = ahead, lines[number].strip() or ahead
    return following


def _is_heading(line: str, before: str, following: str) -> bool:
    """A short line that begins like a title, ends like none, after a sentence's end and before a
    line that begins one."""
    looks_like_one = (
        3 <= len(line) <= 80
        and len(line.split()) <= 10
        and (line[0].isupper() or line[0].isdigit())
        and line[-1] not in ".,;!"
        and sum(map(str.isalpha, line)) >= 3
        and not _ITEM.match(line)
    )
    ends_before = not before or _SENTENCE_END.search(before) is not None
    return looks_like_one and ends_before and bool(following) and not following[0].islower()
