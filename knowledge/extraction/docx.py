"""DOCX through python-docx: paragraphs and tables in reading order, one part a heading."""

import io
import re
import zipfile
from collections.abc import Iterator

from docx import Document
from docx.opc.exceptions import OpcError
from docx.table import Table
from docx.text.paragraph import Paragraph
from lxml.etree import LxmlError

from knowledge.errors import DamagedFile, TooLarge
from knowledge.extraction import Part

MAX_MEMBERS = 5000
MAX_EXPANDED_BYTES = 200 * 1024 * 1024
_HEADING = re.compile(r"(?:Heading (\d)|Title)$")


def read(data: bytes) -> Iterator[Part]:
    """The text under each heading; a table's row is one line, its cells parted by " | "."""
    try:
        _check_archive(data)
        document = Document(io.BytesIO(data))
        blocks = list(document.iter_inner_content())
    except (OpcError, LxmlError, zipfile.BadZipFile, KeyError, ValueError) as error:
        raise DamagedFile("the DOCX can't be read") from error
    path: dict[int, str] = {}
    lines: list[str] = []
    for block in blocks:
        if isinstance(block, Table):
            lines.extend(_rows(block))
            continue
        level = _heading_level(block)
        if level is None:
            lines.append(block.text)
            continue
        yield Part(None, " > ".join(path.values()), "\n\n".join(lines))
        path = {known: name for known, name in path.items() if known < level}
        path[level], lines = block.text, []
    yield Part(None, " > ".join(path.values()), "\n\n".join(lines))


def _check_archive(data: bytes) -> None:
    """Refuse archives that would expand beyond bounds, and document type definitions."""
    archive = zipfile.ZipFile(io.BytesIO(data))
    members = archive.infolist()
    if len(members) > MAX_MEMBERS or sum(m.file_size for m in members) > MAX_EXPANDED_BYTES:
        raise TooLarge("the DOCX would expand to more than 200 MB or 5,000 members")
    for member in members:
        if member.filename.endswith((".xml", ".rels")):
            with archive.open(member) as file:
                if b"<!DOCTYPE" in file.read(4096):
                    raise DamagedFile("the DOCX holds a document type definition")


def _heading_level(paragraph: Paragraph) -> int | None:
    style = paragraph.style
    match = _HEADING.match(style.name or "") if style is not None and paragraph.text else None
    return None if match is None else int(match[1] or 0)


def _rows(table: Table) -> Iterator[str]:
    for row in table.rows:
        # A merged cell is listed once for each column that it spans.
        cells = dict.fromkeys(cell._tc for cell in row.cells)
        texts = (" ".join(text for text in cell.itertext() if text.strip()) for cell in cells)
        yield " | ".join(text.strip() for text in texts)
