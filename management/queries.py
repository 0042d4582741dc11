"""Read a file of questions in the benchmark's format."""

import json
from pathlib import Path
from typing import Any


def read_queries(path: Path) -> list[dict[str, Any]]:
    """One dictionary a line, each with at least "id" and "text".

    Raises OSError and, naming the line, json.JSONDecodeError or KeyError.
    """
    with path.open(encoding="utf-8") as file:
        rows = [json.loads(line) for line in file if line.strip()]
    for number, row in enumerate(rows, start=1):
        if not {"id", "text"} <= row.keys():
            raise KeyError(f"line {number} of {path} lacks an id or a text")
    return rows
