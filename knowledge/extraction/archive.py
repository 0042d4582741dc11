"""Office files are ZIP archives: what lies in them, and whether they can be unpacked safely."""

import io
import struct
import zipfile
import zlib

from knowledge.errors import DamagedFile, TooLarge

MAX_MEMBERS = 5000
MAX_EXPANDED_BYTES = 200 * 1024 * 1024
# Text shrinks to a tenth, seldom to a fiftieth; a bomb to a thousandth.
MAX_RATIO = 100
UNSUSPICIOUS_BYTES = 10 * 1024 * 1024
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
# What the readers of Office files let through beside their libraries' own errors.
OFFICE_FAULTS = (*ZIP_FAULTS, AssertionError, AttributeError, SyntaxError, TypeError)
_XML_ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be")


def check(data: bytes, kind: str) -> None:
    """Refuse archives that would expand beyond bounds, and document type definitions.

    `kind` names the file in the sentence: "DOCX". Raises FileRefused and ZIP_FAULTS.
    """
    archive = zipfile.ZipFile(io.BytesIO(data))
    inside = archive.infolist()
    expanded = sum(member.file_size for member in inside)
    if len(inside) > MAX_MEMBERS or expanded > MAX_EXPANDED_BYTES:
        raise TooLarge(f"the {kind} would expand to more than 200 MB or 5,000 members")
    packed = sum(member.compress_size for member in inside)
    if expanded > max(MAX_RATIO * packed, UNSUSPICIOUS_BYTES):
        raise TooLarge(f"the {kind} would expand to more than a hundred times its size")
    for member in inside:
        if member.filename.endswith((".xml", ".rels")):
            content = archive.read(member)
            if any("<!DOCTYPE".encode(encoding) in content for encoding in _XML_ENCODINGS):
                raise DamagedFile(f"the {kind} holds a document type definition")
