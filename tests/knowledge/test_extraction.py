"""Files become text in reading order; what can't be read is refused with a sentence."""

import io
import random
import unicodedata
import zipfile
from collections.abc import Callable

import pytest
from docx import Document
from fpdf import FPDF
from pypdf import PdfReader, PdfWriter

from knowledge.errors import (
    DamagedFile,
    EmptyFile,
    EncryptedFile,
    FileRefused,
    NoText,
    TooLarge,
    UnsupportedType,
)
from knowledge.extraction import Part, Progress, clean, extract, pieces, supported
from knowledge.extraction.text import decode
from tests.knowledge.office import zipped

GERMAN = "Die Größe der Bücher für Mitarbeiter beträgt fünf Stück. Änderungen sind möglich."
FRENCH = "Les congés payés sont déjà épuisés. Où est le café près de l'hôtel à Besançon?"
JAPANESE = "有給休暇は年に二十日です。社員は上司に申請してください。詳細は人事部まで。"
RUSSIAN = "Отпуск составляет двадцать восемь календарных дней. Заявление подаётся начальнику."

GREEK = "Ο εργαζόμενος δικαιούται είκοσι πέντε ημέρες άδειας. Η αίτηση υποβάλλεται νωρίς."
CZECH = "Zaměstnanec má nárok na dvacet pět dnů dovolené. Žádost se podává předem, jak je třeba."
POLISH = "Pracownik ma prawo do dwudziestu sześciu dni urlopu. Należy złożyć wniosek z datą."
HUNGARIAN = "A munkavállalónak huszonöt nap jár. A kérelmet két héttel előbb kell benyújtani; fűtő."
ROMANIAN = "Angajatul are dreptul la douăzeci de zile. Cererea trebuie făcută înainte, şi în scris."
TURKISH = "Çalışanın yirmi beş gün izin hakkı vardır. Başvuru iki hafta önce, İzmir'e yapılmalıdır."
WESTERN = [
    "Las vacaciones son de veintidós días; el señor Muñoz llegó mañana. ¿Dónde está? La 1ª vez.",
    "As férias são de vinte e dois dias. O funcionário não poderá acumular três períodos.",
    "Semestern är tjugofem dagar. Fråga chefen före resan. Å, ä och ö.",
    "Starfsmaður á rétt á tuttugu og fimm dögum. Það þarf að biðja um leyfi. Þökk, æ ý.",
    "Die Fläche beträgt 25 m², das sind 30 €/m² – für 5 m³ ½ Größe ±3 °C, § 5.",
    "Müller, García, Björk, Ångström, François, Søren, Muñoz, Conceição, Æsir",
]


def texts(name: str, data: bytes) -> list[tuple[int | None, str, str]]:
    return [(part.page, part.heading, part.text) for part in extract(name, data).parts]


def pdf(*pages: str) -> bytes:
    document = FPDF()
    document.set_font("Helvetica", size=12)
    for page in pages:
        document.add_page()
        document.multi_cell(0, 8, page)
    return bytes(document.output())


def encrypted(data: bytes, password: str, algorithm: str) -> bytes:
    writer, buffer = PdfWriter(PdfReader(io.BytesIO(data))), io.BytesIO()
    writer.encrypt(password, "owner", algorithm=algorithm)
    writer.write(buffer)
    return buffer.getvalue()


def docx(fill: Callable[[object], None] | None = None) -> bytes:
    document, buffer = Document(), io.BytesIO()
    if fill is None:
        document.add_paragraph("Twenty-five days of leave.")
    else:
        fill(document)
    document.save(buffer)
    return buffer.getvalue()


def repacked(data: bytes, **members: bytes) -> bytes:
    """A DOCX with word/NAME.xml or further members replaced."""
    source, buffer = zipfile.ZipFile(io.BytesIO(data)), io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            key = name.removeprefix("word/").removesuffix(".xml")
            target.writestr(name, members.pop(key, b"") or source.read(name))
        for name, content in members.items():
            target.writestr(f"word/{name}.xml", content)
    return buffer.getvalue()


def test_markdown_headings_nest_and_those_in_code_are_none() -> None:
    text = b"# A\n\none\n\n## B\n\ntwo\n\n```\n# no heading\n```\n\n# C\n\nthree\n"
    assert texts("a.md", text) == [
        (None, "A", "one"),
        (None, "A > B", "two\n\n```\n# no heading\n```"),
        (None, "C", "three"),
    ]


