"""Pictures in requests to the model APIs: decoded, and seen well enough for a sentence."""

import base64
import binascii
import io
import re

from PIL import Image

COLOURS = {
    "black": (0, 0, 0),
    "white": (255, 255, 255),
    "grey": (128, 128, 128),
    "red": (220, 30, 30),
    "green": (30, 160, 30),
    "blue": (40, 80, 200),
}
_SEEN = re.compile(r"^\[picture: (.*)\]$", re.MULTILINE)


def decoded(data: object) -> bytes | None:
    """What stands in base64, in either alphabet; None where it isn't base64."""
    if not isinstance(data, str) or not data:
        return None
    try:
        return base64.b64decode(data.replace("-", "+").replace("_", "/"), validate=True)
    except binascii.Error:
        return None


def mark(data: bytes) -> str | None:
    """How a picture stands in the prompt's text; None where it is none."""
    try:
        image = Image.open(io.BytesIO(data)).convert("RGB")
    except (OSError, SyntaxError, ValueError):
        return None
    return f"[picture: {image.width} by {image.height} pixels, mostly {_colour(image)}]"


def description(prompt: str) -> str | None:
    """What a model says of the prompt's last picture, if it has one."""
    found = _SEEN.findall(prompt)
    return f"A picture of {found[-1]}." if found else None


def _colour(image: Image.Image) -> str:
    pixel = image.resize((1, 1), Image.Resampling.BOX).tobytes()

    def distance(name: str) -> int:
        return sum((a - b) ** 2 for a, b in zip(pixel, COLOURS[name], strict=True))

    return min(COLOURS, key=distance)
