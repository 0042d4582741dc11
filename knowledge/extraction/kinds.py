"""What a file is: told from its content; only kinds of text are told apart by its name too."""

import re
from pathlib import PurePosixPath

from knowledge.errors import (
    DamagedFile,
    EmptyFile,
    EncryptedFile,
    OtherFormat,
    TooLarge,
    UnsupportedType,
)

MAX_BYTES = 25 * 1024 * 1024
KIND_OF_SUFFIX = {
    ".txt": "text",
    ".text": "text",
    ".md": "markdown",
    ".markdown": "markdown",
    ".csv": "csv",
    ".tsv": "csv",
    ".html": "html",
    ".htm": "html",
    ".pdf": "pdf",
    ".docx": "docx",
    ".pptx": "pptx",
    ".xlsx": "xlsx",
    ".png": "image",
    ".jpg": "image",
    ".jpeg": "image",
    ".webp": "image",
    ".gif": "image",
}
TEXTS = ("text", "markdown", "csv", "html")
_KIND_OF_MEMBER = {
    b"word/document.xml": "docx",
    b"ppt/presentation.xml": "pptx",
    b"xl/workbook.xml": "xlsx",
}
# The entries of an archive's directory that have these names, and the record that ends it. They are
# not read one by one here: there may be half a million.
_MEMBER = re.compile(
    rb"PK\x01\x02.{42}(" + b"|".join(map(re.escape, _KIND_OF_MEMBER)) + b")", re.DOTALL
)
_ZIP_END, _ZIP_END_AT_MOST = b"PK\x05\x06", 22 + 65_535
_IMAGE = re.compile(rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff|GIF8[79]a|RIFF....WEBP", re.DOTALL)
_HEIC = re.compile(rb"....ftyp(?:hei[cmsx]|hevc|mif1|msf1|avif)", re.DOTALL)
_HTML = re.compile(
    rb"(?:\s|<\?xml[^>]*>|<!--(?:(?!-->).)*-->)*<(?:!doctype html|html)\b", re.I | re.DOTALL
)
# The containers of Office before 2007, in which later ones lock what is under a password.
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_LOCKED = "EncryptedPackage".encode("utf-16-le")
_STREAMS = {
    "WordDocument": "DOCX",
    "Workbook": "XLSX",
    "Book": "XLSX",
    "PowerPoint Document": "PPTX",
}
# What names promise that is not read, and can be saved as something that is.
_SAVE_AS = {
    **dict.fromkeys((".doc", ".dot", ".wps", ".rtf", ".odt", ".pages"), "DOCX"),
    **dict.fromkeys((".xls", ".xlt", ".xlsb", ".ods", ".numbers"), "XLSX"),
    **dict.fromkeys((".ppt", ".pps", ".pot", ".odp", ".key"), "PPTX"),
}


def supported(name: str) -> bool:
    """Whether the name promises a type that can be read."""
    return _suffix(name) in KIND_OF_SUFFIX


def kind_of(name: str, data: bytes) -> str:
    """The key in READERS of this content. Raises FileRefused where there is none."""
    promised = KIND_OF_SUFFIX.get(_suffix(name))
    found = _kind_of_content(name, data, promised)
    if promised is None and found is None:
        raise _unsupported(name)
    if not data:
        raise EmptyFile()
    if len(data) > MAX_BYTES:
        raise TooLarge("it has more than 25 MB, which is the limit")
    if found is not None:
        return found
    if promised in TEXTS:
        return promised
    raise DamagedFile(f"it is no {_suffix(name)[1:].upper()} file inside")


def _suffix(name: str) -> str:
    return PurePosixPath(name.lower()).suffix


def _kind_of_content(name: str, data: bytes, promised: str | None) -> str | None:
    """What the content alone says, if it says anything."""
    head = data[:1024]
    if head.startswith(b"%PDF-") or (promised not in TEXTS and b"%PDF-" in head):
        return "pdf"
    if head.startswith(b"PK\x03\x04"):
        return _kind_of_zip(name, data)
    if _IMAGE.match(head):
        return "image"
    if _HEIC.match(head):
        raise OtherFormat(_save_as("JPEG"))
    if head.startswith(_OLD_OFFICE):
        raise _of_old_office(name, data)
    # Without the zeros of UTF-16 and the byte order mark.
    if _HTML.match(head.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe")):
        return "html"
    return None


def _kind_of_zip(name: str, data: bytes) -> str:
    if _ZIP_END not in data[-_ZIP_END_AT_MOST:]:
        raise DamagedFile()
    inside = {found[1] for found in _MEMBER.finditer(data)}
    for member, kind in _KIND_OF_MEMBER.items():
        if member in inside:
            return kind
    raise _unsupported(name)


def _of_old_office(name: str, data: bytes) -> EncryptedFile | UnsupportedType:
    if _LOCKED in data:
        return EncryptedFile()
    for stream, readable in _STREAMS.items():
        if stream.encode("utf-16-le") in data:
            return OtherFormat(_save_as(readable))
    return _unsupported(name)


def _unsupported(name: str) -> UnsupportedType:
    readable = _SAVE_AS.get(_suffix(name))
    return OtherFormat(_save_as(readable)) if readable else UnsupportedType()


def _save_as(readable: str) -> str:
    return f"save it as {readable}"
