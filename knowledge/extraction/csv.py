"""CSV through the standard library, whatever parts the columns."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator

from knowledge.errors import TooLarge
from knowledge.extraction import Part
from knowledge.extraction.tables import parts
from knowledge.extraction.text import decode

DELIMITERS = ",;\t|"
# What tells the delimiter: lines and characters from the beginning.
SAMPLE_LINES = 20
SAMPLE = 20_000
# Excel's way of naming the delimiter.
_NAMED = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)


def read(data: bytes) -> Iterator[Part]:
    """Each row a paragraph that names its columns."""
    text = decode(data)
    if named := _NAMED.match(text):
        delimiter, text = named[1], text[named.end() :]
    else:
        delimiter = _delimiter(text[:SAMPLE])
    try:
        yield from parts("", csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise TooLarge(f"a cell of more than {csv.field_size_limit():,} characters") from error


def _delimiter(sample: str) -> str:
    """The one that cuts most of the first lines into as many cells, and into the most."""

    def regularity(delimiter: str) -> tuple[int, int]:
        lines = sample.splitlines()[:SAMPLE_LINES]
        widths = Counter(len(row) for row in csv.reader(lines, delimiter=delimiter))
        return max(((count, width) for width, count in widths.items() if width > 1), default=(0, 0))

    return max(DELIMITERS, key=regularity)
