"""What OpenAI refuses in the parts of a message.

Rules: https://platform.openai.com/docs/guides/images-vision
"""

import re
from typing import Any

from tests.simulators import openai_errors as errors
from tests.simulators import pictures

PICTURE_TYPES = {"image/png", "image/jpeg", "image/gif", "image/webp"}
DETAILS = {"auto", "low", "high"}
_DATA = re.compile(r"data:([\w.+/-]*);base64,(.*)", re.DOTALL)


def part(given: Any, param: str) -> str:
    """The text of one part of a message, or the mark of its picture."""
    kind = given.get("type") if isinstance(given, dict) else None
    if kind == "text" and isinstance(given.get("text"), str):
        return str(given["text"])
    if kind == "image_url":
        return _picture(given.get("image_url"), param)
    raise errors.invalid_value(f"{param}.type", kind)


def _picture(given: Any, param: str) -> str:
    url = given.get("url") if isinstance(given, dict) else None
    if not isinstance(url, str):
        raise errors.missing(f"{param}.image_url.url")
    if given.get("detail", "auto") not in DETAILS:
        raise errors.invalid_value(f"{param}.image_url.detail", given["detail"])
    match = _DATA.fullmatch(url)
    if match is None:  # the simulator fetches nothing
        raise errors.error(400, "Failed to download image.", code="invalid_image_url")
    if (data := pictures.decoded(match[2])) is None:
        raise errors.error(400, "Invalid base64 image_url.", code="invalid_base64")
    if not match[1].startswith("image/"):
        message = "Invalid MIME type. Only image types are supported."
        raise errors.error(400, message, code="invalid_image_format")
    mark = pictures.mark(data)
    if mark is None or match[1] not in PICTURE_TYPES:
        formats = "['png', 'jpeg', 'gif', 'webp']"
        message = "You uploaded an unsupported image. Please make sure your image has of one the "
        message += f"following formats: {formats}."
        raise errors.error(400, message, code="invalid_image_format")
    return mark
