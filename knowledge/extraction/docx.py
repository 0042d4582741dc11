"""DOCX through python-docx: paragraphs and tables in reading order, one part a heading."""

import io
import re
from collections.abc import Iterator

from docx import Document
from docx.document import Document as DocxDocument
from docx.opc.exceptions import OpcError
from docx.oxml.ns import qn
from docx.oxml.table import CT_Tc
from docx.table import Table
from docx.text.paragraph import Paragraph
from lxml.etree import LxmlError

from knowledge.errors import DamagedFile
from knowledge.extraction import Part, archive

FAULTS = (*archive.OFFICE_FAULTS, OpcError, LxmlError)
_HEADING = re.compile(r"(?:Heading (\d)|Title)$")


def read(data: bytes) -> Iterator[Part]:
    """The text under each heading; a table's row is one line, its cells parted by " | "."""
    try:
        archive.check(data, "DOCX")
        yield from _parts(Document(io.BytesIO(data)))
    except FAULTS as error:
        raise DamagedFile("the DOCX can't be read; open it, save it anew and add that") from error


def _parts(document: DocxDocument) -> Iterator[Part]:
    path: dict[int, str] = {}
    lines: list[str] = []
    for block in document.iter_inner_content():
        if isinstance(block, Table):
            lines.extend(_rows(block))
            continue
        level = _heading_level(block)
        if level is None:
            lines.append(block.text)
            continue
        yield Part(None, " > ".join(path.values()), "\n\n".join(lines))
        path = {known: name for known, name in path.items() if known < level}
        path[level], lines = block.text.strip(), []
    yield Part(None, " > ".join(path.values()), "\n\n".join(lines))


def _heading_level(paragraph: Paragraph) -> int | None:
    style = paragraph.style
    match = (
        _HEADING.match(style.name or "") if style is not None and paragraph.text.strip() else None
    )
    return None if match is None else int(match[1] or 0)


def _rows(table: Table) -> Iterator[str]:
    for row in table.rows:
        # A merged cell is listed once for each column that it spans.
        cells = dict.fromkeys(cell._tc for cell in row.cells)
        yield " | ".join(_cell_text(cell, table) for cell in cells)


def _cell_text(cell: CT_Tc, table: Table) -> str:
    """The cell's paragraphs in reading order, those of tables within it too."""
    paragraphs = (Paragraph(element, table) for element in cell.iter(qn("w:p")))
    return " ".join(" ".join(paragraph.text.split()) for paragraph in paragraphs).strip()
