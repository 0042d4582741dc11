"""Office files that grow while they are unpacked, claim too much, or define entities."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from functools import partial
from itertools import product

from tests.knowledge.bombs import SECRET, Bombs
from tests.knowledge.office import docx, member, pptx, repacked, xlsx

OFFICE = {
    "docx": (docx, "word/document.xml"),
    "pptx": (pptx, "ppt/slides/slide1.xml"),
    "xlsx": (xlsx, "xl/worksheets/sheet1.xml"),
}
# What is put into each kind's text, to be repeated or replaced.
PLACE = {"docx": b"Twenty-five", "pptx": b"Twenty-five", "xlsx": b"Bonn"}


def changed(kind: str, change: Callable[[bytes], bytes]) -> bytes:
    """A small file of this kind, its main part changed."""
    make, name = OFFICE[kind]
    data = make()
    return repacked(data, {name: change(member(data, name))})


def grown(kind: str) -> bytes:
    """150 MB where text stands; packed, hardly anything."""
    return changed(kind, lambda xml: xml.replace(b">", b">" + b" " * 150_000_000, 1))


def overlapping(kind: str) -> bytes:
    """Each of 4,000 entries is the same 200 kB within the archive."""
    make, _ = OFFICE[kind]
    data = repacked(make(), {"bomb.xml": b" " * 200_000})
    end = data.rindex(b"PK\x05\x06")
    start = struct.unpack("<L", data[end + 16 : end + 20])[0]
    entry = data[data.rindex(b"PK\x01\x02", 0, end) : end]
    again = b"".join(entry.replace(b"bomb.xml", b"%04d.xml" % n) for n in range(4000))
    count = struct.unpack("<H", data[end + 10 : end + 12])[0] + 4000
    size = end - start + len(again)
    record = data[end : end + 8] + struct.pack("<HHLLH", count, count, size, start, 0)
    return data[:end] + again + record


def lying(kind: str) -> bytes:
    """Its largest part says that it is ten bytes long."""
    make, name = OFFICE[kind]
    data = bytearray(repacked(make(), {name: b" " * 100_000_000}))
    for signature, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        found = -1
        while (found := data.find(signature, found + 1)) >= 0:
            if data[found + at : found + at + 4] == struct.pack("<L", 100_000_000):
                data[found + at : found + at + 4] = struct.pack("<L", 10)
    return bytes(data)


def crowded(kind: str, entries: int) -> bytes:
    buffer = io.BytesIO(OFFICE[kind][0]())
    with zipfile.ZipFile(buffer, "a") as archive:
        for number in range(entries):
            archive.writestr(zipfile.ZipInfo(f"{number:x}"), b"")
    return buffer.getvalue()


def nested() -> bytes:
    """Archives in archives, the innermost of 200 MB."""
    data = zlib.compress(b" " * 200_000_000)
    for level in range(6):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for number in range(4):
                archive.writestr(f"{level}-{number}.zip", data)
        data = buffer.getvalue()
    return repacked(docx(), {"word/embeddings/inner.zip": data})


def defined(kind: str, definition: bytes, encoding: str = "utf-8") -> bytes:
    """The main part with a document type, whose entity `e` stands in the text."""

    def change(xml: bytes) -> bytes:
        rest = xml.partition(b"?>")[2].replace(PLACE[kind], b"&e;")
        text = f'<?xml version="1.0" encoding="{encoding}"?>'.encode() + definition + rest.lstrip()
        return text.decode().encode(encoding)

    return changed(kind, change)


def with_entity(kind: str, definition: Callable[[], bytes]) -> bytes:
    return defined(kind, definition())


def laughing() -> bytes:
    lines = b"".join(
        b'<!ENTITY %s "%s">' % (b"e" * (n or 1), (b"&" + b"e" * (n + 1) + b";") * 10)
        for n in range(1, 10)
    )
    return b"<!DOCTYPE d [" + lines + b'<!ENTITY eeeeeeeeee "boom">]>'


def quadratic() -> bytes:
    return b'<!DOCTYPE d [<!ENTITY e "' + b"boom" * 50_000 + b'">]>'


def outside(url: str = SECRET.as_uri()) -> bytes:
    return b'<!DOCTYPE d [<!ENTITY e SYSTEM "%s">]>' % url.encode()


def hidden_part() -> bytes:
    """The text lies in a part whose name doesn't say that it is XML."""
    data = docx()
    text = member(data, "word/document.xml").partition(b"?>")[2].replace(b"Twenty-five", b"&e;")
    links = member(data, "_rels/.rels").replace(b"word/document.xml", b"word/document.bin")
    kinds = member(data, "[Content_Types].xml").replace(
        b"/word/document.xml", b"/word/document.bin"
    )
    return repacked(
        data,
        {
            "word/document.bin": laughing() + text.lstrip(),
            "_rels/.rels": links,
            "[Content_Types].xml": kinds,
        },
    )


