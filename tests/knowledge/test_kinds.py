"""A file is what its content says; the name only tells kinds of text apart."""

import io
import zipfile

import pytest
from fpdf import FPDF
from PIL import Image

from knowledge.errors import (
    DamagedFile,
    EmptyFile,
    EncryptedFile,
    FileRefused,
    TooLarge,
    UnsupportedType,
)
from knowledge.extraction import extract, kind_of, supported
from knowledge.extraction.kinds import KIND_OF_SUFFIX
from tests.knowledge.office import docx, pptx, repacked, xlsx, zipped

OLD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500)
BOMB = {"bomb": bytes(60_000_000)}
DTD = b'<?xml version="1.0"?>' + b" " * 5000 + b'<!DOCTYPE d [<!ENTITY a "x">]><d>&a;</d>'


def pdf() -> bytes:
    document = FPDF()
    document.add_page()
    return bytes(document.output())


def image(kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(buffer, kind)
    return buffer.getvalue()


def old_office(stream: str) -> bytes:
    return OLD + stream.encode("utf-16-le") + bytes(500)


OFFICE = [docx(), pptx(), xlsx()]
FOUND = [
    (pdf(), "pdf"),
    *zip(OFFICE, ("docx", "pptx", "xlsx"), strict=True),
    (image("PNG"), "image"),
    (image("JPEG"), "image"),
    (image("GIF"), "image"),
    (image("WEBP"), "image"),
    (b"<!DOCTYPE html><p>Hello", "html"),
    ("\ufeff\n<!-- a --> <!-- b -->\n<HTML><p>Hello".encode(), "html"),
    ("<html><p>Hello".encode("utf-16"), "html"),
]


@pytest.mark.parametrize(("data", "kind"), FOUND)
@pytest.mark.parametrize("name", ["report.pdf", "noname", "a.csv", "a.png", "a.exe"])
def test_the_content_tells_the_kind_whatever_the_name_says(
    name: str, data: bytes, kind: str
) -> None:
    assert kind_of(name, data) == kind


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.TXT", "text"),
        ("a.md", "markdown"),
        ("a.csv", "csv"),
        ("a.tsv", "csv"),
        ("a.htm", "html"),
    ],
)
def test_kinds_of_text_are_told_apart_by_the_name(name: str, kind: str) -> None:
    assert supported(name)
    assert kind_of(name, b"some, text <p>") == kind


REFUSED: list[tuple[str, bytes, type[FileRefused], str]] = [
    ("a.doc", old_office("WordDocument"), UnsupportedType, "save it as DOCX"),
    ("a.xls", old_office("Workbook"), UnsupportedType, "save it as XLSX"),
    ("a.ppt", old_office("PowerPoint Document"), UnsupportedType, "save it as PPTX"),
    ("a.doc", OLD, UnsupportedType, "this format of file: save it as DOCX"),
    ("a.xls", old_office("Book"), UnsupportedType, "save it as XLSX"),
    ("a.rtf", rb"{\rtf1 Words.}", UnsupportedType, "save it as DOCX"),
    ("a.odp", zipped(mimetype=b"application/x"), UnsupportedType, "save it as PPTX"),
    ("a.msg", OLD, UnsupportedType, "this type of file; it reads TXT"),
    ("a.docx", old_office("EncryptedPackage"), EncryptedFile, "without one"),
    ("a.heic", b"\0\0\0\x18ftypheic\0\0\0\0", UnsupportedType, "save it as JPEG"),
    ("a.png", b"BM" + bytes(100), DamagedFile, "it is no PNG file inside"),
    ("a.xlsx", b"Name,City", DamagedFile, "it is no XLSX file inside"),
    ("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", UnsupportedType, "CSV, HTML, PDF"),
    ("a.zip", repacked(docx(), {})[:4] + bytes(100), DamagedFile, "is damaged"),
    ("a.pptx", b"", EmptyFile, "is empty"),
    ("a.png", b"\x89PNG\r\n\x1a\n" + bytes(26 * 2**20), TooLarge, "25 MB"),
    ("a.pptx", repacked(pptx(), BOMB), TooLarge, "the PPTX would expand"),
    ("a.xlsx", repacked(xlsx(), BOMB), TooLarge, "the XLSX would expand"),
    ("a.pptx", repacked(pptx(), {"ppt/presentation.xml": DTD}), DamagedFile, "document type"),
    ("a.xlsx", repacked(xlsx(), {"xl/workbook.xml": DTD}), DamagedFile, "document type"),
    ("a.xlsx", repacked(xlsx(), {"xl/workbook.xml": b"<"}), DamagedFile, "read; open it, save it"),
    ("a.pptx", repacked(pptx(), {"ppt/presentation.xml": b"<"}), DamagedFile, "PPTX can't be read"),
    ("a.pptx", pptx()[:-300], DamagedFile, "is damaged"),
    ("a.xlsx", repacked(xlsx(), {f"m{n}": b"" for n in range(5001)}), TooLarge, "5,000 members"),
]


@pytest.mark.parametrize("case", range(len(REFUSED)))
def test_what_cannot_be_read_is_refused_with_a_reason(case: int) -> None:
    name, data, error, reason = REFUSED[case]
    with pytest.raises(error, match=reason):
        extract(name, data)


def test_the_sentence_about_unknown_types_names_every_type() -> None:
    named = str(UnsupportedType()).upper().replace("MARKDOWN", "MD").replace("JPEG", "JPG")
    aliases = {".text", ".markdown", ".tsv", ".htm", ".jpeg"}
    for suffix in KIND_OF_SUFFIX.keys() - aliases:
        assert suffix[1:].upper() in named


def test_comments_before_a_page_are_skipped_in_no_time() -> None:
    assert kind_of("a.txt", b"<!---->" * 146 + b"x") == "text"


def test_an_archives_directory_is_not_read_to_tell_its_kind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It may have half a million entries."""
    monkeypatch.setattr(zipfile, "ZipFile", None)
    assert [kind_of("a", data) for data in OFFICE] == ["docx", "pptx", "xlsx"]
