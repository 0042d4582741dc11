"""An answer's Markdown for Slack. Pure."""

import re

from bot.markdown import JOINER, Dialect

_PING = re.compile(r"(?<![a-zA-Z0-9])@(?=here|channel|everyone)", re.IGNORECASE)


def _safe(text: str) -> str:
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _PING.sub("@" + JOINER, text)


markdown = Dialect(_safe, _safe).render
