"""Thirty files that can't be read, and the words in which a card says why."""

import io
import struct
import zipfile
import zlib

from fpdf import FPDF
from PIL import Image

from tests.knowledge.office import docx, pptx, repacked, xlsx, zipped
from tests.knowledge.pictures import page, saved, scan

EMPTY = "The file is empty"
DAMAGED = "damaged or is not what its name says"
LOCKED = "protected by a password"
UNKNOWN = "can't read this type of file"
ELSE = "save it as DOCX"
TEXTLESS = "holds no text that can be read"
LARGE = "The file is too large"

# As Office begins a document with a password, and its old formats.
_COMPOUND = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(504)


def broken_files() -> list[tuple[str, bytes, str]]:
    """Name, bytes, and what is to be said of it; no two alike."""
    return [*_of_text(), *_of_pdf(), *_of_pictures(), *_of_office(), *_of_other_types()]


def _of_text() -> list[tuple[str, bytes, str]]:
    return [
        ("empty.txt", b"", EMPTY),
        ("blank.txt", b" \n\t\r\n" * 40, TEXTLESS),
        ("nothing.md", b"\n\n", TEXTLESS),
        ("commas.csv", b",,,\n,,,\n", TEXTLESS),
        ("script.html", b"<script>alert('hello')</script>", TEXTLESS),
    ]


def _of_pdf() -> list[tuple[str, bytes, str]]:
    locked, blank = FPDF(), FPDF()
    locked.add_page()
    locked.set_encryption(owner_password="owner", user_password="user")
    blank.add_page()
    whole = scan("Twenty-five days of leave.")
    return [
        ("header.pdf", b"%PDF-1.7 broken", DAMAGED),
        ("cut.pdf", whole[:200], DAMAGED),
        ("letter.pdf", b"Dear all, this was never a PDF.", DAMAGED),
        ("locked.pdf", bytes(locked.output()), LOCKED),
        ("blank.pdf", bytes(blank.output()), TEXTLESS),
    ]


def _of_pictures() -> list[tuple[str, bytes, str]]:
    small = page(size=(300, 120), points=12)
    png = saved(small)
    return [
        ("cut.png", png[: len(png) // 2], DAMAGED),
        ("cut.jpg", saved(small, "JPEG")[:300], DAMAGED),
        ("cut.gif", saved(small, "GIF")[:60], DAMAGED),
        ("cut.webp", saved(small, "WEBP")[:60], DAMAGED),
        ("letter.png", b"Dear all, this was never a picture.", DAMAGED),
        ("sky.png", _many_pixels(), LARGE),
        ("white.png", saved(Image.new("RGB", (200, 200), "white")), TEXTLESS),
    ]


def _many_pixels() -> bytes:
    """A picture of a few bytes that would be many gigabytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def _of_office() -> list[tuple[str, bytes, str]]:
    whole = docx()
    return [
        ("cut.docx", whole[: len(whole) // 2], DAMAGED),
        ("hollow.docx", repacked(whole, {"word/document.xml": b"<w:document"}), DAMAGED),
        ("blank.docx", docx(lambda document: None), TEXTLESS),
        ("locked.docx", _COMPOUND + "EncryptedPackage".encode("utf-16-le"), LOCKED),
        ("bomb.docx", repacked(whole, {"word/document.xml": bytes(300_000_000)}), LARGE),
        ("hollow.xlsx", repacked(xlsx(), {"xl/workbook.xml": b"<workbook"}), DAMAGED),
        ("blank.pptx", pptx(lambda deck: None), TEXTLESS),
    ]


def _of_other_types() -> list[tuple[str, bytes, str]]:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("hr.txt", "Twenty-five days of leave.")
    return [
        ("movie.mp4", b"\0\0\0\x18ftypmp42" + bytes(100), UNKNOWN),
        ("song.mp3", b"ID3\x04" + bytes(100), UNKNOWN),
        ("papers.zip", packed.getvalue(), UNKNOWN),
        ("old.doc", _COMPOUND, ELSE),
        ("slides.docx", zipped(**{"anything.xml": b"<a/>"}), UNKNOWN),
        ("cut.pptx", pptx()[:3000], DAMAGED),
    ]
