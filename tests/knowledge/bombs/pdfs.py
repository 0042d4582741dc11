"""PDFs that go round in circles, claim too much, or grow while they are unpacked."""

import zlib
from collections.abc import Mapping

from tests.knowledge.bombs import Bombs

MEGABYTE = 1 << 20


def pdf(objects: Mapping[int, bytes], trailer: bytes = b"") -> bytes:
    """A file of these objects, of which 1 is the catalogue."""
    out, offsets = bytearray(b"%PDF-1.7\n"), {}
    for number, body in objects.items():
        offsets[number] = len(out)
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    start, size = len(out), max(objects) + 1
    out += b"xref\n0 %d\n0000000000 65535 f \n" % size
    for number in range(1, size):
        out += b"%010d 00000 %c \n" % (offsets.get(number, 0), b"nf"[number not in offsets])
    return bytes(
        out
        + b"trailer\n<< /Size %d /Root 1 0 R %b >>\nstartxref\n%d\n%%%%EOF" % (size, trailer, start)
    )


def stream(data: bytes, entries: bytes = b"", filters: bytes = b"") -> bytes:
    kept = b"/Filter [%b] " % filters if filters else b""
    return b"<< /Length %d %b%b >>\nstream\n%b\nendstream" % (len(data), kept, entries, data)


def page(
    content: bytes = b"<< /Length 0 >>\nstream\n\nendstream",
    entries: bytes = b"",
    resources: bytes = b"<< /Font << /F 5 0 R >> >>",
    more: Mapping[int, bytes] | None = None,
    box: bytes = b"0 0 600 800",
) -> bytes:
    """A file of one page, whose content is object 4."""
    return pdf(
        {
            1: b"<< /Type /Catalog /Pages 2 0 R >>",
            2: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            3: b"<< /Type /Page /Parent 2 0 R /MediaBox [%b] /Contents 4 0 R "
            b"/Resources %b %b >>" % (box, resources, entries),
            4: content,
            5: b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
            **(more or {}),
        }
    )


def tree(kids: bytes, count: bytes = b"1", more: Mapping[int, bytes] | None = None) -> bytes:
    """A file whose tree of pages begins so."""
    return pdf(
        {
            1: b"<< /Type /Catalog /Pages 2 0 R >>",
            2: b"<< /Type /Pages /Kids [%b] /Count %b >>" % (kids, count),
            **(more or {}),
        }
    )


def swollen(megabytes: int, rounds: int = 1, byte: bytes = b" ") -> bytes:
    """So many megabytes, packed so often."""
    packer, parts = zlib.compressobj(6), []
    for _ in range(megabytes):
        parts.append(packer.compress(byte * MEGABYTE))
    data = b"".join(parts) + packer.flush()
    for _ in range(rounds - 1):
        data = zlib.compress(data, 9)
    return data


def deep_tree(depth: int) -> bytes:
    nodes = {
        number: b"<< /Type /Pages /Kids [%d 0 R] /Count 1 >>" % (number + 1)
        for number in range(3, depth)
    }
    return tree(b"3 0 R", more={**nodes, depth: b"<< /Type /Page /MediaBox [0 0 9 9] >>"})


def forms(twice: int) -> bytes:
    """Each form draws the next one twice."""
    more = {
        number: stream(
            b"/X Do /X Do",
            b"/Type /XObject /Subtype /Form /BBox [0 0 9 9] "
            b"/Resources << /XObject << /X %d 0 R >> >>" % (number + 1),
        )
        for number in range(6, 6 + twice)
    }
    last = {6 + twice: stream(b"BT (boom) Tj ET", b"/Type /XObject /Subtype /Form /BBox [0 0 9 9]")}
    return page(stream(b"/X Do"), b"", b"<< /XObject << /X 6 0 R >> >>", {**more, **last})


def picture(width: int, height: int, packed: bytes, filters: bytes, more: bytes = b"") -> bytes:
    """A page that is one picture, which claims this size."""
    entries = (
        b"/Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceGray "
        b"/BitsPerComponent 8 %b" % (width, height, more)
    )
    return page(
        stream(b"600 0 0 800 0 0 cm /X Do"),
        resources=b"<< /XObject << /X 6 0 R >> >>",
        more={6: stream(packed, entries, filters)},
    )


def with_unicode(cmap: bytes) -> bytes:
    font = b"<< /Type /Font /Subtype /Type0 /BaseFont /A /Encoding /Identity-H /ToUnicode 6 0 R >>"
    text = stream(b"BT /F 9 Tf <00010002> Tj ET")
    return page(text, more={5: font, 6: stream(cmap)})


def with_streams_of_references(entries: bytes) -> bytes:
    """The table of objects is a stream that claims these entries."""
    head = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\n"
    table = stream(b"\0" * 64, b"/Type /XRef /Root 1 0 R %b" % entries)
    return head + b"2 0 obj\n%b\nendobj\nstartxref\n%d\n%%%%EOF" % (table, len(head))


def endless_before() -> bytes:
    """The table of objects says that itself came before."""
    whole = tree(b"")
    start = whole.rindex(b"startxref\n") + 10
    at = whole[start:].split(b"\n")[0]
    return whole.replace(b"/Root 1 0 R ", b"/Root 1 0 R /Prev %b" % at)


