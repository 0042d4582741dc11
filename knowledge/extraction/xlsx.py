"""XLSX through openpyxl: a sheet is a heading, its rows are read as those of CSV."""

import io
import warnings
from collections.abc import Iterator
from datetime import datetime, time

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet._read_only import ReadOnlyWorksheet

from knowledge.errors import DamagedFile, TooLarge
from knowledge.extraction import Part, archive
from knowledge.extraction.tables import Row, parts

# What Excel itself can have; a row's number may claim any.
MAX_ROWS = 1_048_576
MAX_CELLS = 2_000_000
FAULTS = (*archive.OFFICE_FAULTS, InvalidFileException)


def read(data: bytes) -> Iterator[Part]:
    """The values (never formulas) of each sheet that is not hidden."""
    try:
        archive.check(data, "XLSX")
        with warnings.catch_warnings():
            # Of what it leaves out, such as the rules for cells.
            warnings.simplefilter("ignore", UserWarning)
            book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
            for sheet in book.worksheets:
                if sheet.sheet_state == "visible":
                    yield from parts(sheet.title, _rows(sheet))
    except FAULTS as error:
        raise DamagedFile("the XLSX can't be read; open it, save it anew and add that") from error


def _rows(sheet: ReadOnlyWorksheet) -> Iterator[Row]:
    # What a sheet claims to measure is not to be relied on: as many blank rows would be made.
    sheet.reset_dimensions()
    cells = 0
    for number, row in enumerate(sheet.iter_rows(values_only=True), start=1):
        cells += len(row)
        if number > MAX_ROWS or cells > MAX_CELLS:
            limit = f"{MAX_ROWS:,} rows or {MAX_CELLS:,} cells"
            raise TooLarge(f"the sheet {sheet.title} has more than {limit}")
        yield [_text(value) for value in row]


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).upper()
        case float():
            return f"{value:.15g}"
        case datetime() if value.time() == time():
            return value.date().isoformat()
        case _:
            return str(value)
