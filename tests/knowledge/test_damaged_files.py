"""Damaged files of every format are read or refused, and nothing else happens."""

import io
import random
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from knowledge.errors import FileRefused
from knowledge.extraction import extract
from tests.knowledge.office import docx, pptx, repacked, xlsx
from tests.knowledge.pictures import page, saved, scan

Damage = Callable[[bytes, random.Random], bytes]


def damaged(data: bytes, chance: random.Random) -> bytes:
    """The file cut off, or with some bytes changed."""
    if chance.random() < 0.3:
        return data[: chance.randrange(len(data))]
    changed = bytearray(data)
    for _ in range(chance.choice([1, 3, 30, 300])):
        changed[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(changed)


def damaged_inside(data: bytes, chance: random.Random) -> bytes:
    """An archive that is sound, with one of its parts damaged."""
    archive = zipfile.ZipFile(io.BytesIO(data))
    name = chance.choice([n for n in archive.namelist() if n.endswith((".xml", ".rels"))])
    return repacked(data, {name: damaged(archive.read(name), chance) or b"x"})


@cache
def cases() -> list[tuple[str, bytes, Damage]]:
    small = page(size=(300, 120), points=12)
    merged = docx(lambda d: d.add_table(2, 2).cell(0, 0).merge(d.tables[0].cell(1, 1)))
    office = [("a.docx", merged), ("a.pptx", pptx()), ("a.xlsx", xlsx())]
    html = b"<title>A</title><h1>B</h1><p>c<table><tr><td>d<td>e</table><pre>f</pre>" * 5
    others = [
        ("a.pdf", scan("One.", small)),
        ("a.html", html),
        ("a.csv", b'Name;"City"\nAnna;"Bo\nnn"\n' * 20),
        ("a.png", saved(small)),
        ("a.png", saved(small.quantize(8))),
        ("a.jpg", saved(small, "JPEG")),
        ("a.gif", saved(small, "GIF")),
        ("a.webp", saved(small, "WEBP")),
    ]
    return [
        *((name, data, damaged) for name, data in [*office, *others]),
        *((name, data, damaged_inside) for name, data in office),
    ]


def fuzz(count: int) -> tuple[int, int]:
    """(read, refused) over so many files of each case; another error breaks the test."""
    read = refused = 0
    for number, (name, data, damage) in enumerate(cases()):
        for seed in range(count):
            try:
                extract(name, damage(data, random.Random(seed * 100 + number)))
                read += 1
            except FileRefused:
                refused += 1
    return read, refused


@pytest.fixture
def no_words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A program in Tesseract's place that finds nothing, at once."""
    program = tmp_path / "tesseract"
    program.write_text("#!/bin/sh\ncat >/dev/null\nprintf 'level\\ttext\\n'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")


@pytest.mark.usefixtures("no_words")
def test_a_damaged_file_is_read_or_refused_and_nothing_else() -> None:
    read, refused = fuzz(8)
    assert read > 20 and refused > 20


@pytest.mark.soak
@pytest.mark.usefixtures("no_words")
def test_4200_damaged_files_are_read_or_refused_and_nothing_else() -> None:
    read, refused = fuzz(300)
    print(f"{read} damaged files read, {refused} refused, 0 other errors")
    assert read + refused == 4200