CMAP = b"begincmap\n1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n%b\nendcmap"
BOMBS: Bombs = {
    "pages that hold themselves": ("a.pdf", lambda: tree(b"2 0 R")),
    "pages that hold each other": (
        "a.pdf",
        lambda: tree(b"3 0 R", more={3: b"<< /Type /Pages /Kids [2 0 R] /Count 1 >>"}),
    ),
    "pages 5,000 deep": ("a.pdf", lambda: deep_tree(5000)),
    "a thousand million pages": (
        "a.pdf",
        lambda: tree(b"3 0 R", b"1000000000", {3: b"<< /Type /Page >>"}),
    ),
    "one page 100,000 times": (
        "a.pdf",
        lambda: tree(b"3 0 R " * 100_000, b"100000", {3: b"<< /Type /Page >>"}),
    ),
    "a page above which it stands itself": (
        "a.pdf",
        lambda: tree(b"3 0 R", more={3: b"<< /Type /Page /Parent 3 0 R >>"}),
    ),
    "an outline in a circle": (
        "a.pdf",
        lambda: pdf(
            {
                1: b"<< /Type /Catalog /Pages 2 0 R /Outlines 3 0 R >>",
                2: b"<< /Type /Pages /Kids [] /Count 0 >>",
                3: b"<< /First 4 0 R /Last 4 0 R /Count 1 >>",
                4: b"<< /Title (a) /Parent 3 0 R /Next 4 0 R /First 3 0 R >>",
            }
        ),
    ),
    "a page of 250 MB": ("a.pdf", lambda: page(stream(swollen(250), b"", b"/FlateDecode"))),
    "a page packed three times": (
        "a.pdf",
        lambda: page(stream(swollen(250, 3), b"", b"/FlateDecode " * 3)),
    ),
    "a page of 70 MB of text": (
        "a.pdf",
        lambda: page(
            stream(
                zlib.compress(b"BT /F 9 Tf " + b"(boom) Tj " * 7_000_000 + b"ET", 9),
                b"",
                b"/FlateDecode",
            )
        ),
    ),
    "a page in 500 filters": (
        "a.pdf",
        lambda: page(stream(b"00" * 1000 + b">", b"", b"/ASCIIHexDecode " * 500)),
    ),
    "runs of one byte": (
        "a.pdf",
        lambda: page(stream(b"\x81 " * 5_000_000 + b"\x80", b"", b"/RunLengthDecode")),
    ),
    "a length that is its own": (
        "a.pdf",
        lambda: page(b"<< /Length 4 0 R >>\nstream\nBT ET\nendstream"),
    ),
    "content a million times": (
        "a.pdf",
        lambda: page(b"[" + b"6 0 R " * 1_000_000 + b"]", more={6: stream(b"BT (boom) Tj ET")}),
    ),
    "a form that draws itself": (
        "a.pdf",
        lambda: page(
            stream(b"/X Do"),
            resources=b"<< /XObject << /X 6 0 R >> >>",
            more={
                6: stream(
                    b"/X Do",
                    b"/Type /XObject /Subtype /Form /BBox [0 0 9 9] "
                    b"/Resources << /XObject << /X 6 0 R >> >>",
                )
            },
        ),
    ),
    "forms that draw forms twice": ("a.pdf", lambda: forms(40)),
    "arrays 1,000,000 deep": (
        "a.pdf",
        lambda: page(entries=b"/A " + b"[" * 1_000_000 + b"]" * 1_000_000),
    ),
    "dictionaries 300,000 deep": (
        "a.pdf",
        lambda: page(entries=b"/A " + b"<< /A " * 300_000 + b">>" * 300_000),
    ),
    "saved states without end": ("a.pdf", lambda: page(stream(b"q " * 5_000_000))),
    "characters without end": (
        "a.pdf",
        lambda: with_unicode(CMAP % b"1 beginbfrange\n<00000000> <7FFFFFFF> <0041>\nendbfrange"),
    ),
    "a table of a thousand million objects": (
        "a.pdf",
        lambda: with_streams_of_references(b"/Size 1000000000 /Index [0 1000000000] /W [1 2 1]"),
    ),
    "entries of a thousand million bytes": (
        "a.pdf",
        lambda: with_streams_of_references(b"/Size 3 /Index [0 3] /W [1 1000000000 1]"),
    ),
    "a table that came before itself": ("a.pdf", endless_before),
    "a giant page": ("a.pdf", lambda: page(box=b"0 0 1000000000 1000000000")),
    "a page of no width": ("a.pdf", lambda: page(box=b"0 0 0.0000001 1000000000")),
    "a picture of 100,000 by 100,000": (
        "a.pdf",
        lambda: picture(100_000, 100_000, swollen(250, byte=b"a"), b"/FlateDecode"),
    ),
    "a fax of 2,000,000,000 columns": (
        "a.pdf",
        lambda: picture(
            60_000,
            60_000,
            b"\0" * 1000,
            b"/CCITTFaxDecode",
            b"/DecodeParms << /K -1 /Columns 2000000000 /Rows 2000000000 >>",
        ),
    ),
}
