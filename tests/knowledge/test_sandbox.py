"""A file is read by a process that can do nothing else (promise 9)."""

import io
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from knowledge.errors import FileRefused, NoText, ReaderBroke, TooLarge, TooMuchMemory, TooSlow
from knowledge.extraction import MAX_BYTES, READERS, confinement, extract, ocr, sandbox
from knowledge.extraction.image import MAX_PIXELS
from tests.knowledge import hostile
from tests.knowledge.office import docx
from tests.knowledge.pictures import WORDS, page, saved, scan, stamped

REFUSED = list(hostile.ATTEMPTS)[: list(hostile.ATTEMPTS).index("odd text")]
ENDED = {
    "memory": TooMuchMemory,
    "an abort for want of memory": TooMuchMemory,
    "a question with its hands full": TooMuchMemory,
    "abort": ReaderBroke,
    "a wild pointer": ReaderBroke,
    "garbage": ReaderBroke,
    "a list": ReaderBroke,
    "nothing known": ReaderBroke,
    "a page that is none": ReaderBroke,
    "pages beyond number": ReaderBroke,
    "fewer pages than none": ReaderBroke,
    "deep nesting": ReaderBroke,
    "no refusal of ours": ReaderBroke,
    "a picture that is none": ReaderBroke,
    "a flood": ReaderBroke,
}
ENDLESS = ["time", "rest", "questions without end"]
needs_tesseract = pytest.mark.skipif(
    not ocr.installed(), reason="Tesseract is missing (apt-get install tesseract-ocr)"
)
needs_kernel = pytest.mark.skipif(
    bool(confinement.missing()), reason=f"this kernel lacks {confinement.missing()}"
)


@pytest.fixture
def taken_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """HTML files are read by a reader that does what they say."""
    monkeypatch.setitem(READERS, "html", "tests.knowledge.hostile.read")


def tried(attempt: str) -> str:
    """What a reader that was taken over got of what it tried."""
    [part] = sandbox.extract("a.html", attempt.encode()).parts
    return part.text


def readers() -> list[str]:
    """What runs of files' readers, and of the programs that they ask for."""
    found = subprocess.run(["ps", "-wweo", "args"], capture_output=True, text=True, check=True)
    ours = "-m knowledge.extraction.child tests.knowledge.hostile.read"
    return [line for line in found.stdout.splitlines() if ours in line]


@pytest.mark.usefixtures("taken_over")
@needs_kernel
@pytest.mark.parametrize("attempt", REFUSED)
def test_a_reader_that_was_taken_over_can_do_nothing_but_read(attempt: str) -> None:
    assert tried(attempt).startswith("refused: ")


@pytest.mark.usefixtures("taken_over")
def test_it_knows_nothing_of_the_workers_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-canary")
    known = ["LANG", "PATH", "PYTHONDONTWRITEBYTECODE", "PYTHONPATH"]
    assert tried("its own environment") == str(known)


@pytest.mark.usefixtures("taken_over")
def test_what_it_says_is_plain_text() -> None:
    assert tried("odd text") == "odd text"


@pytest.mark.usefixtures("taken_over")
@pytest.mark.parametrize("attempt", ENDED)
def test_a_reader_that_breaks_is_a_file_that_is_refused(attempt: str) -> None:
    with pytest.raises(FileRefused) as refused:
        tried(attempt)
    assert type(refused.value) is ENDED[attempt]
    assert readers() == []


@pytest.mark.usefixtures("taken_over")
def test_a_reader_that_asks_nonsense_is_told_that_it_failed() -> None:
    assert "failed" in tried("a question that is no picture")


@pytest.mark.usefixtures("taken_over")
@pytest.mark.parametrize("attempt", ENDLESS)
def test_a_reader_that_does_not_end_is_ended(attempt: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "A_FILE", 1.5)
    monkeypatch.setattr(sandbox, "A_PAGE", 0.5)
    with pytest.raises(TooSlow, match="it had 2 seconds"):
        tried(attempt)
    assert readers() == []


@pytest.mark.usefixtures("taken_over")
def test_whoever_does_not_want_to_know_more_ends_it() -> None:
    class Enough(Exception):
        pass

    def tell(done: int, total: int) -> None:
        raise Enough()

    with pytest.raises(Enough):
        sandbox.extract("a.html", b"rest", tell)
    assert readers() == []


