"""Read a file of questions in the benchmark's format."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def read_queries(path: Path) -> list[dict[str, Any]]:
    """One dictionary a line, each with at least "id" and "text". Raises as `read_rows` does."""
    return list(read_rows(path))


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """The file's lines, which are JSON objects with at least "id" and "text".

    Raises OSError, and ValueError with a sentence that names the line.
    """
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise ValueError(f"line {number} of {path} is not JSON: {error}") from None
        if not isinstance(row, dict) or not isinstance(row.get("text"), str) or "id" not in row:
            raise ValueError(f"line {number} of {path} lacks an id or a text")
        yield row
