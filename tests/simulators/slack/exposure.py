"""Whom a message would ping, and which links it would unfurl."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.simulators.slack.state import JSON, Message

CONTROL = re.compile(r"<([@!][^>|\s]+)(?:\|[^>]*)?>")
# With parse=full or link_names Slack turns these into pings itself.
BARE = re.compile(r"(?<!\w)@(here|channel|everyone)\b")
LINK = re.compile(r"https?://[^\s>|)]+")


@dataclass(frozen=True)
class Ping:
    """`who` is as written: !here, !channel, !everyone, !subteam^S…, @U…"""

    channel: str
    ts: str
    who: str
    by_app: bool


def marked_texts(message: Message) -> Iterator[str]:
    """The texts of a message in which Slack reads its markup."""
    yield message.text
    yield from _marked(message.blocks)
    yield from _marked(message.attachments)


def pinged(message: Message) -> list[str]:
    found = [who for text in marked_texts(message) for who in CONTROL.findall(text)]
    if message.parse:
        found += [f"!{who}" for text in marked_texts(message) for who in BARE.findall(text)]
    found += _rich(message.blocks)
    return list(dict.fromkeys(w for w in found if not w.startswith("!date")))


def unfurled(message: Message) -> list[str]:
    """The links that Slack may fetch and show: streams and edits take no flags of their own."""
    if message.unfurl.get("unfurl_links") is False and message.unfurl.get("unfurl_media") is False:
        return []
    found = [link for text in marked_texts(message) for link in LINK.findall(text)]
    return list(dict.fromkeys(found))


def _marked(part: Any) -> Iterator[str]:
    if isinstance(part, list):
        for item in part:
            yield from _marked(item)
    elif isinstance(part, dict):
        if part.get("type") in ("mrkdwn", "markdown") and isinstance(part.get("text"), str):
            yield part["text"]
        elif part.get("type") != "plain_text":
            for name, value in part.items():
                if isinstance(value, dict | list):
                    yield from _marked(value)
                elif name in ("pretext", "fallback"):
                    yield str(value)


def _rich(blocks: list[JSON]) -> list[str]:
    found: list[str] = []
    for block in blocks:
        for element in _flat(block.get("elements")) if block.get("type") == "rich_text" else ():
            if element.get("type") == "user":
                found.append(f"@{element.get('user_id')}")
            elif element.get("type") == "usergroup":
                found.append(f"!subteam^{element.get('usergroup_id')}")
            elif element.get("type") == "broadcast":
                found.append(f"!{element.get('range')}")
    return found


def _flat(elements: Any) -> Iterator[JSON]:
    for element in elements or []:
        yield element
        yield from _flat(element.get("elements"))
