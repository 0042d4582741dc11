"""An answer's Markdown for Discord. Pure.

Discord is told with every message that nobody is to be mentioned; what looks like a mention of a
person, role, channel, command, emoji or time is shown as it was written.
"""

import re

from bot.markdown import JOINER, Dialect

_PING = re.compile(r"(?<![a-zA-Z0-9])@(?=here|everyone)", re.IGNORECASE)
_CONTROL = re.compile(r"<(?=[@#:/]|a:|t:|id:|sound:)", re.IGNORECASE)


def _safe(text: str) -> str:
    return _PING.sub("@" + JOINER, _CONTROL.sub("<" + JOINER, text))


def _as_it_is(text: str) -> str:
    """In code nothing has a meaning, and people copy it."""
    return text


markdown = Dialect(_safe, _as_it_is).render
