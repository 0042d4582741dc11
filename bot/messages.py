"""Cut the text of an answer into the messages that show it. Pure."""

import re
import unicodedata
from dataclasses import dataclass, replace

_BEFORE = r"[ \t]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+){0,3}"
_FENCE = re.compile(rf"({_BEFORE})(?:(`{{3,20}})([^`]{{0,100}})|(~{{3,20}})([^~].{{0,99}})?)")
# What may still become a line that opens a fence.
_FENCE_BEGUN = re.compile(
    rf"{_BEFORE}(?:[-*+]|\d{{1,9}}[.)]?|`{{1,2}}|~{{1,2}}"
    r"|`{3,20}[^`]{0,100}|~{3,20}(?:[^~].{0,99})?)?"
)
_ENTITY_BEGUN = re.compile(r"&#?\w{0,10}$")
_ZERO_WIDTH_JOINER = "\u200d"


@dataclass(frozen=True)
class Fence:
    """An open code fence; `dedent` characters of white space are taken off its lines."""

    indent: str
    mark: str
    info: str
    dedent: int = 0

    @property
    def opening(self) -> str:
        return f"{self.indent}{self.mark}{self.info}\n"

    @property
    def closing(self) -> str:
        return re.sub(r"[^\t]", " ", self.indent) + self.mark

    def closed_by(self, line: str) -> bool:
        mark = line.strip()
        return len(mark) >= len(self.mark) and not mark.strip(self.mark[0])


def fence_opened(line: str) -> Fence | None:
    if match := _FENCE.fullmatch(line):
        indent, ticks, ticks_info, tildes, tildes_info = match.groups(default="")
        return Fence(indent, ticks or tildes, (ticks_info or tildes_info).rstrip())
    return None


def fence_begun(line: str) -> bool:
    """Whether `line`, which goes on, may open a fence."""
    return _FENCE_BEGUN.fullmatch(line) is not None


def split(text: str, limit: int, *, final: bool) -> list[str]:
    """`text`, rendered for its platform, as messages of at most `limit` (1,000 or more) bytes.

    While `text` grows, all messages but the last stay as they are, and the last only grows: what
    can't be placed yet is held back unless `final`.
    """
    splitter = _Splitter(limit)
    *lines, last = text.split("\n")
    for line in lines:
        splitter.add_line(line)
    if not final:
        return splitter.with_begun(last)
    splitter.add_line(last)
    return splitter.finished()


