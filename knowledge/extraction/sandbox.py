"""Read a file in a process of its own that can do nothing but that, within bounds.

The process may not start another one: where it needs text recognition, that is started here,
confined as well. So two processes are all that there is of a file, and both die with this one.
"""

import base64
import io
import os
import resource
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from PIL import Image

from knowledge import wording
from knowledge.errors import FileRefused, ReaderBroke, TooMuchMemory, TooSlow
from knowledge.extraction import (
    READERS,
    Extracted,
    Piece,
    Progress,
    extract_with,
    ocr,
    protocol,
    raw,
)
from knowledge.extraction.confinement import MEGABYTE

# Read in this process where they are small, for nothing but Python touches them: what these bytes
# can hold takes a second at most.
IN_PROCESS, SMALL = ("text", "markdown", "csv"), 64 * 1024
# Address space in MB: of the reader, and of both where text recognition runs beside it.
READER_MEMORY, READER_BESIDE_OCR, OCR_MEMORY = 768, 512, 256
# What ends a process on purpose: native code does that where it gets no more memory.
ABORTS = (signal.SIGABRT, signal.SIGILL, signal.SIGTRAP)
# Seconds between two looks at how much memory the reader has had.
LOOK = 0.01
# Seconds for a file, and more for each page and each page that is a picture.
A_FILE, A_PAGE, A_SCAN, AT_MOST = 30.0, 1.0, 5.0, 600.0
# Bytes that a reader may say, in one line and (but for what is to be recognised) in all: five
# million characters and a picture.
MOST_SAID = 48 * 1024 * 1024
_ROOT = Path(__file__).resolve().parent.parent.parent

# Called with the pages that are read and that there are.
OnProgress = Callable[[int, int], None]


def extract(
    name: str, data: bytes, on_progress: OnProgress = lambda done, total: None
) -> Extracted:
    """As `extraction.extract`, in a confined process. What `on_progress` raises ends it.

    Raises FileRefused: also TooSlow, TooMuchMemory and ReaderBroke.
    """

    def read(kind: str, data: bytes) -> Generator[Piece]:
        if kind in IN_PROCESS and len(data) <= SMALL:
            yield from raw(kind, data)
            return
        with Reader(kind, data) as reader:
            for piece in reader.pieces():
                if isinstance(piece, Progress):
                    on_progress(piece.done, piece.total)
                yield piece

    return extract_with(read, name, data)


class Reader:
    """A confined process that reads one file."""

    def __init__(self, kind: str, data: bytes) -> None:
        self._began, self._allowed = time.monotonic(), A_FILE
        self._memory, self._peak = READER_MEMORY * MEGABYTE, 0
        module = "knowledge.extraction.child"
        self._process = subprocess.Popen(  # noqa: S603  # its arguments are our own
            [*_python(module), READERS[kind], str(len(data)), str(os.getpid()), str(READER_MEMORY)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(),
            cwd="/",
            start_new_session=True,
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._to, self._from = self._process.stdin.fileno(), self._process.stdout.fileno()
        os.set_blocking(self._to, False)
        self._given = data

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.kill()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()
        self._process.wait()

    def pieces(self) -> Iterator[Piece]:
        """What it reads, as it comes. Raises FileRefused."""
        self._tell(self._given)
        said = 0
        for line in self._lines():
            message = protocol.decoded(line)
            if (refusal := protocol.refusal_of(message)) is not None:
                raise refusal
            if "recognise" in message:
                self._leave_room_for_ocr()
                table = _recognised(message["recognise"], self._seconds_left())
                self._tell(protocol.encoded(table))
                continue
            if "done" in message:
                return
            if (said := said + len(line)) > MOST_SAID:
                raise ReaderBroke()
            yield self._piece(message)
        raise self._broken_off()

    def _piece(self, message: protocol.Message) -> Piece:
        piece = protocol.piece_of(message)
        if isinstance(piece, Progress):
            more = A_PAGE * piece.total + A_SCAN * piece.scanned
            self._allowed = min(A_FILE + more, AT_MOST)
        return piece

    def _lines(self) -> Iterator[bytes]:
        begun: list[bytes] = []
        while heard := self._heard():
            first, *more = heard.split(b"\n")
            begun.append(first)
            for following in more:
                yield b"".join(begun)
                begun = [following]
            if sum(map(len, begun)) > MOST_SAID:
                raise ReaderBroke()

    def _heard(self) -> bytes:
        """Some of what it says; nothing once it has ended."""
        self._wait([self._from], [])
        return os.read(self._from, 1 << 20)

    def _tell(self, data: bytes) -> None:
        left = memoryview(data)
        with suppress(BrokenPipeError):  # how it ended is told when it is heard
            while left:
                self._wait([], [self._to])
                left = left[os.write(self._to, left) :]

    def _wait(self, reading: list[int], writing: list[int]) -> None:
        while not any(select.select(reading, writing, [], min(LOOK, self._seconds_left()))):
            self._peak = max(self._peak, _memory_of(self._process.pid, "VmPeak"))

    def _seconds_left(self) -> float:
        if (left := self._began + self._allowed - time.monotonic()) <= 0:
            raise self._too_slow()
        return left

    def _too_slow(self) -> TooSlow:
        return TooSlow(wording.TIME_FOR_FILE.format(seconds=round(self._allowed)))

    def _leave_room_for_ocr(self) -> None:
        """From now on the reader has no more than it may have beside text recognition."""
        self._memory = READER_BESIDE_OCR * MEGABYTE
        pid, limit = self._process.pid, resource.RLIMIT_AS
        if resource.prlimit(pid, limit)[1] > self._memory:
            resource.prlimit(pid, limit, (self._memory, self._memory))
        if _memory_of(pid, "VmSize") > self._memory:
            raise TooMuchMemory()

    def _broken_off(self) -> FileRefused:
        """What to say of a reader that ended without a word. Of a buffer that can't be doubled,
        half is there."""
        code = self._process.wait()
        if -code in ABORTS and self._peak > self._memory / 2:
            return TooMuchMemory()
        return ReaderBroke(f"signal {-code}" if code < 0 else "")


def _memory_of(pid: int, what: str) -> int:
    """Bytes, from what the kernel says of a process; 0 where it has ended."""
    with suppress(OSError), Path(f"/proc/{pid}/status").open() as status:
        for line in status:
            if line.startswith(f"{what}:"):
                return int(line.split()[1]) * 1024
    return 0


def recognises() -> bool:
    """Whether text recognition works, confined as it is for a file."""
    blank = io.BytesIO()
    Image.new("L", (100, 100), 255).save(blank, "PNG")
    return "table" in _recognised(base64.b64encode(blank.getvalue()).decode(), ocr.PATIENCE)


def _recognised(png: object, seconds: float) -> protocol.Message:
    memory, module = str(OCR_MEMORY), "knowledge.extraction.confined_program"
    try:
        data = ocr.data_folder()
        command = [*_python(module), str(os.getpid()), memory, data, ocr.PROGRAM]
        environment = _environment() | ({"TESSDATA_PREFIX": data} if data else {})
        image = base64.b64decode(str(png), validate=True)
        return {"table": ocr.table_of(image, command, environment, seconds)}
    except (ocr.OcrFailed, ValueError):
        return {"failed": True}


def _python(module: str) -> list[str]:
    return [sys.executable, "-P", "-s", "-m", module]


def _environment() -> dict[str, str]:
    """Nothing of this process's own, which holds keys and tokens."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONPATH": str(_ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "LANG": "C.UTF-8",
    }
