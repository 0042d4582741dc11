"""Pictures and scans: upright, within bounds, and read by text recognition where it is there."""

import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from knowledge import wording
from knowledge.errors import DamagedFile, FileRefused, NoText, OcrMissing, TooLarge
from knowledge.extraction import Notice, Part, Picture, Progress, extract, ocr, pieces
from knowledge.extraction.image import MAX_JPEG, MAX_SIDE, jpeg, upright
from tests.knowledge.pictures import WORDS, chart, page, saved, scan

needs_tesseract = pytest.mark.skipif(
    not ocr.installed(), reason="Tesseract is missing (apt-get install tesseract-ocr)"
)
# A first image as large as a GIF can be.
GIF_IMAGE = b"\0\0\0," + struct.pack("<HHHHB", 0, 0, 65_535, 65_535, 0) + b"\x08\x01\0\0;"
RED, BLUE = (255, 0, 0), (0, 0, 255)


@pytest.fixture
def without_tesseract(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.fixture
def tesseract_that(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A program in Tesseract's place, to be written by the test."""
    program = tmp_path / "tesseract"
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    ocr._listed.cache_clear()
    return program


def picture(data: bytes) -> Picture:
    (found,) = [piece for piece in pieces("image", data) if isinstance(piece, Picture)]
    return found


def notices(kind: str, data: bytes) -> list[str]:
    return [piece.sentence for piece in pieces(kind, data) if isinstance(piece, Notice)]


def words(text: str) -> str:
    return " ".join(text.split())


def halves(size: tuple[int, int] = (400, 200)) -> Image.Image:
    """Red on the left and blue on the right."""
    image = Image.new("RGB", size, RED)
    ImageDraw.Draw(image).rectangle((size[0] // 2, 0, *size), fill=BLUE)
    return image


def png_that_claims(width: int, height: int) -> bytes:
    """A PNG of a few bytes with a size in its header, and nothing behind it."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    data = struct.pack(">I", len(header)) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return b"\x89PNG\r\n\x1a\n" + data + b"\0\0\0\0IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))


@needs_tesseract
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_page_of_text_is_read_and_measured(kind: str) -> None:
    seen = picture(saved(page(), kind))
    assert words(seen.text) == WORDS
    assert seen.recognised
    assert seen.confidence > 80
    assert 0.1 < seen.coverage < 0.5
    assert seen.density > 0.05


@needs_tesseract
def test_a_chart_has_little_text() -> None:
    seen = picture(saved(chart()))
    assert seen.coverage < 0.1
    assert "Revenue" in seen.text


@needs_tesseract
def test_the_measures_do_not_depend_on_whether_a_small_picture_was_enlarged() -> None:
    small = ocr.recognise(page(size=(1000, 220)))
    framed = Image.new("RGB", (1001, 440), "white")
    framed.paste(page(size=(1000, 220)))
    large = ocr.recognise(framed)
    assert words(small.text) == words(large.text) == WORDS
    assert small.density == pytest.approx(large.density * 440 / 220, rel=0.05)
    assert small.coverage == pytest.approx(large.coverage * 440 / 220, rel=0.1)


@needs_tesseract
def test_the_small_print_of_a_screenshot_is_read() -> None:
    assert words(picture(saved(page(size=(700, 200), points=15))).text) == WORDS


@needs_tesseract
def test_a_blank_picture_has_no_words() -> None:
    assert ocr.recognise(Image.new("L", (300, 300), 255)) == ocr.Recognised()


@needs_tesseract
def test_a_photo_taken_sideways_is_read_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    sideways = saved(page().rotate(90, expand=True), "JPEG", exif=exif, quality=90)
    assert words(picture(sideways).text) == WORDS
    # Where and when it was taken goes to no model.
    assert not Image.open(io.BytesIO(picture(sideways).jpeg)).getexif()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_every_orientation_is_put_right(orientation: int, kind: str) -> None:
    """Each of these is how a camera held in that way stores the same sight."""
    turn = Image.Transpose
    stored = {
        1: None,
        2: turn.FLIP_LEFT_RIGHT,
        3: turn.ROTATE_180,
        4: turn.FLIP_TOP_BOTTOM,
        5: turn.TRANSPOSE,
        6: turn.ROTATE_90,
        7: turn.TRANSVERSE,
        8: turn.ROTATE_270,
    }[orientation]
    sight, exif = halves(), Image.Exif()
    ImageDraw.Draw(sight).rectangle((0, 150, 400, 200), fill="white")
    exif[0x0112] = orientation
    image = sight if stored is None else sight.transpose(stored)
    seen = upright(saved(image, kind, exif=exif)).convert("RGB")
    assert seen.size == (400, 200)
    corners = [seen.getpixel(at) for at in ((50, 50), (350, 50), (200, 190))]
    for found, expected in zip(corners, (RED, BLUE, (255, 255, 255)), strict=True):
        assert isinstance(found, tuple)
        assert all(abs(a - b) < 40 for a, b in zip(found, expected, strict=True))


def test_a_picture_with_broken_exif_is_read() -> None:
    data = saved(halves(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff broken")
    assert upright(data).size == (400, 200)


def test_large_pictures_are_shrunk() -> None:
    seen = Image.open(io.BytesIO(picture(saved(halves((5000, 2500)), "JPEG")).jpeg))
    assert (seen.format, seen.size) == ("JPEG", (MAX_SIDE, MAX_SIDE // 2))


@pytest.mark.parametrize("mode", ["RGBA", "I;16"])
def test_the_largest_picture_that_is_allowed_fits_into_half_a_gigabyte(mode: str) -> None:
    data = saved(Image.new(mode, (9000, 5000)), "PNG", compress_level=1)
    within = (
        "import resource, sys; from knowledge.extraction.image import upright;"
        "resource.setrlimit(resource.RLIMIT_AS, (2**29, 2**29));"
        "print(*upright(sys.stdin.buffer.read()).size)"
    )
    done = subprocess.run([sys.executable, "-c", within], input=data, capture_output=True)
    assert done.stdout.split() == [b"2000", b"1111"], done.stderr


def test_a_noisy_picture_still_makes_a_jpeg_within_bounds() -> None:
    noise = Image.effect_noise((2000, 2000), 200)
    assert len(jpeg(noise)) <= MAX_JPEG


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I;16"])
def test_every_mode_is_seen_as_people_see_it(mode: str) -> None:
    """Light grey on the left, black on the right."""
    seen = halves().convert("L").point(lambda value: 200 if value > 50 else 0)
    if mode == "I;16":
        image = Image.new("I;16", seen.size)
        image.putdata([value * 257 for value in seen.tobytes()])
    else:
        image = seen.convert(mode, dither=Image.Dither.NONE) if mode == "1" else seen.convert(mode)
    kind = "JPEG" if mode in ("CMYK", "YCbCr") else "PNG"
    found = upright(saved(image, kind)).convert("L")
    light, dark = found.getpixel((50, 50)), found.getpixel((350, 50))
    assert isinstance(light, int | float) and isinstance(dark, int | float)
    assert abs(light - (255 if mode == "1" else 200)) < 12
    assert dark < 12


@pytest.mark.parametrize("kind", ["PNG", "GIF", "WEBP"])
def test_what_is_transparent_is_white(kind: str) -> None:
    image = Image.new("RGBA", (100, 50), (0, 0, 0, 0))
    ImageDraw.Draw(image).rectangle((0, 0, 50, 50), fill=(0, 0, 0, 255))
    seen = upright(saved(image, kind, lossless=True)).convert("RGB")
    assert (seen.getpixel((10, 10)), seen.getpixel((90, 10))) == ((0, 0, 0), (255, 255, 255))


def test_of_an_animation_the_first_image_counts() -> None:
    frames = [Image.new("RGB", (60, 40), colour) for colour in ("red", "blue", "green")]
    data = saved(frames[0], "GIF", save_all=True, append_images=frames[1:] * 50, duration=10)
    assert upright(data).convert("RGB").getpixel((5, 5)) == RED


BROKEN: list[tuple[bytes, type[FileRefused], str]] = [
    (png_that_claims(10_000, 4_501), TooLarge, "45 megapixels; the limit is 45"),
    (png_that_claims(10_000, 10_000), TooLarge, "100 megapixels; the limit is 45"),
    (png_that_claims(30_000, 30_000), TooLarge, "more than 178 megapixels; the limit is 45"),
    (png_that_claims(100, 100), DamagedFile, "the image can't be read"),
    (saved(halves((6_800, 6_800)).convert("1")), TooLarge, "46 megapixels"),
    (saved(page(), "JPEG")[:3000], DamagedFile, "the image can't be read"),
    (saved(page(), "PNG")[:3000], DamagedFile, "the image can't be read"),
    (saved(page(), "GIF")[:300], DamagedFile, "the image can't be read"),
    (saved(page(), "WEBP")[:300], DamagedFile, "the image can't be read"),
    (b"GIF89a" + struct.pack("<HH", 65_535, 65_535) + GIF_IMAGE, TooLarge, "the limit is 45"),
    (b"\x89PNG\r\n\x1a\n" + bytes(100), DamagedFile, "the image can't be read"),
    (b"\xff\xd8\xff" + bytes(100), DamagedFile, "the image can't be read"),
]


@pytest.mark.parametrize("case", range(len(BROKEN)))
def test_a_broken_or_huge_picture_is_refused_with_a_reason(case: int) -> None:
    data, error, reason = BROKEN[case]
    with pytest.raises(error, match=reason):
        list(pieces("image", data))


@pytest.mark.usefixtures("without_tesseract")
def test_without_tesseract_a_picture_is_handed_on_unread_and_that_is_said() -> None:
    unread, notice = picture(saved(chart())), notices("image", saved(chart()))
    assert (unread.text, unread.recognised, unread.coverage) == ("", False, 0)
    assert notice == [wording.OCR_MISSING]


def test_a_recognition_that_hangs_is_given_up(
    tesseract_that: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ocr, "PATIENCE", 0.5)
    tesseract_that.write_text("#!/bin/sh\nexec sleep 60\n")
    tesseract_that.chmod(0o755)
    assert not picture(saved(chart())).recognised
    assert notices("image", saved(chart())) == [wording.OCR_FAILED]
    running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    assert "sleep 60" not in running.stdout.splitlines()


@pytest.mark.parametrize("script", ["exit 1", "kill -9 $$"])
def test_a_recognition_that_breaks_off_is_told(tesseract_that: Path, script: str) -> None:
    tesseract_that.write_text(f"#!/bin/sh\n{script}\n")
    tesseract_that.chmod(0o755)
    assert notices("image", saved(chart())) == [wording.OCR_FAILED]


@pytest.mark.parametrize(
    ("installed", "asked"),
    [("eng osd", "eng"), ("deu eng osd equ", "eng+deu"), ("deu", "deu"), ("a b c d eng", "eng")],
)
def test_the_languages_that_are_installed_are_read(
    tesseract_that: Path, installed: str, asked: str
) -> None:
    listed = "\\n".join(["List of available languages:", *installed.split()])
    arguments = tesseract_that.with_name("arguments")
    tesseract_that.write_text(
        "#!/bin/sh\n"
        f'[ "$1" = --list-langs ] && printf "{listed}\\n" && exit\n'
        f'cat >/dev/null; echo "$@" "$OMP_THREAD_LIMIT" >{arguments}\n'
        "printf 'level\\ttext\\n'\n"
    )
    tesseract_that.chmod(0o755)
    try:
        assert ocr.recognise(chart()) == ocr.Recognised()
    finally:
        ocr._listed.cache_clear()
    assert arguments.read_text().split() == [
        "stdin",
        "stdout",
        "-l",
        asked,
        "--psm",
        "3",
        "tsv",
        "1",
    ]


def test_words_of_scripts_without_spaces_stay_together(tesseract_that: Path) -> None:
    columns = "level block_num par_num line_num width height conf text".split()
    seen = ["有", "給", "休暇", "20", "days", "日"]
    table = ["\t".join(columns), *(f"5\t1\t1\t1\t9\t9\t90\t{word}" for word in seen)]
    tesseract_that.with_name("table").write_text("\n".join(table))
    tesseract_that.write_text(
        f"#!/bin/sh\ncat >/dev/null\ncat {tesseract_that.with_name('table')}\n"
    )
    tesseract_that.chmod(0o755)
    assert ocr.recognise(chart()).text == "有給休暇 20 days 日"


@needs_tesseract
def test_pages_of_a_pdf_that_are_pictures_are_read_and_only_those() -> None:
    told = list(pieces("pdf", scan("Words on the first page.", page(), "Third page.")))
    parts = [piece for piece in told if isinstance(piece, Part) and piece.text.strip()]
    assert [part.page for part in parts] == [1, 2, 3]
    assert words(parts[1].text) == WORDS
    assert [piece for piece in told if isinstance(piece, Progress)] == [
        Progress(0, 3),
        Progress(1, 3),
        Progress(1, 3, scanned=1),
        Progress(2, 3, scanned=1),
        Progress(3, 3, scanned=1),
    ]


@needs_tesseract
def test_a_page_that_was_scanned_on_its_side_but_turned_by_its_pdf_is_read() -> None:
    from pypdf import PdfReader, PdfWriter

    writer, buffer = PdfWriter(), io.BytesIO()
    for sheet in PdfReader(io.BytesIO(scan(page().rotate(90, expand=True)))).pages:
        writer.add_page(sheet).rotate(90)
    writer.write(buffer)
    assert words(extract("a.pdf", buffer.getvalue()).parts[0].text) == WORDS


@pytest.mark.usefixtures("without_tesseract")
def test_without_tesseract_a_scan_is_refused_and_says_what_is_missing() -> None:
    with pytest.raises(OcrMissing, match="tesseract-ocr"):
        extract("a.pdf", scan(page(), page()))


@pytest.mark.usefixtures("without_tesseract")
def test_without_tesseract_the_pages_with_text_are_read_and_the_others_are_told() -> None:
    told = notices("pdf", scan("Words on the first page.", page(), ""))
    assert told == ["1 of 3 pages are pictures and were not read: Tesseract is not installed."]


@pytest.mark.usefixtures("without_tesseract")
def test_blank_pages_need_no_tesseract() -> None:
    with pytest.raises(NoText):
        extract("a.pdf", scan("", ""))


def test_a_page_whose_recognition_fails_is_told(tesseract_that: Path) -> None:
    tesseract_that.write_text("#!/bin/sh\nexit 1\n")
    tesseract_that.chmod(0o755)
    assert notices("pdf", scan("Words.", page())) == [
        "1 of 2 pages are pictures and could not be read."
    ]
