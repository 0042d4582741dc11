"""Text recognition by Tesseract, a program of its own: an image in, its words out."""

import csv
import io
import math
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import groupby

from PIL import Image

PROGRAM = "tesseract"
# Seconds for an image. A dense page needs five on a slow machine; some noise never ends.
PATIENCE = 20
# Pixels a side: twice as large, the small print of screenshots is read without mistakes.
SMALL = 1000
# Each further language slows it down and makes it less sure; beyond these English alone counts.
MAX_LANGUAGES = 4
ENGLISH = "eng"
# Not languages: orientation, formulas.
_NO_LANGUAGES = ("osd", "equ")
# Words that it is less sure of (of 100) are mostly the grain of a photograph.
SURE = 30
AREA_OF_DENSITY = 10_000
# What it takes for words are single characters there.
_CJK = "[\u3040-\u30ff\u3400-\u9fff]"
_SPACE_BETWEEN_CJK = re.compile(f"(?<={_CJK}) (?={_CJK})")
_WORD_LEVEL = "5"
_FOLDER = re.compile('"(/.+)"')


class OcrFailed(Exception):
    """Text recognition broke off, or did not end in time."""


@dataclass(frozen=True)
class Recognised:
    """What was read in an image.

    confidence: the mean over its words, 0 to 100 (0 where there are none);
    coverage: the share of the image's area that lies inside boxes around words, 0 to 1;
    density: such boxes per 10,000 pixels of the image.
    """

    text: str = ""
    confidence: float = 0.0
    coverage: float = 0.0
    density: float = 0.0


def installed() -> bool:
    return shutil.which(PROGRAM) is not None


def recognise(image: Image.Image) -> Recognised:
    """Read an image of mode RGB or L. Raises OcrFailed."""
    if small := max(image.size) <= SMALL:
        image = image.resize((2 * image.width, 2 * image.height), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=1)
    seen = _measured(read_table(file.getvalue()), image.width * image.height)
    return replace(seen, density=4 * seen.density) if small else seen


def table_of(
    png: bytes,
    command: Sequence[str] = (PROGRAM,),
    environment: Mapping[str, str] = os.environ,
    seconds: float = math.inf,
) -> str:
    """Tesseract's table of the words in an image; `command` runs it. Raises OcrFailed."""
    arguments = ["stdin", "stdout", "-l", "+".join(_languages()), "--psm", "3", "tsv"]
    return _run([*command, *arguments], png, environment, min(PATIENCE, seconds))


# Who reads an image: a confined process may not start Tesseract itself (child.py).
read_table: Callable[[bytes], str] = table_of


@cache
def _listed() -> list[str]:
    """What Tesseract says of its languages: one line about all, then each."""
    # Nothing else of the worker's environment, which holds keys and tokens.
    its = {name: os.environ[name] for name in ("PATH", "TESSDATA_PREFIX") if name in os.environ}
    return _run([PROGRAM, "--list-langs"], b"", its, PATIENCE).splitlines()


def data_folder() -> str:
    """Where the data of its languages lies, which differs between systems; nothing where it does
    not say so. Raises OcrFailed."""
    told = _FOLDER.search("".join(_listed()[:1]))
    return told[1] if told else ""


def _languages() -> list[str]:
    """The languages that are installed, English first."""
    named = {name for name in _listed()[1:] if name and "/" not in name}
    languages = sorted(named - {*_NO_LANGUAGES})
    if len(languages) > MAX_LANGUAGES:
        return [ENGLISH]
    return sorted(languages, key=lambda name: name != ENGLISH) or [ENGLISH]


def _run(command: list[str], given: bytes, environment: Mapping[str, str], seconds: float) -> str:
    try:
        done = subprocess.run(  # noqa: S603  # its arguments are our own
            command,
            input=given,
            capture_output=True,
            timeout=seconds,
            # Alone on a thread it is faster than with four that wait for each other.
            env={**environment, "OMP_THREAD_LIMIT": "1"},
            check=True,
        )
    except (subprocess.SubprocessError, OSError) as error:
        raise OcrFailed() from error
    return done.stdout.decode("utf-8", errors="replace")


def _measured(table: str, area: int) -> Recognised:
    rows = csv.DictReader(io.StringIO(table), delimiter="\t", quoting=csv.QUOTE_NONE)
    words = [row for row in rows if row["level"] == _WORD_LEVEL and (row["text"] or "").strip()]
    if not words:
        return Recognised()
    inside = sum(int(word["width"]) * int(word["height"]) for word in words)
    return Recognised(
        _text([word for word in words if float(word["conf"]) >= SURE]),
        sum(float(word["conf"]) for word in words) / len(words),
        min(1.0, inside / area),
        len(words) * AREA_OF_DENSITY / area,
    )


def _text(words: list[dict[str, str]]) -> str:
    """Lines and paragraphs as they were seen."""
    paragraphs = []
    for _, paragraph in groupby(words, key=lambda word: (word["block_num"], word["par_num"])):
        lines = groupby(paragraph, key=lambda word: word["line_num"])
        paragraphs.append("\n".join(" ".join(w["text"] for w in line) for _, line in lines))
    return _SPACE_BETWEEN_CJK.sub("", "\n\n".join(paragraphs))
