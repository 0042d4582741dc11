"""Office files made for tests, and archives that are changed inside."""

import io
import zipfile
from collections.abc import Callable
from typing import Any

from docx import Document
from openpyxl import Workbook
from pptx import Presentation


def docx(fill: Callable[[Any], None] | None = None) -> bytes:
    document = Document()
    if fill is None:
        document.add_paragraph("Twenty-five days of leave.")
    else:
        fill(document)
    return _saved(document)


def pptx(fill: Callable[[Any], None] | None = None) -> bytes:
    """A deck; without `fill` of one slide with a title and a text."""
    deck = Presentation()
    if fill is None:
        slide = deck.slides.add_slide(deck.slide_layouts[1])
        slide.shapes.title.text, slide.placeholders[1].text = "Leave", "Twenty-five days."
    else:
        fill(deck)
    return _saved(deck)


def xlsx(fill: Callable[[Any], None] | None = None) -> bytes:
    """A workbook; without `fill` of one sheet with a header and a row."""
    book = Workbook()
    if fill is None:
        book.active.append(["Name", "City"])
        book.active.append(["Anna", "Bonn"])
    else:
        fill(book)
    return _saved(book)


def repacked(data: bytes, members: dict[str, bytes]) -> bytes:
    """The archive with members replaced or added."""
    source, buffer = zipfile.ZipFile(io.BytesIO(data)), io.BytesIO()
    contents = {name: source.read(name) for name in source.namelist()} | members
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in contents.items():
            target.writestr(name, content)
    return buffer.getvalue()


def member(data: bytes, name: str) -> bytes:
    return zipfile.ZipFile(io.BytesIO(data)).read(name)


def _saved(document: Any) -> bytes:
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def zipped(**members: bytes) -> bytes:
    """An archive of these members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in members.items():
            target.writestr(name, content)
    return buffer.getvalue()
