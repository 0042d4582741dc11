"""What Slack is given beside an answer's words. Pure.

Names and excerpts come from documents, so they go into plain text, where nothing pings or links.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from bot import wording
from bot.platforms import Button, Closing, Source
from bot.slack.markdown import markdown

Block = dict[str, Any]

_FALLBACK = 3_900
_TEXT = 3_000
_BUTTON = 75
_EXCERPT = 160
_NAME = 200
_ALL_SOURCES = 3_000
_ELEMENTS = 10
_ELLIPSIS = "…"
# Marks of Markdown that plain text would show.
_MARKS = re.compile(r"\*\*|__|`+|^#{1,6} ", re.MULTILINE)


def plain(text: str, most: int = _TEXT) -> Block:
    """Text that stands as it is, of at most so many characters; Slack takes no empty one."""
    return {"type": "plain_text", "text": _cut(text, most) or _ELLIPSIS, "emoji": False}


def notice_block(text: str) -> Block:
    return {"type": "context", "elements": [plain(text)]}


def sources_blocks(sources: Sequence[Source]) -> list[Block]:
    """The sources as context blocks, of 3,000 characters together."""
    lines = list(_fitting([_source_line(source) for source in sources]))
    rows = [lines[i : i + _ELEMENTS] for i in range(0, len(lines), _ELEMENTS)]
    return [{"type": "context", "elements": [plain(line) for line in row]} for row in rows]


def closing_blocks(closing: Closing | None) -> list[Block]:
    """Everything that stands below an answer."""
    if closing is None:
        return []
    below = sources_blocks(closing.sources)
    if closing.notice:
        below.append(notice_block(closing.notice))
    if closing.rated is not None:
        below.append(feedback_block(str(closing.rated)))
    if closing.shared is not None:
        below.append(share_block(str(closing.shared)))
    if closing.buttons:
        below.append(buttons_block(closing.buttons))
    return below


def feedback_block(value: str) -> Block:
    buttons = {
        "type": "feedback_buttons",
        "action_id": "feedback",
        "positive_button": {"text": _label(wording.HELPFUL), "value": f"up:{value}"},
        "negative_button": {"text": _label(wording.NOT_HELPFUL), "value": f"down:{value}"},
    }
    return {"type": "context_actions", "elements": [buttons]}


def share_block(value: str) -> Block:
    return {"type": "actions", "elements": [_button("share", wording.SHARE, value)]}


def buttons_block(buttons: Sequence[Button]) -> Block:
    elements = [_button(one.action, one.label, str(one.value)) for one in buttons]
    return {"type": "actions", "elements": elements}


def _button(action: str, label: str, value: str) -> Block:
    return {"type": "button", "action_id": action, "text": _label(label), "value": value}


def reason_view(metadata: str) -> Block:
    """The form that asks why an answer was not helpful."""
    reason = {
        "type": "plain_text_input",
        "action_id": "reason",
        "multiline": True,
        "max_length": 3_000,
    }
    asked = {
        "type": "input",
        "block_id": "reason",
        "optional": True,
        "label": _label(wording.REASON_LABEL),
        "element": reason,
    }
    return {
        "type": "modal",
        "callback_id": "feedback_reason",
        "private_metadata": metadata,
        "title": _label(wording.REASON_TITLE),
        "submit": _label(wording.REASON_SEND),
        "close": _label(wording.REASON_SKIP),
        "blocks": [asked],
    }


def lead(question: str, name: str) -> str:
    """What stands above an answer that somebody of this name shared; nothing without a name."""
    if not name:
        return ""
    question = " ".join(question.split())
    return f"> {markdown(question)}\n> {markdown(wording.SHARED_BY.format(name=name))}\n\n"


def whole_blocks(text: str, extra: Sequence[Block]) -> list[Block]:
    """`text`, rendered already, followed by `extra`."""
    return [*([{"type": "markdown", "text": text}] if text.strip() else []), *extra]


def fallback(text: str) -> str:
    """`text`, rendered already, for where no blocks are shown."""
    if len(text) <= _FALLBACK:
        return text
    return re.sub(r"&\w*$", "", text[: _FALLBACK - 1]).rstrip() + _ELLIPSIS


def _label(text: str) -> Block:
    return plain(text, _BUTTON)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + _ELLIPSIS


def _one_line(text: str, most: int) -> str:
    return _cut(" ".join(text.split()), most)


def _source_line(source: Source) -> str:
    form = wording.SOURCE if source.page is None else wording.SOURCE_WITH_PAGE
    line = form.format(
        number=source.number, document=_one_line(source.document, _NAME), page=source.page
    )
    excerpt = _one_line(_MARKS.sub("", source.excerpt), _EXCERPT)
    return wording.QUOTED.format(source=line, excerpt=excerpt) if excerpt else line


def _fitting(lines: Sequence[str]) -> Iterator[str]:
    """The first lines, and how many more there are."""
    room = _ALL_SOURCES - len(wording.MORE_SOURCES) - 10
    for i, line in enumerate(lines):
        room -= len(line)
        if room < 0:
            yield wording.MORE_SOURCES.format(count=len(lines) - i)
            return
        yield line
