"""CSV and XLSX: every row can be understood alone."""

import time
from datetime import date, datetime
from typing import Any

import pytest

from knowledge.errors import DamagedFile, NoText, TooLarge
from knowledge.extraction import extract
from tests.knowledge.office import member, repacked, xlsx

SHEET = "xl/worksheets/sheet1.xml"
ROWS = '<row r="1"><c r="A1"><v>1</v></c></row>'


def rows(name: str, data: bytes) -> list[str]:
    return [row for part in extract(name, data).parts for row in part.text.split("\n\n")]


def sheet(inside: str, dimension: str = "A1:B2") -> bytes:
    """A workbook whose sheet was written by hand."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    text = (
        f'<worksheet xmlns="{main}"><dimension ref="{dimension}"/>'
        f"<sheetData>{inside}</sheetData></worksheet>"
    )
    return repacked(xlsx(), {SHEET: text.encode()})


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_a_row_names_its_columns_whatever_parts_them(delimiter: str, line_end: str) -> None:
    table = line_end.join(
        delimiter.join(row) for row in (["Name", "City"], ["Anna", "Bonn, Rhein"])
    )
    quoted = table.replace("Bonn, Rhein", '"Bonn, Rhein"')
    assert rows("a.csv", quoted.encode()) == ["Name: Anna | City: Bonn, Rhein"]


def test_the_delimiter_that_a_file_names_counts() -> None:
    assert rows("a.csv", b"sep=;\r\nName;City, Land\r\nAnna;Bonn\r\n") == [
        "Name: Anna | City, Land: Bonn"
    ]


def test_a_csv_is_read_in_its_encoding_and_cells_are_one_line() -> None:
    table = 'Name,Größe\nJosé,"eins\nzwei"\n'
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "cp1252"):
        assert rows("a.csv", table.encode(encoding)) == ["Name: José | Größe: eins zwei"]


def test_titles_above_the_header_and_gaps_below_it_are_no_columns() -> None:
    table = b"Staff 2026,,\n,,\nName,City,Age\nAnna,,31\n\nBen,Paris,\n"
    assert rows("a.csv", table) == ["Staff 2026", "Name: Anna | Age: 31", "Name: Ben | City: Paris"]


def test_a_title_of_two_cells_names_no_columns_of_a_wide_table() -> None:
    table = b"Report,Draft\nName,City,Team,Role,Desk\nAnna,Bonn,Red,Lead,Left\n"
    named = "Name: Anna | City: Bonn | Team: Red | Role: Lead | Desk: Left"
    assert rows("a.csv", table) == ["Report | Draft", named]


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (b"1,2\n3,4\n", ["1 | 2", "3 | 4"]),
        (b"Anna,Bonn\n", ["Anna | Bonn"]),
        (b"Anna\nBen\n", ["Anna", "Ben"]),
        (b"2026-01-01,Start\n2026-02-01,End\n", ["2026-01-01 | Start", "2026-02-01 | End"]),
        (b"Yes,Yes\nNo,Yes\n", ["Yes | Yes", "No | Yes"]),
    ],
)
def test_rows_that_name_no_columns_are_no_header(table: bytes, expected: list[str]) -> None:
    assert rows("a.csv", table) == expected


def test_more_cells_than_names_are_kept() -> None:
    assert rows("a.csv", b"Name,City\nAnna,Bonn,late\nBen\n") == [
        "Name: Anna | City: Bonn | late",
        "Name: Ben",
    ]


def test_a_long_table_is_cut_into_parts_that_name_their_columns() -> None:
    table = "Name,City\n" + "".join(f"N{number},Bonn\n" for number in range(1000))
    parts = extract("a.csv", table.encode()).parts
    assert len(parts) == 5
    assert parts[4].text.startswith("Name: N800 | City: Bonn\n\nName: N801")


def test_nul_characters_in_a_csv_are_left_out() -> None:
    assert rows("a.csv", b"Na\0me,City\nAn\0na,Bonn\n") == ["Name: Anna | City: Bonn"]


@pytest.mark.parametrize(
    "table", [b"x" * 20_000_000, b"a,b\n" + b'"' + b"x\n" * 10_000_000], ids=["line", "quote"]
)
def test_an_endless_cell_is_refused(table: bytes) -> None:
    with pytest.raises(TooLarge, match="131,072"):
        extract("a.csv", table)


def test_a_table_that_grows_by_its_names_stays_within_the_limit_on_text() -> None:
    table = b"A name of a column that is long enough,B\n" + b"1,2\n" * 200_000
    began = time.monotonic()
    with pytest.raises(TooLarge, match="5,000,000 characters"):
        extract("a.csv", table)
    assert time.monotonic() - began < 20


def test_a_sheet_is_a_heading_and_its_values_are_read() -> None:
    def fill(book: Any) -> None:
        book.active.title = "Staff"
        book.active.append(["Name", "Since", "Share", "Seen", "Active"])
        book.active.append(["Anna", date(2020, 5, 1), 0.1 + 0.2, datetime(2026, 1, 2, 3, 4), True])
        book.active.append(["Ben", None, 3.0, None, False])
        second = book.create_sheet("Costs")
        second["C3"], second["D3"], second["C4"], second["D4"] = "Item", "Euro", "Desk", 300

    assert [
        (part.page, part.heading, part.text) for part in extract("a.xlsx", xlsx(fill)).parts
    ] == [
        (
            None,
            "Staff",
            "Name: Anna | Since: 2020-05-01 | Share: 0.3 | Seen: 2026-01-02 03:04:00 | Active: TRUE"
            "\n\nName: Ben | Share: 3 | Active: FALSE",
        ),
        (None, "Costs", "Item: Desk | Euro: 300"),
    ]


def test_the_value_of_a_formula_is_read_and_never_the_formula() -> None:
    cells = '<c r="A1"><f>SUM(B1:B9)</f><v>42</v></c><c r="B1"><f>A1+1</f></c>'
    assert rows("a.xlsx", sheet(f'<row r="1">{cells}</row>')) == ["42"]


def test_hidden_sheets_are_left_out() -> None:
    def fill(book: Any) -> None:
        book.active.append(["seen"])
        hidden = book.create_sheet("Salaries")
        hidden.append(["secret"])
        hidden.sheet_state = "hidden"

    assert rows("a.xlsx", xlsx(fill)) == ["seen"]


def test_what_a_sheet_claims_to_measure_is_not_believed() -> None:
    began = time.monotonic()
    assert rows("a.xlsx", sheet(ROWS, "A1:XFD1048576")) == ["1"]
    assert time.monotonic() - began < 1


@pytest.mark.parametrize(
    "inside",
    [
        ROWS + '<row r="99999999999"><c r="A99999999999"><v>1</v></c></row>',
        "".join(f'<row r="{n}"><c r="XFD{n}"><v>1</v></c></row>' for n in range(1, 200)),
    ],
    ids=["rows", "cells"],
)
def test_a_sheet_beyond_bounds_is_refused(inside: str) -> None:
    with pytest.raises(TooLarge, match="2,000,000 cells"):
        extract("a.xlsx", sheet(inside))


@pytest.mark.parametrize(
    "inside",
    [
        '<row r="x"><c r="A1"><v>1</v></c></row>',
        '<row r="1"><c r="ZZZZZZ1"><v>1</v></c></row>',
        '<row r="1"><c r="A1" t="s"><v>77</v></c></row>',
        '<row r="1"><c r="A1"><v>1</v>',
    ],
)
def test_a_sheet_that_is_damaged_is_refused(inside: str) -> None:
    with pytest.raises(DamagedFile):
        extract("a.xlsx", sheet(inside))


def test_a_workbook_without_values_holds_no_text() -> None:
    with pytest.raises(NoText):
        extract("a.xlsx", xlsx(lambda book: None))


def test_entities_cannot_blow_up_a_sheet_under_another_name() -> None:
    """Parts are found by their type, so the check of the archive's members may pass one over."""
    workbook = xlsx()
    declared = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<!DOCTYPE x [<!ENTITY e0 "lol">{declared}]><worksheet>&e9;</worksheet>'
    links = member(workbook, "xl/_rels/workbook.xml.rels").replace(b"sheet1.xml", b"sheet1.dat")
    changed = {"xl/worksheets/sheet1.dat": bomb.encode(), "xl/_rels/workbook.xml.rels": links}
    began = time.monotonic()
    with pytest.raises((DamagedFile, NoText)):
        extract("a.xlsx", repacked(workbook, changed))
    assert time.monotonic() - began < 5


def test_what_openpyxl_leaves_out_is_no_warning() -> None:
    extension = b'<extLst><ext uri="{CCE6A557-97BC-4b89-ADB6-D9C93CAAB3DF}"/></extLst></worksheet>'
    content = member(xlsx(), SHEET).replace(b"</worksheet>", extension)
    assert rows("a.xlsx", repacked(xlsx(), {SHEET: content})) == ["Name: Anna | City: Bonn"]
