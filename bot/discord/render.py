"""What Discord is given beside an answer's words. Pure.

Names and excerpts come from documents; they are escaped as the answer is.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from bot import wording
from bot.discord.markdown import markdown
from bot.platforms import Closing, Source

JSON = dict[str, Any]

# Characters of a message.
MOST = 2_000
# Of a source's name and excerpt, the longest that let all sources stand there.
_LENGTHS = ((80, 120), (80, 50), (80, 0), (40, 0), (20, 0))
_ELLIPSIS = "…"
THUMB, SHARE, REASON = "thumb", "share", "reason"
_BUTTON, _ROW, _LABEL, _TEXT_INPUT = 2, 1, 18, 4
_SECONDARY = 2
# Nobody is mentioned, whatever a message says; not its author either when it is replied to.
NO_MENTIONS: JSON = {"parse": [], "replied_user": False}
# No preview is made of a link.
NO_PREVIEWS = 1 << 2


def message(text: str, closing: Closing | None = None) -> JSON:
    """A message's content and buttons; given with every edit, for what is left out stays."""
    return {
        "content": _with_sources(text, closing),
        "components": _buttons(closing),
        "allowed_mentions": NO_MENTIONS,
        "flags": NO_PREVIEWS,
    }


def _with_sources(text: str, closing: Closing | None) -> str:
    text = text.strip() or _ELLIPSIS
    if closing is None:
        return text[:MOST]
    notice = [f"-# {_escaped(closing.notice, 400)}"] if closing.notice else []
    room = MOST - len(text) - sum(map(len, notice)) - 40
    below = [*_sources(closing.sources, room), *notice]
    return "\n".join([text, *below])[:MOST]


def _sources(sources: Sequence[Source], room: int) -> Sequence[str]:
    """Rather all sources without excerpts, or with short names, than some of them: what the answer
    cites is to be found below it."""
    for name, excerpt in _LENGTHS:
        lines = [_source_line(source, name, excerpt) for source in sources]
        if sum(len(line) + 1 for line in lines) <= room:
            return lines
    return [*_fitting(lines, room)]


def _fitting(lines: Sequence[str], room: int) -> Iterator[str]:
    """The first lines, and how many more there are."""
    for number, line in enumerate(lines):
        room -= len(line) + 1
        if room < 0:
            yield "-# " + wording.MORE_SOURCES.format(count=len(lines) - number)
            return
        yield line


def _source_line(source: Source, most: int, quoted: int) -> str:
    form = wording.SOURCE if source.page is None else wording.SOURCE_WITH_PAGE
    line = form.format(
        number=source.number, document=_escaped(source.document, most), page=source.page
    )
    excerpt = _escaped(source.excerpt, quoted) if quoted else ""
    return "-# " + (wording.QUOTED.format(source=line, excerpt=excerpt) if excerpt else line)


def _escaped(text: str, most: int) -> str:
    text = " ".join(text.split())
    return markdown(text if len(text) <= most else text[: most - 1].rstrip() + _ELLIPSIS)


def _buttons(closing: Closing | None) -> list[JSON]:
    buttons = []
    if closing is not None and closing.rated is not None:
        buttons.append(_button(f"{THUMB}:up:{closing.rated}", wording.HELPFUL))
        buttons.append(_button(f"{THUMB}:down:{closing.rated}", wording.NOT_HELPFUL))
    if closing is not None and closing.shared is not None:
        buttons.append(_button(f"{SHARE}:{closing.shared}", wording.SHARE))
    for one in closing.buttons if closing is not None else ():
        buttons.append(_button(f"{one.action}:{one.value}", one.label))
    return [{"type": _ROW, "components": buttons}] if buttons else []


def _button(custom_id: str, label: str) -> JSON:
    return {"type": _BUTTON, "style": _SECONDARY, "label": label, "custom_id": custom_id}


def reason_form(pk: str) -> JSON:
    """The form that asks why an answer was not helpful."""
    field = {"type": _TEXT_INPUT, "custom_id": REASON, "style": 2, "required": False}
    asked = {"type": _LABEL, "label": wording.REASON_LABEL, "component": field}
    return {"custom_id": f"{REASON}:{pk}", "title": wording.REASON_TITLE, "components": [asked]}