@pytest.mark.parametrize("piece", [b"q ", b"0 0 m 9 9 l S "])
def test_a_pdf_for_which_pdfium_gets_no_memory_says_so(piece: bytes) -> None:
    """Small as it is: PDFium, which alone reads it, ends its process where memory runs out."""
    with pytest.raises(TooMuchMemory, match="needs more memory than a file may take"):
        sandbox.extract("a.pdf", stamped(piece * (400_000_000 // len(piece))))


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("WEBP", {"method": 0, "quality": 1}),
        ("WEBP", {"method": 0, "quality": 0, "lossless": True}),
        ("PNG", {"compress_level": 1}),
        ("JPEG", {"progressive": True}),
        ("GIF", {}),
    ],
)
def test_pictures_of_as_many_pixels_as_are_allowed_get_the_memory_that_they_take(
    kind: str, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the file has as many bytes as are allowed, which are held three times."""
    files = 3 * MAX_BYTES // confinement.MEGABYTE
    monkeypatch.setattr(sandbox, "READER_MEMORY", sandbox.READER_MEMORY - files)
    side = int(MAX_PIXELS**0.5)
    mode = "P" if kind == "GIF" else "RGB" if kind == "JPEG" else "RGBA"
    whole = Image.new(mode, (side, MAX_PIXELS // side))
    [picture] = sandbox.extract("a.any", saved(whole, kind, **options)).pictures
    assert max(Image.open(io.BytesIO(picture.jpeg)).size) == 2000


@pytest.mark.soak
@pytest.mark.usefixtures("taken_over")
@needs_kernel
def test_sixty_files_in_a_row_do_nothing_to_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "A_FILE", 2.0)
    before, told = descriptors(), Counter[str]()
    for attempt in [*REFUSED, *ENDED, *ENDLESS] * 2:
        try:
            told["did nothing"] += tried(attempt).startswith("refused: ")
        except FileRefused as error:
            told[type(error).__name__] += 1
    print(f"\n{told.total()} files: {dict(told)}, {len(readers())} processes left")
    assert told.total() >= 60 and readers() == []
    assert descriptors() == before


def descriptors() -> int:
    return len([*Path("/proc/self/fd").iterdir()])


@pytest.mark.parametrize("attempt", ["rest", "time"])
def test_a_reader_dies_with_a_worker_that_is_killed(attempt: str) -> None:
    worker = _worker("a.html", attempt.encode())
    _until(lambda: len(readers()) == 1)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    _until(lambda: readers() == [])


def test_so_does_text_recognition(tmp_path: Path) -> None:
    program = tmp_path / "tesseract"
    program.write_text('#!/bin/sh\n[ "$1" = --list-langs ] && exit\nexec sleep 71\n')
    program.chmod(0o755)
    worker = _worker("a.png", saved(page()), PATH=f"{tmp_path}:{os.environ['PATH']}")
    _until(lambda: "sleep 71" in _running() or "tesseract stdin" in _running())
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    _until(lambda: "sleep 71" not in _running() and "tesseract stdin" not in _running())


def _running() -> str:
    return subprocess.run(["ps", "-wweo", "args"], capture_output=True, text=True).stdout


def _worker(name: str, data: bytes, **env: str) -> subprocess.Popen[bytes]:
    code = (
        "import sys; from knowledge.extraction import MAX_BYTES, READERS, sandbox;"
        "READERS['html'] = 'tests.knowledge.hostile.read';"
        f"sandbox.extract({name!r}, sys.stdin.buffer.read())"
    )
    worker = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        cwd=hostile.ROOT,
        env={**os.environ, **env},
    )
    assert worker.stdin is not None
    with worker.stdin as stdin:
        stdin.write(data)
    return worker


def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, _running()
        time.sleep(0.02)


def test_what_is_read_is_the_same_and_how_far_is_told() -> None:
    told: list[tuple[int, int]] = []
    pdf = scan("Words on the first page.", "Second page.", "Third page.")
    for name, data in (("a.pdf", pdf), ("a.docx", docx(lambda d: d.add_paragraph("Hello.")))):
        assert sandbox.extract(name, data, lambda *at: told.append(at)) == extract(name, data)
    assert told == [(0, 3), (1, 3), (2, 3), (3, 3)]


@needs_tesseract
def test_text_in_pictures_is_read_by_a_program_that_is_confined_as_well() -> None:
    [picture] = sandbox.extract("a.png", saved(page())).pictures
    assert " ".join(picture.text.split()) == WORDS
    assert picture == extract("a.png", saved(page())).pictures[0]


@needs_tesseract
def test_text_recognition_finds_its_data_wherever_that_lies(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    usual = Path(ocr.data_folder())
    shutil.copytree(usual / "configs", tmp_path / "configs")
    shutil.copy(usual / "eng.traineddata", tmp_path / "elsewhere.traineddata")
    monkeypatch.setenv("TESSDATA_PREFIX", str(tmp_path))
    ocr._listed.cache_clear()
    try:
        [picture] = sandbox.extract("a.png", saved(page())).pictures
    finally:
        ocr._listed.cache_clear()
    assert " ".join(picture.text.split()) == WORDS


def test_a_file_without_text_is_refused_as_ever() -> None:
    with pytest.raises(NoText):
        sandbox.extract("a.html", b"<html></html>")


def test_a_short_text_needs_no_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere")
    for name in ("a.txt", "a.md", "a.csv"):
        assert sandbox.extract(name, b"Words\nin lines").parts


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.csv"])
def test_a_long_text_is_read_under_the_same_limits_as_other_files(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = b"Words, and lines\n" * (sandbox.SMALL // 16)
    assert sandbox.extract(name, long) == extract(name, long)
    monkeypatch.setattr(sandbox, "A_FILE", 0.0)
    with pytest.raises(TooSlow):
        sandbox.extract(name, long)


@pytest.mark.parametrize(("name", "heading"), [("a.txt", "CALL\n"), ("a.md", "# a\n")])
def test_a_file_of_nothing_but_headings_is_refused(name: str, heading: str) -> None:
    with pytest.raises(TooLarge, match="more than 50,000 pages, headings"):
        sandbox.extract(name, heading.encode() * 60_000)


def test_headings_count_as_text() -> None:
    with pytest.raises(TooLarge, match="more than 5,000,000 characters"):
        sandbox.extract("a.md", f"# {'a' * 400}\n".encode() * 13_000)