class _Splitter:
    def __init__(self, limit: int) -> None:
        self._limit = limit
        # From here on a line of its own starts a new message.
        self._soft = limit * 3 // 4
        # A word that begins this near to the limit is not cut.
        self._margin = min(200, limit // 8)
        self._done: list[str] = []
        self._text = ""
        self._size = 0
        self._fence: Fence | None = None

    def add_line(self, line: str) -> None:
        if self._fence and self._fence.closed_by(line):
            self._close_fence(line)
        elif not self._fence and fence_opened(line):
            self._open_fence(line)
        else:
            self._add(self._placed(line) + "\n")

    def with_begun(self, line: str) -> list[str]:
        """The messages with a last line that goes on."""
        if self._fence:
            undecided = not line.strip().strip(self._fence.mark[0])
            undecided |= self._is_late and _size(line.rstrip()) <= self._room
        else:
            undecided = fence_begun(line)
        if not undecided:
            line = self._placed(line)
            self._add(line[: self._certain(line)])
        begun = self._text.rstrip()
        return [*self._done, begun] if begun else self._done

    def finished(self) -> list[str]:
        self._break()
        return self._done

    @property
    def _is_late(self) -> bool:
        return self._size >= self._soft

    @property
    def _room(self) -> int:
        """The bytes that still fit, with the line that closes an open fence."""
        room = self._limit - self._size
        if self._fence:
            room -= _size(self._fence.closing) + 1
            room -= 0 if self._text else _size(self._fence.opening)
        return room

    def _add(self, text: str) -> None:
        if not self._text:
            if not text.strip():
                return
            text = (self._fence.opening if self._fence else "") + text
        self._text += text
        self._size += _size(text)

    def _break(self) -> None:
        text = self._text.rstrip()
        if self._fence:
            if text:
                text += "\n" + self._fence.closing
            dedent = self._fence.dedent + len(self._fence.indent)
            self._fence = replace(self._fence, indent="", dedent=dedent)
        if text:
            self._done.append(text)
        self._text, self._size = "", 0

    def _open_fence(self, line: str) -> None:
        needed = 2 * _size(line) + self._margin
        if (self._is_late and not line[0].isspace()) or self._room < needed:
            self._break()
        shown = line if self._text else line.lstrip()
        fence = fence_opened(shown)
        assert fence is not None
        self._add(shown.rstrip() + "\n")
        self._fence = replace(fence, dedent=len(line) - len(shown))

    def _close_fence(self, line: str) -> None:
        assert self._fence is not None
        if self._text:
            line = self._dedented(line).rstrip()
            if self._size + _size(line) > self._limit:
                self._text, line = self._text.rstrip() + "\n", self._fence.closing
                self._size = _size(self._text)
            self._add(line + "\n")
        self._fence = None

    def _placed(self, line: str) -> str:
        """The rest of `line` that belongs to the present message, which may be a new one."""
        starts_message = _size(line.rstrip()) > self._room if self._fence else line[:1].strip()
        if self._is_late and starts_message:
            self._break()
        line = self._dedented(line) if self._text or self._fence else line.lstrip()
        while _size(line.rstrip()) > self._room:
            end = self._cut(line)
            self._add(line[:end])
            self._break()
            line = line[end:].lstrip()
        return line

    def _dedented(self, line: str) -> str:
        dedent = self._fence.dedent if self._fence else 0
        return line[:dedent].lstrip() + line[dedent:]

    def _cut(self, line: str) -> int:
        """Where to cut a line that is too long: near the end of the room, between words."""
        start, end = self._last_stretch(line)
        if gaps := self._gaps(line, start, end):
            return gaps[-1]
        if start == 0 and self._text:
            return 0
        spaces = [i for i in range(max(start, 1), end + 1) if line[i].isspace()]
        return spaces[-1] if spaces else _boundary(line, start, end)

    def _certain(self, line: str) -> int:
        """How much of a line that goes on stays in this message, however it goes on."""
        start, end = self._last_stretch(line)
        return max(self._gaps(line, start, end), default=start)

    def _last_stretch(self, line: str) -> tuple[int, int]:
        """In which the line is cut if need be."""
        line_bytes = line.encode()
        ends = (max(self._room - self._margin, 0), max(self._room, 0))
        start, end = (len(line_bytes[:at].decode(errors="ignore")) for at in ends)
        return start, end

    def _gaps(self, line: str, start: int, end: int) -> list[int]:
        """The white space at which the line may be cut: not in inline code, and not before what
        would look like a fence at the beginning of a line."""
        gaps, ticks = [], line.count("`", 0, start)
        last = len(line.rstrip())
        for i in range(start, min(end + 1, last)):
            ticks += line[i] == "`"
            in_code = ticks % 2 and not self._fence
            if i and line[i].isspace() and not in_code and line[i:last].lstrip()[0] not in "`~":
                gaps.append(i)
        return gaps


def _boundary(text: str, start: int, end: int) -> int:
    """The last place from `start` to `end` that cuts no entity and no composed character."""
    for i in range(end, start, -1):
        if not _joined(text, i):
            return i
    return end


def _joined(text: str, at: int) -> bool:
    if at >= len(text):
        return False
    before, after = text[at - 1], text[at]
    return (
        _ENTITY_BEGUN.search(text, max(0, at - 12), at) is not None
        or _ZERO_WIDTH_JOINER in (before, after)
        or unicodedata.category(after).startswith("M")
        or "\U0001f3fb" <= after <= "\U0001f3ff"  # the colour of an emoji's skin
        or after in "`~"
    )


def _size(text: str) -> int:
    return len(text.encode())
