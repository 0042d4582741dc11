"""A passage as searching returns it, and the text that stands for a chunk when it is embedded."""

import re
from dataclasses import dataclass
from pathlib import PurePath


@dataclass(frozen=True)
class Passage:
    """A hit, checked against the rows at the time of the search. Scores are comparable within
    one search only."""

    chunk_id: int
    document_id: str
    document: str
    version_id: int
    section_id: int
    space_id: int
    page: int | None
    heading: str
    start: int
    end: int
    text: str
    score: float


def title_of(name: str) -> str:
    """A file name in words: "hr_policies.md" is "hr policies"."""
    return re.sub(r"[_\-\s]+", " ", PurePath(name).stem).strip()


def text_to_embed(name: str, heading: str, text: str) -> str:
    """The chunk under its document and heading."""
    below = f" > {heading}" if heading else ""
    return f"{title_of(name)}{below}\n{text}"


def text_to_search(name: str, heading: str, text: str) -> str:
    """The words by which a chunk is found."""
    return f"{title_of(name)} {heading} {text}"
