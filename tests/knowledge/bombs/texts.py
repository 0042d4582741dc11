"""Plain and marked-up text that takes its reader too far, or is not what it seems."""

from tests.knowledge.bombs import SECRET, Bombs

DEEP = 1_000_000
RTF = b"{\\rtf1 " + b"{" * 100_000 + b"boom" + b"}" * 100_000 + b"}"
ENTITY = (
    b'<!DOCTYPE html [<!ENTITY e SYSTEM "%s">]><html><p>The secret is &e;.</p></html>'
    % SECRET.as_uri().encode()
)


def long_names() -> bytes:
    """Each row repeats the names of all its columns."""
    names = (f"{'x' * 54}{number:05d}y" for number in range(90_000))
    return ",".join(names).replace("0", "o").encode() + b"\n" + (b"a," * 90_000 + b"\n") * 100


BOMBS: Bombs = {
    "CSV of 24 million columns": ("a.csv", lambda: b"," * (24 << 20)),
    "CSV of long names": ("a.csv", long_names),
    "CSV of one cell": ("a.csv", lambda: b'"' + b"x" * (24 << 20)),
    "CSV of quotes": ("a.csv", lambda: b'"","' * (6 << 20)),
    "Markdown of brackets": ("a.md", lambda: b"[" * (256 << 10)),
    "Markdown of quotes in quotes": ("a.md", lambda: b"> " * (128 << 10)),
    "text of marks": (
        "a.txt",
        lambda: b"e" + b"\xcc\x81\xcc\xa3" * (5 << 20),
    ),
    "text of no encoding": ("a.txt", lambda: bytes(range(128, 256)) * (100 << 10)),
    "text of capitals": ("a.txt", lambda: b"BOOM BOOM\n" * (2 << 20)),
    "HTML 1,000,000 deep": ("a.html", lambda: b"<html>" + b"<div>" * DEEP + b"boom"),
    "HTML of tables in tables": ("a.html", lambda: b"<html>" + b"<table><tr><td>" * 100_000),
    "HTML of headings": ("a.html", lambda: b"<html>" + b"<h1>boom<h2>boom" * DEEP),
    "HTML of one attribute": ("a.html", lambda: b'<html><p style="' + b"display:" * (3 << 20)),
    "HTML with a file": ("a.html", lambda: ENTITY),
    "SVG that calls itself HTML": (
        "a.html",
        lambda: ENTITY.replace(b"<html>", b"<html><svg><image href='file:///etc/passwd'/></svg>"),
    ),
    "RTF that calls itself DOCX": ("a.docx", lambda: RTF),
    "RTF that calls itself text": ("a.txt", lambda: RTF),
}
