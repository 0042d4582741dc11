"""What people write in Slack, as plain words. Pure."""

import html
import re

_CONTROL = re.compile(r"( ?)<([@#!]?)([^<>|]*)(?:\|([^<>]*))?>")


def plain_text(text: str, bot: str = "") -> str:
    """Slack's text without its markup. Mentions of the bot are taken out, and those of people whom
    Slack does not name: their ids are no words."""

    def replaced(match: re.Match[str]) -> str:
        space, kind, what, label = match.groups()
        if kind == "@" and (what == bot or not label):
            return ""
        if kind in ("@", "#"):
            return f"{space}{kind}{label or what}"
        if kind == "!":
            return space + (label or f"@{what.partition('^')[0]}")
        return space + (label or what)

    return html.unescape(_CONTROL.sub(replaced, text)).strip()


def mentions(text: str) -> list[str]:
    """The ids of the people that a text mentions, in order."""
    return [what for _, kind, what, _ in _CONTROL.findall(text) if kind == "@"]
