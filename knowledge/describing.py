"""What a picture says: its own text, and a model's description where that text is little.

The description is kept as text of the document: in a prompt it is data like every passage.
"""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass

from django.conf import settings

from knowledge import wording
from knowledge.errors import NoText, OcrMissing, ProviderError, Throttled, Unreachable
from knowledge.extraction import Extracted, Part, Picture, clean, ocr, with_text
from knowledge.prompts import Prompt
from knowledge.providers import aclose_chat_models, chain, fallback

# A model that goes on and on is stopped here.
MAX_CHARACTERS = 4000
# A provider that is away is asked so often before a picture's text has to do.
ATTEMPTS_WITH_TEXT = 2


@dataclass(frozen=True)
class Described:
    """What is kept of a picture, and what people should know of it."""

    text: str
    notice: str = ""


def complete(found: Extracted, attempt: int) -> tuple[list[Part], str]:
    """The file's parts with those of its pictures, and what people should know of them.

    Raises NoText or OcrMissing where nothing is left, and ProviderError where a later attempt (this
    one counts from 1) may do better.
    """
    described = [read(picture, attempt) for picture in found.pictures]
    told = zip(found.pictures, described, strict=True)
    parts = [*found.parts, *(Part(at.page, at.heading, picture.text) for at, picture in told)]
    notices = [*found.notices, *(picture.notice for picture in described if picture.notice)]
    return with_text(parts), " ".join(dict.fromkeys(notices))


def may_say_more(notice: str) -> bool:
    """Whether more of a file may be read by now than when this was to be known of it: what lacked
    is there, or something failed that may not fail again."""
    lacked = {wording.NO_TESSERACT: ocr.installed, wording.NO_MODEL: _models}
    there = [now for lack, now in lacked.items() if lack in notice]
    return any(now() for now in there) if there else bool(notice)


def read(picture: Picture, attempt: int) -> Described:
    """The picture's text, behind a description where the text says little. Raises as `complete`."""
    if not says_little(picture):
        return Described(picture.text)
    if not (models := _models()):
        return _text_alone(picture, wording.NO_MODEL)
    try:
        described = clean(asyncio.run(_described(picture.jpeg, models)))
    except ProviderError as error:
        passes = isinstance(error, Throttled | Unreachable)
        if passes and (attempt < ATTEMPTS_WITH_TEXT or not picture.text.strip()):
            raise
        return _text_alone(picture, wording.MODEL_FAILED)
    return Described(f"{described}\n\n{picture.text}".strip())


def _models() -> list[str]:
    return [provider for provider in chain() if provider != "extractive"]


def _text_alone(picture: Picture, why: str) -> Described:
    if picture.text.strip():
        return Described(picture.text, wording.TEXT_ALONE.format(why=why))
    if not picture.recognised and not ocr.installed():
        raise OcrMissing()
    raise NoText(why)


def says_little(picture: Picture) -> bool:
    """Whether any of its measures is below its threshold."""
    little: bool = (
        picture.coverage < settings.OCR_TEXT_COVERAGE_THRESHOLD
        or picture.density < settings.OCR_BOX_DENSITY_THRESHOLD
        or picture.confidence < settings.OCR_CONFIDENCE_THRESHOLD
    )
    return little


async def _described(jpeg: bytes, models: Sequence[str]) -> str:
    text = ""
    try:
        async with aclosing(
            fallback.stream(Prompt(wording.DESCRIBE, picture=jpeg), models)
        ) as pieces:
            async for piece in pieces:
                text = "" if isinstance(piece, fallback.Restart) else text + piece.text
                if len(text) > MAX_CHARACTERS:
                    break
    finally:
        await aclose_chat_models()
    return text[:MAX_CHARACTERS].strip()
