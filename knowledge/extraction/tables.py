"""Rows as lines that can be understood alone: each value under its column's name."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice, zip_longest

from knowledge.extraction import Part

Row = Sequence[str]
# The names of the columns stand in one of so many rows.
OPENING = 10
LONGEST_NAME = 60
ROWS_A_PART = 200
_NUMBER = re.compile(r"[\W\d_]+$")


def parts(heading: str, rows: Iterable[Row]) -> Iterator[Part]:
    """The rows as paragraphs like "Name: Anna | City: Bonn", some hundred to a part."""
    lines = _lines(rows)
    while batch := list(islice(lines, ROWS_A_PART)):
        yield Part(None, heading, "\n\n".join(batch))


def _lines(rows: Iterable[Row]) -> Iterator[str]:
    filled = (cells for row in rows if any(cells := [" ".join(cell.split()) for cell in row]))
    opening = list(islice(filled, OPENING))
    at = _header(opening)
    names = [] if at is None else opening[at]
    # What stands above the names belongs to no column.
    for title in opening[:at] if at is not None else []:
        yield " | ".join(filter(None, title))
    for row in chain(opening if at is None else opening[at + 1 :], filled):
        yield _line(names, row)


def _header(opening: list[list[str]]) -> int | None:
    """The first of these rows that names columns: words only, each once, over most columns, with
    a row beneath."""
    widest = max((_width(row) for row in opening), default=0)
    for number, row in enumerate(opening[:-1]):
        names = [cell for cell in row if cell]
        if (
            len(names) >= max(2, widest / 2)
            and len(set(names)) == len(names)
            and not any(_NUMBER.match(name) or len(name) > LONGEST_NAME for name in names)
        ):
            return number
    return None


def _width(row: list[str]) -> int:
    return sum(map(bool, row))


def _line(names: Row, row: Row) -> str:
    cells = zip_longest(names[: len(row)], row, fillvalue="")
    return " | ".join(f"{name}: {value}" if name else value for name, value in cells if value)
