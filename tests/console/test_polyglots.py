"""Files that are several things at once: an original is served as a file to be saved, whatever
it is (promise 36)."""

import random

import pytest

from backend.accounts.models import User
from backend.library.bringing import bring
from knowledge.errors import FileRefused
from tests.backend.people import space_of
from tests.console.test_library import body, client_of, original
from tests.knowledge.office import docx, pptx, xlsx
from tests.knowledge.pictures import page, saved, scan

pytestmark = pytest.mark.django_db(transaction=True)

# What a browser, a reader of PDFs or an unpacker would make something of.
HEADS = (
    b"%PDF-1.4\n",
    b"GIF89a/*",
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff\xe0",
    b"RIFF\x24\0\0\0WEBP",
    b"PK\x03\x04",
    b"<!DOCTYPE html>",
    b"<?xml version='1.0'?>",
    b"\xef\xbb\xbf",
    b"\xff\xfe<\0h\0t\0m\0l\0>\0",
    b"#!/bin/sh\n",
    b"MZ",
    b"",
)
PARTS = (
    b"<script>alert(document.cookie)</script>",
    b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    b"<html><body onload=alert(1)>",
    b"*/=1;alert(1)//",
    b"<iframe src='javascript:alert(1)'></iframe>",
    b"<math><mtext></mtext><script>alert(1)</script></math>",
    b"<?php system($_GET['c']); ?>",
    b"=cmd|'/c calc'!A1,words\n",
    b"<meta http-equiv='refresh' content='0;url=javascript:alert(1)'>",
    b"%%EOF\n",
    b"\0" * 20,
    b"Twenty-five days of leave. ",
)
STEMS = ("page.html", "a.svg", "a.xhtml", "run.js", 'a"; filename="x.html', "a\r\nX-Evil: 1", "a;b")
ENDINGS = ("txt", "md", "csv", "html", "pdf", "png", "jpg", "gif", "webp", "docx", "pptx", "xlsx")


def polyglot(dice: random.Random, whole: list[bytes]) -> tuple[str, bytes]:
    """Name and bytes: a head of one kind or a whole file, and parts of others."""
    data = dice.choice(whole) if dice.random() < 0.4 else dice.choice(HEADS)
    for _ in range(dice.randint(1, 5)):
        part = dice.choice(PARTS)
        data = part + data if dice.random() < 0.2 else data + part
    return f"{dice.choice(STEMS)}.{dice.choice(ENDINGS)}", data


@pytest.mark.parametrize("count", [60, pytest.param(3_000, marks=pytest.mark.soak)])
def test_no_polyglot_is_ever_shown_by_a_browser(member: User, count: int) -> None:
    dice, client, served, refused = random.Random(36), client_of(member), 0, 0
    small = page(size=(120, 60), points=10)
    whole = [docx(), pptx(), xlsx(), scan("Leave."), saved(small), saved(small, "GIF")]
    for _ in range(count):
        name, data = polyglot(dice, whole)
        try:
            version = bring(space_of(member), name, data, member).version
        except FileRefused:
            refused += 1
            continue
        answer = client.get(original(version))
        assert (answer.status_code, body(answer)) == (200, data), name
        assert answer["Content-Type"] == "application/octet-stream", name
        assert answer["Content-Disposition"].startswith("attachment; filename"), name
        assert answer["X-Content-Type-Options"] == "nosniff", name
        assert answer["Content-Security-Policy"] == "sandbox; default-src 'none'", name
        assert not any("\n" in value or "\r" in value for value in answer.headers.values()), name
        assert "X-Evil" not in answer.headers, name
        served += 1
    print(f"\npolyglots: {served:,} served as files to be saved, none inline; {refused:,} refused")
    assert served > count / 3