def test_headings_stand_where_they_are_behind_unusual_line_breaks() -> None:
    parts = texts("a.md", "one\x0ctwo\u2028three\n\n# A\n\nfour".encode())
    assert parts[-1] == (None, "A", "four")
    assert parts[0][2].split() == ["one", "two", "three"]


def test_text_headings_are_underlined_or_in_capitals() -> None:
    text = b"Guide\n=====\none\n\nOPENING HOURS\ntwo\n"
    assert texts("a.txt", text) == [
        (None, "Guide", "one"),
        (None, "Guide > OPENING HOURS", "two"),
    ]


@pytest.mark.parametrize("name", ["a.txt", "a.md"])
def test_headings_without_text_are_not_lost(name: str) -> None:
    text = b"# CALL ANNA\n\n# BRING KEYS\n" if name == "a.md" else b"CALL ANNA\nBRING KEYS\n"
    assert " ".join(part.text for part in extract(name, text).parts) == "CALL ANNA BRING KEYS"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [(text, encoding) for text in (GERMAN, FRENCH) for encoding in ("latin-1", "cp1252")]
    + [("“Fair” he said… £20 or €25, naïve.", "cp1252"), ("Café", "latin-1")]
    + [(JAPANESE, "shift_jis"), (RUSSIAN, "cp1251"), (GREEK, "cp1253"), (TURKISH, "cp1254")]
    + [
        (text, encoding)
        for text in (CZECH, POLISH, HUNGARIAN, ROMANIAN)
        for encoding in ("cp1250", "iso8859-2")
    ]
    + [("Contact: Jiří Novák, Plzeň. The office opens at nine.", "cp1250")]
    + [(text, "cp1252") for text in WESTERN]
    + [
        (text, encoding)
        for text in ("Plain text.", GERMAN, RUSSIAN)
        for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32")
    ]
    + [(JAPANESE, "utf-8"), (JAPANESE, "utf-16")],
)
def test_text_is_read_in_its_encoding(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding)) == text


def test_control_characters_go_and_words_stay_apart() -> None:
    assert clean("a\x00b\x07 c\r\nd\re\x0cf\x0bg\ud800h") == "ab c\nd\ne\nf\ngh"


def test_masses_of_marks_on_one_letter_are_cut_off_in_no_time() -> None:
    """To order them all would take the square of their number: days."""
    assert clean("e\u0301\u0323" + "\u0301\u0323" * 200_000 + " f")[-2:] == " f"
    assert len(clean("\u0f73" * 200_000)) <= 60  # each stands for two marks
    few = "\u1eb9\u0301" + "\u0301\u0323" * 10 + "\u2014" * 50
    assert clean(few) == unicodedata.normalize("NFC", few)
    assert extract("a.txt", b"nul\x00 and bell\x07").parts[0].text == "nul and bell"


def test_pdf_pages_keep_their_numbers() -> None:
    parts = extract("a.pdf", pdf("First page.", "", "Third page.")).parts
    assert [(part.page, part.text.strip()) for part in parts] == [
        (1, "First page."),
        (3, "Third page."),
    ]


def test_a_pdf_tells_how_far_it_is_before_and_after_each_page() -> None:
    told = list(pieces("pdf", pdf("First page.", "Second page.", "Third page.")))
    progress = [Progress(0, 3), Progress(1, 3), Progress(2, 3), Progress(3, 3)]
    assert [piece for piece in told if isinstance(piece, Progress)] == progress
    third = next(piece for piece in told if isinstance(piece, Part) and piece.page == 3)
    assert told.index(Progress(2, 3)) < told.index(third) < told.index(Progress(3, 3))


@pytest.mark.parametrize("algorithm", ["RC4-128", "AES-128", "AES-256"])
def test_a_pdf_under_a_password_is_refused_but_not_one_under_an_empty_one(algorithm: str) -> None:
    with pytest.raises(EncryptedFile, match="password"):
        extract("a.pdf", encrypted(pdf("Secret."), "password", algorithm))
    assert "Open." in extract("a.pdf", encrypted(pdf("Open."), "", algorithm)).parts[0].text


