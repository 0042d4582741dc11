"""An answer's Markdown for a platform, in which nothing pings and no link is live. Pure.

What the model writes is not trusted: a dialect escapes its platform's control characters. Links
are shown as inline code without their scheme, for platforms make links of all that they recognise
and fetch previews of them; Slack's streamed messages can't switch that off.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from bot.messages import Fence, fence_begun, fence_opened
from knowledge.links import Span, find_links
from knowledge.links import plain as as_read

# Invisible, and no white space: no line breaks at it and it opens no word.
JOINER = "\u2060"

_QUOTE = re.compile(r"[ \t]*(?:>[ \t]*)*")
_SPACE = re.compile(r"\s+")
_TICKS = re.compile("`+")
_CODE_LENGTH = 200
_CODE = re.compile(rf"(`+)(?!`)(.{{1,{_CODE_LENGTH}}}?)(?<!`)\1(?!`)")
_BRACKET = re.compile(r"!?\[")
_LINK = re.compile(
    r"""!?\[(?P<label>[^\[\]\n]{0,200})\]
        \(<?(?P<address>[^\s<>()`]{1,1000}(?:\([^\s<>()`]{0,1000}\)[^\s<>()`]{0,1000}){0,9})>?
        (?:[ \t]+"[^"\n]{0,200}")?[ \t]{0,9}\)""",
    re.VERBOSE,
)
_LINK_BEGUN = re.compile(
    r"""!?(?:\[[^\[\]\n]{0,200}(?:\](?:\([^\s`]{0,1010}+
        (?:[ \t]+(?:"[^"\n]{0,200}(?:"[ \t]{0,9})?)?)?)?)?)?""",
    re.VERBOSE,
)
# Scripts without spaces flow character by character: no link begins with one of these alone.
_SCRIPT = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3001-\u30ff\u3400-\u9fff，！？；（）"
_FLOWING = re.compile(rf"(?:[{_SCRIPT}]|(?<=[{_SCRIPT}])：)+")
_WORD = re.compile(rf"(?:[^\s`\[!{_SCRIPT}]|!(?!\[))+")
_RUN = re.compile(r"[^\s`\[]+")

# Without one of these nothing is a link.
_ADDRESS = re.compile(r"[.:/\\]")
_CLOSING = ".,;:!?)]}*_~"
_AUTOLINK = re.compile(r"<([a-z][a-z0-9+.-]{1,40}:[^<>]+)>(?=[.,;:!?)]*$)", re.IGNORECASE)
# All but a drive's letter.
_SCHEME = re.compile(
    r"""[a-z][a-z0-9+.-]{0,40}:/+ | [a-z][a-z0-9+.-]{1,40}:[/\\]+
        | (?<![^\W_])(?:https?|ftp|javascript|data|vbscript|mailto|tel|file):(?=\S)""",
    re.VERBOSE | re.IGNORECASE,
)
_LINK_MARK = re.compile(r"\](?=[(:])")
# After anything else a link's label could become part of an address or a ping.
_APART = " \t\n([{*|>\"'“‘«–—"


@dataclass(frozen=True)
class Dialect:
    """How a platform's control characters lose their meaning, in prose and in code."""

    escape: Callable[[str], str]
    escape_code: Callable[[str], str]

    def render(self, text: str, *, final: bool = True) -> str:
        """`text` for the platform. Unless `final`, it goes on, and a tail that may still change is
        left out: what comes out is then a beginning of what comes out of every longer text."""
        return _Renderer(text, final, self).rendered()


class _Renderer:
    def __init__(self, text: str, final: bool, dialect: Dialect) -> None:
        self._dialect = dialect
        self._lines = text.split("\n")
        self._final = final
        self._out: list[str] = []
        self._last = "\n"
        self._fence: Fence | None = None

    def rendered(self) -> str:
        *lines, last = self._lines
        for line in lines:
            self._line(line, whole=True)
            self._put("\n")
        self._line(last, whole=self._final)
        return "".join(self._out)

    def _put(self, text: str) -> None:
        if text:
            self._out.append(text)
            self._last = text[-1]

    def _put_code(self, text: str) -> None:
        if self._last in "\\`":  # which would undo the opening backtick
            self._put(JOINER)
        self._put("`" + self._dialect.escape_code(text).replace("`", "'") + "`")

    def _line(self, line: str, *, whole: bool) -> None:
        if self._fence:
            self._fenced(line, whole)
        elif whole and (fence := fence_opened(line)):
            self._put(fence.indent + fence.mark + self._dialect.escape_code(_inert(fence.info)))
            self._fence = fence
        elif whole or not fence_begun(line):
            quote = _QUOTE.match(line)
            assert quote is not None
            self._put(quote[0])
            self._inline(line[quote.end() :], whole)

    def _fenced(self, line: str, whole: bool) -> None:
        assert self._fence is not None
        if not whole:
            line = line[: len(line) - len(line.split()[-1])] if line[-1:].strip() else line
        self._put(self._dialect.escape_code(_inert(line)))
        if whole and self._fence.closed_by(line):
            self._fence = None

    def _inline(self, line: str, whole: bool) -> None:
        """Up to the end, or to what is not decided yet."""
        at = run = 0  # where the present run of characters begins
        while at < len(line):
            if match := _SPACE.match(line, at) or _FLOWING.match(line, at):
                self._put(match[0])
                end = match.end()
                run = end if match[0].isspace() else run
            elif line[at] == "`":
                run = end = self._ticks(line, at, whole)
            elif _BRACKET.match(line, at):
                run = end = self._bracket(line, at, whole)
            else:
                end = self._word(line, run, at, whole)
            if end == at:
                return
            at = end

    def _ticks(self, line: str, at: int, whole: bool) -> int:
        """Inline code; backticks without a counterpart become apostrophes."""
        ticks = _TICKS.match(line, at)
        assert ticks is not None
        code = _CODE.match(line, at)
        undecided = code is None or code.end() == len(line)
        if undecided and not whole and len(line) - at <= _CODE_LENGTH + 2 * len(ticks[0]):
            return at
        if code is None or not code[2].strip():
            self._put("'" * len(ticks[0]))
            return ticks.end()
        self._put_code(_inert(code[2].strip()))
        return code.end()

    def _bracket(self, line: str, at: int, whole: bool) -> int:
        link = _LINK.match(line, at)
        if link and len(link["address"]) <= 1000:
            self._link(link["label"], link["address"])
            return link.end()
        if not whole and _LINK_BEGUN.fullmatch(line, at):
            return at
        end = line.index("[", at) + 1
        if self._last in ":!":  # a scheme that a bracket follows is read as a link
            self._put(" ")
        self._put(line[at:end])
        return end

    def _link(self, label: str, address: str) -> None:
        """The label, and behind it where it leads."""
        if self._last not in _APART:
            self._put(" ")
        inert = _without_scheme(address)
        if label.strip() in ("", address, inert):
            self._put_code(inert)
            return
        if label.isdecimal():  # a citation
            self._put(f"[{label}]")
        else:
            self._inline(label, whole=True)
        self._put(" (")
        self._put_code(inert)
        self._put(")")

    def _word(self, line: str, run: int, at: int, whole: bool) -> int:
        match = _WORD.match(line, at)
        if match and _ADDRESS.search(as_read(match[0])):
            match = _RUN.match(line, at)
        if match is None or (match.end() == len(line) and not whole):
            return at
        # What stands right before it says whether it is a link, but is out already.
        self._put_word(line[run:at], match[0])
        return match.end()

    def _put_word(self, before: str, word: str) -> None:
        word = _AUTOLINK.sub(r"\1", word)
        before, word, spans = _with_links(before, word)
        whole, at = before + word, len(before)
        for start, end in spans:
            if end > at:
                self._put(self._literal(whole[at : max(start, at)]))
                self._put_code(_without_scheme(whole[max(start, at) : end]))
                at = end
        self._put(self._literal(whole[at:]))

    def _literal(self, text: str) -> str:
        return _LINK_MARK.sub("]" + JOINER, self._dialect.escape(text)).replace("`", "'")


@lru_cache(maxsize=4096)
def _with_links(before: str, word: str) -> tuple[str, str, list[Span]]:
    """The links in both together. Where there are any, the text is as a browser reads it."""
    read = as_read(before), as_read(word)
    if not _ADDRESS.search(read[1].rstrip(_CLOSING)):
        return before, word, []
    if spans := find_links("".join(read)):
        return *read, spans
    return before, word, find_links(before + word)


def _inert(code: str) -> str:
    """Code without the schemes of its links."""
    return re.sub(r"\S+", lambda run: _inert_run(run[0]), code)


def _inert_run(run: str) -> str:
    _, whole, spans = _with_links("", run)
    text, at = "", 0
    for start, end in spans:
        text += whole[at:start] + _without_scheme(whole[start:end])
        at = end
    return text + whole[at:]


def _without_scheme(link: str) -> str:
    link = as_read(link)
    while (shorter := _SCHEME.sub("", link)) != link:
        link = shorter
    return link.strip() or "…"
