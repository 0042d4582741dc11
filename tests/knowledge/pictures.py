"""Pictures drawn for tests: a page of text, a chart, and PDFs that hold only pictures."""

import io
import textwrap
import zlib
from typing import Any

from fpdf import FPDF
from PIL import Image, ImageDraw, ImageFont

WORDS = (
    "The travel budget of every team is reviewed in March and in September. Whoever needs a "
    "ticket asks the office in Lisbon two weeks ahead, and sends the receipts within ten days."
)


def page(words: str = WORDS, size: tuple[int, int] = (1000, 220), points: int = 28) -> Image.Image:
    """Black words on white, over the whole page."""
    image = Image.new("RGB", size, "white")
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(points)
    lines = textwrap.wrap(words, (size[0] - 80) * 2 // points)
    for number, line in enumerate(lines):
        draw.text((40, 40 + number * points * 1.6), line, font=font, fill="black")
    return image


def chart() -> Image.Image:
    """Bars of which hardly anything is said in words."""
    image = Image.new("RGB", (1200, 900), "white")
    draw = ImageDraw.Draw(image)
    for number, height in enumerate((300, 450, 620, 780)):
        left = 120 + number * 260
        draw.rectangle((left, 860 - height, left + 160, 860), fill="steelblue")
    draw.text((500, 30), "Revenue", font=ImageFont.load_default(26), fill="black")
    return image


def saved(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def scan(*pages: Image.Image | str) -> bytes:
    """A PDF whose pages are pictures, or text where they are words."""
    document = FPDF()
    document.set_font("Helvetica", size=12)
    for one in pages:
        document.add_page()
        if isinstance(one, str):
            document.multi_cell(0, 8, one)
        else:
            document.image(one, 0, 0, document.epw, document.eph, keep_aspect_ratio=True)
    return bytes(document.output())


def stamped(content: bytes) -> bytes:
    """A PDF of a blank page with a stamp on it, drawn by this content, which is compressed."""
    packed = zlib.compress(content)
    form = f"<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Filter/FlateDecode/Length {len(packed)}>>"
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Resources<<>>/Annots[4 0 R]>>",
        b"<</Type/Annot/Subtype/Stamp/Rect[0 0 9 9]/F 4/AP<</N 5 0 R>>>>",
        form.encode() + b"stream\n" + packed + b"\nendstream",
    ]
    file, places = b"%PDF-1.4\n", []
    for number, one in enumerate(objects, start=1):
        places.append(b"%010d 00000 n \n" % len(file))
        file += b"%d 0 obj\n%b\nendobj\n" % (number, one)
    table = b"xref\n0 6\n0000000000 65535 f \n" + b"".join(places)
    end = b"trailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % len(file)
    return file + table + end
