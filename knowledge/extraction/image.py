"""Images through Pillow: upright, shrunk, and read by text recognition."""

import io
import struct
import warnings
import zlib
from collections.abc import Iterator

from PIL import ExifTags, Image, WebPImagePlugin

from knowledge import wording
from knowledge.errors import DamagedFile, TooLarge
from knowledge.extraction import Notice, Picture, ocr

MAX_PIXELS = 45_000_000
# Pixels a side, and bytes of the JPEG: what a model that looks at pictures takes.
MAX_SIDE = 2000
MAX_JPEG = 2_000_000
# Rows of the smaller picture that are made at once.
BAND = 64
QUALITIES = (85, 60, 30)
FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
# By EXIF's number for how the camera was held.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# What Pillow lets through on broken files.
FAULTS = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)


def read(data: bytes) -> Iterator[Picture | Notice]:
    """The one picture; of an animation its first image."""
    try:
        image = upright(data)
    except Image.DecompressionBombError as error:
        raise TooLarge(_too_many("more than 178")) from error
    except MemoryError as error:
        raise TooLarge("the image needs too much memory") from error
    except FAULTS as error:
        raise DamagedFile("the image can't be read") from error
    if not ocr.installed():
        yield Notice(wording.OCR_MISSING)
        yield _unread(image)
        return
    try:
        seen = ocr.recognise(image)
    except ocr.OcrFailed:
        yield Notice(wording.OCR_FAILED)
        yield _unread(image)
        return
    yield Picture(None, jpeg(image), seen.text, seen.coverage, seen.density, seen.confidence)


def upright(data: bytes) -> Image.Image:
    """The image as people see it, at most MAX_SIDE pixels wide and high, as RGB."""
    with warnings.catch_warnings():
        # Of sizes above our own limit, and of oddities in EXIF.
        warnings.simplefilter("ignore")
        image: Image.Image = Image.open(io.BytesIO(data), formats=FORMATS)
        if (pixels := image.width * image.height) > MAX_PIXELS:
            raise TooLarge(_too_many(f"{pixels / 1e6:.0f}"))
        turn = _turn(image)
        # A JPEG is decoded at about that size in the first place.
        image.draft(None, (MAX_SIDE, MAX_SIDE))
        _free_decoder_early(image)
        image.load()
        small = _flat_and_smaller(image)
    small.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS)
    return small if turn is None else small.transpose(turn)


def _free_decoder_early(image: Image.Image) -> None:
    """WebP's decoder holds the picture twice, and has handed it over when room is made for it."""
    if isinstance(image, WebPImagePlugin.WebPImageFile):
        make_room = image.load_prepare

        def free_and_make_room() -> None:
            del image._decoder
            make_room()

        image.load_prepare = free_and_make_room  # type: ignore[method-assign]


def _turn(image: Image.Image) -> Image.Transpose | None:
    """How a camera that was held askew wants its picture turned."""
    try:
        return TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except FAULTS:  # broken EXIF is no broken image
        return None


def jpeg(image: Image.Image) -> bytes:
    """The image as JPEG, coarser where it would be larger than MAX_JPEG."""
    for quality in QUALITIES:
        file = io.BytesIO()
        image.save(file, "JPEG", quality=quality)
        if file.tell() <= MAX_JPEG:
            break
    return file.getvalue()


def _unread(image: Image.Image) -> Picture:
    return Picture(None, jpeg(image), "", 0.0, 0.0, 0.0, recognised=False)


def _flat_and_smaller(image: Image.Image) -> Image.Image:
    """As RGB, divided by the whole number that leaves it larger than MAX_SIDE. A band at a time,
    since a copy of 45 megapixels takes 180 MB."""
    step = max(1, max(image.size) // MAX_SIDE)
    small = Image.new("RGB", (-(-image.width // step), -(-image.height // step)))
    for top in range(0, image.height, BAND * step):
        bottom = min(image.height, top + BAND * step)
        band = _flat(image.crop((0, top, image.width, bottom)))
        small.paste(band.reduce(step), (0, top // step))
    return small


def _flat(image: Image.Image) -> Image.Image:
    """As RGB: of 16 bits the higher 8, and white where it is transparent."""
    if image.mode.startswith("I"):
        return image.convert("I").point(lambda value: value * (1 / 256)).convert("RGB")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        paper = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(paper, image).convert("RGB")
    return image.convert("RGB")


def _too_many(megapixels: str) -> str:
    return f"{megapixels} megapixels; the limit is {MAX_PIXELS // 1_000_000}"
