"""What files are called, as it is safe to show and store. Pure."""

import re
import unicodedata
from pathlib import PurePath

from knowledge.extraction import clean

# What nobody sees though Unicode counts it as letters, marks or symbols.
_BLANK = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef]"
)


def visible(text: str) -> str:
    """The text in one line without characters that nobody sees, some of which turn round the order
    of those that stand behind them."""
    characters = [" " if c.isspace() else c for c in _BLANK.sub("", text)]
    return "".join(c for c in characters if not unicodedata.category(c).startswith("C"))


def file_name(name: str) -> str:
    """The last part of a path as a name that is safe to show and store."""
    last = PurePath(visible(clean(name)).replace("\\", "/")).name.strip()
    return last[-255:] or "unnamed"