def sheet(rows: bytes) -> bytes:
    return changed(
        "xlsx",
        lambda xml: (
            xml[: xml.index(b"<sheetData>")]
            + b"<sheetData>"
            + rows
            + b"</sheetData>"
            + xml[xml.index(b"</sheetData>") + 12 :]
        ),
    )


def shared_string() -> bytes:
    """One long string, in each of 400,000 cells."""
    cells = b'<c t="s"><v>0</v></c>' * 400
    data = sheet(b"".join(b"<row>" + cells + b"</row>" for _ in range(1000)))
    namespace = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    strings = b"<sst xmlns='%b'><si><t>%b</t></si></sst>" % (namespace, b"x" * 30_000)
    kind = b"application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    named = b"<Override PartName='/xl/sharedStrings.xml' ContentType='%b'/></Types>" % kind
    kinds = member(data, "[Content_Types].xml").replace(b"</Types>", named)
    return repacked(
        data,
        {"xl/sharedStrings.xml": strings, "[Content_Types].xml": kinds},
    )


def in_word(inside: bytes) -> bytes:
    return changed("docx", lambda xml: xml.replace(b"<w:body>", b"<w:body>" + inside, 1))


def deep_table(depth: int) -> bytes:
    begin, end = b"<w:tbl><w:tr><w:tc>", b"<w:p/></w:tc></w:tr></w:tbl>"
    return in_word(begin * depth + end * depth)


def wide_cell() -> bytes:
    wide = b'<w:tcPr><w:gridSpan w:val="2000000000"/></w:tcPr>'
    return in_word(b"<w:tbl><w:tr><w:tc>" + wide + b"<w:p/></w:tc></w:tr></w:tbl><w:p/>")


def deep_groups(depth: int) -> bytes:
    head = (
        b'<p:nvGrpSpPr><p:cNvPr id="9" name="g"/><p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr><p:grpSpPr/>'
    )
    inside = (b"<p:grpSp>" + head) * depth + b"</p:grpSp>" * depth
    return changed("pptx", lambda xml: xml.replace(b"</p:spTree>", inside + b"</p:spTree>"))


def many_slides() -> bytes:
    data = pptx()
    xml = member(data, "ppt/presentation.xml")
    one = xml[xml.index(b"<p:sldId ") : xml.index(b"</p:sldIdLst>")]
    return repacked(data, {"ppt/presentation.xml": xml.replace(one, one * 200_000)})


KINDS = ("docx", "pptx", "xlsx")
DEFINED = {
    "a laugh": laughing,
    "a long entity 1,000 times": quadratic,
    "a file": outside,
    "an address": lambda: outside("http://127.0.0.1:9/"),
}
BOMBS: Bombs = {
    **{f"{kind} of 150 MB": (f"a.{kind}", partial(grown, kind)) for kind in KINDS},
    **{f"{kind} that overlaps": (f"a.{kind}", partial(overlapping, kind)) for kind in KINDS},
    **{f"{kind} that lies": (f"a.{kind}", partial(lying, kind)) for kind in KINDS},
    **{
        f"{kind} with {name}": (f"a.{kind}", partial(with_entity, kind, define))
        for kind, (name, define) in product(KINDS, DEFINED.items())
    },
    "half as many entries as bytes": ("a.docx", partial(crowded, "docx", 200_000)),
    "archives in archives": ("a.docx", nested),
    "an entity in UTF-16": ("a.docx", lambda: defined("docx", outside(), "utf-16")),
    "an entity in EBCDIC": ("a.docx", lambda: defined("docx", laughing(), "cp037")),
    "an entity in a part of another name": ("a.docx", hidden_part),
    "a cell at the end of the world": (
        "a.xlsx",
        lambda: sheet(b'<row r="2000000000"><c r="XFD2000000000"><v>1</v></c></row>' * 2000),
    ),
    "a long string in 400,000 cells": ("a.xlsx", shared_string),
    "tables 50,000 deep": ("a.docx", partial(deep_table, 50_000)),
    "a cell of 2,000,000,000 columns": ("a.docx", wide_cell),
    "groups 50,000 deep": ("a.pptx", partial(deep_groups, 50_000)),
    "a slide 200,000 times": ("a.pptx", many_slides),
}