def test_docx_keeps_headings_and_tables_in_reading_order() -> None:
    def fill(document: object) -> None:
        document.add_heading("Leave", 1)  # type: ignore[attr-defined]
        document.add_paragraph("Before.")  # type: ignore[attr-defined]
        table = document.add_table(2, 2)  # type: ignore[attr-defined]
        for number, cell in enumerate(c for row in table.rows for c in row.cells):
            cell.text = f"c{number}"
        document.add_paragraph("After.")  # type: ignore[attr-defined]
        document.add_heading("Sick days", 2)  # type: ignore[attr-defined]
        document.add_paragraph("Five.")  # type: ignore[attr-defined]

    assert texts("a.docx", docx(fill)) == [
        (None, "Leave", "Before.\n\nc0 | c1\n\nc2 | c3\n\nAfter."),
        (None, "Leave > Sick days", "Five."),
    ]


def test_docx_cells_merged_nested_and_in_several_runs_are_read_once() -> None:
    def fill(document: object) -> None:
        table = document.add_table(2, 2)  # type: ignore[attr-defined]
        table.cell(0, 0).merge(table.cell(0, 1)).text = "Wide"
        paragraph = table.cell(1, 0).paragraphs[0]
        paragraph.add_run("Hel")
        paragraph.add_run("lo").bold = True
        table.cell(1, 1).add_table(1, 1).cell(0, 0).text = "Inner"

    assert texts("a.docx", docx(fill)) == [(None, "", "Wide\n\nHello | Inner")]


GARBAGE = random.Random(1).randbytes(5000)
DTD = b'<?xml version="1.0"?>' + b" " * 5000 + b'<!DOCTYPE d [<!ENTITY a "x">]><d>&a;</d>'


PROGRAM = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\0>\0" * 40
REFUSED: list[tuple[str, bytes, type[FileRefused]]] = [
    ("a.txt", b"", EmptyFile),
    ("a.txt", b" \n\t\n", NoText),
    ("a.txt", GARBAGE, DamagedFile),
    ("a.exe", b"MZ", UnsupportedType),
    ("noname", b"text", UnsupportedType),
    ("../../etc/passwd", b"text", UnsupportedType),
    ("a.pdf", GARBAGE, DamagedFile),
    ("a.pdf", b"%PDF-1.7\n" + GARBAGE, DamagedFile),
    ("a.pdf", pdf("Words.")[:300], DamagedFile),
    ("a.pdf", pdf(""), NoText),
    ("a.docx", GARBAGE, DamagedFile),
    ("a.docx", b"PK\x03\x04" + GARBAGE, DamagedFile),
    ("a.docx", docx()[:-200], DamagedFile),
    ("a.docx", zipped(readme=b"no document"), UnsupportedType),
    ("a.docx", repacked(docx(), document=DTD), DamagedFile),
    ("a.docx", repacked(docx(), document=DTD.decode().encode("utf-16")), DamagedFile),
    ("a.docx", repacked(docx(), bomb=bytes(60_000_000)), TooLarge),
    ("a.docx", zipped(**{"word/document.xml": b"<w/>"}), DamagedFile),
    ("a.txt", b"a" * 26 * 2**20, TooLarge),
    ("a.txt", b"\x7fELF", DamagedFile),
    ("a.md", PROGRAM, DamagedFile),  # every other byte is small, as in UTF-16
    ("a.csv", PROGRAM, DamagedFile),
]


@pytest.mark.parametrize("case", range(len(REFUSED)))
def test_what_cannot_be_read_is_refused_with_a_sentence(case: int) -> None:
    name, data, error = REFUSED[case]
    with pytest.raises(error) as refusal:
        extract(name, data)
    assert str(refusal.value).startswith((error.__doc__ or "").rstrip("."))


def test_a_pdf_without_pages_is_refused() -> None:
    buffer = io.BytesIO()
    PdfWriter().write(buffer)
    with pytest.raises(FileRefused):
        extract("a.pdf", buffer.getvalue())


def test_the_type_follows_from_the_content() -> None:
    assert extract("notes.txt", pdf("Inside.")).parts[0].page == 1
    assert extract("notes.pdf.md", b"A file begins with %PDF-1.7 then.").parts[0].page is None


@pytest.mark.parametrize("name", ["/etc/a.txt", "..\\..\\A.TXT", "C:\\x\\a.md", "./a.docx"])
def test_a_name_with_path_parts_is_known_by_its_end(name: str) -> None:
    assert supported(name)
