"""Check an answer while it streams: citations against the passages, links against what is cited.

Pure. Text goes out at once, but for a citation that is not finished and a link that is not
proven: these are held back until they are.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from knowledge.links import find_links, links_in, plain

LINK_REMOVED = "[link removed]"

_CITATION = re.compile(r"\[(?=[\d\s,;–-]{1,60}\])\s*\d+(?:\s*[,;–-]\s*\d+)*\s*\]")
_BEGUN_CITATION = re.compile(r"\[[\d\s,;–-]{0,60}$")
_RUN = re.compile(r"[^\s\[]+|\[")
# From here on a run of characters may turn out to be a link.
_SUSPICIOUS = re.compile(r"[^\w,!?()'\"*\[。、「」『』“”‘’–—-]")
_LINK_BEGINNINGS = ("http", "https", "www", "ftp", "javascript")
# What may follow a word without a space where a citation between them is taken out.
_CLOSING = re.compile(r"[.,;:!?)\"'”’*_]+")


@dataclass(frozen=True)
class _Unproven:
    """Text with links that stand in passages which the answer has not cited yet."""

    text: str
    links: frozenset[str]
    redacted: str


class CheckedStream:
    """Feed it a model's text; it returns what may be shown. Concatenated, that is the answer.

    Citations come out as [1], [2], … in the order in which passages are first cited; `cited`
    holds the numbers, from 0, of these passages. A citation of anything else is taken out, and so
    is every link that no cited passage holds.
    """

    def __init__(self, passages: Sequence[str]) -> None:
        self.cited: list[int] = []
        self._passages = tuple(passages)
        self._unread = ""
        self._run = ""  # the part of the present run that is out already
        self._space = ""  # read, and out as soon as something follows
        self._dropped = False  # a citation was taken out just before
        self._queue: list[str | _Unproven] = []

    @cached_property
    def _links(self) -> list[set[str]]:
        """The links of each passage; sought when the answer has one, and most have none."""
        return [links_in(text) for text in self._passages]

    def feed(self, text: str) -> str:
        self._unread += text
        self._read(final=False)
        return self._release(paragraph_over=False)

    def finish(self) -> str:
        """The rest; nothing is held back any more."""
        self._read(final=True)
        return self._release(paragraph_over=True)

    def _read(self, *, final: bool) -> None:
        while self._unread:
            if self._unread[0].isspace():
                self._read_space()
            elif citation := _CITATION.match(self._unread):
                self._read_citation(citation[0])
            elif (not final and _BEGUN_CITATION.match(self._unread)) or not self._read_run(final):
                return

    def _read_space(self) -> None:
        rest = self._unread.lstrip()
        if self._dropped and "\n" not in self._space:
            self._space = ""
        self._space += self._unread[: len(self._unread) - len(rest)]
        self._unread, self._run, self._dropped = rest, "", False
        if "\n" in self._space:
            self._queue.append(self._release(paragraph_over=True))

    def _read_citation(self, citation: str) -> None:
        self._unread = self._unread[len(citation) :]
        numbers = [int(n) - 1 for n in _expanded(citation)]
        known = [n for n in dict.fromkeys(numbers) if 0 <= n < len(self._passages)]
        if not known:
            self._dropped = True
            return
        self._run, self._dropped = "", False
        self.cited.extend(n for n in known if n not in self.cited)
        self._emit("".join(f"[{self.cited.index(n) + 1}]" for n in known))

    def _read_run(self, final: bool) -> bool:
        """Read up to the next white space or bracket; False where its end is still to come."""
        match = _RUN.match(self._unread)
        assert match is not None
        run = match[0]
        if run == "[":
            self._unread = self._unread[1:]
            self._keep_apart(run)
            self._emit(run)
            self._run = run
        elif len(run) < len(self._unread) or final:
            self._unread = self._unread[len(run) :]
            self._emit_run(run)
        else:
            self._emit_beginning(run)
            return False
        return True

    def _keep_apart(self, run: str) -> bool:
        """Whether `run` closes what stood before a citation that was taken out. Anything else is
        kept apart from it, so that nothing is made of the two."""
        if not self._dropped:
            return False
        closing = _CLOSING.fullmatch(run) is not None
        if not closing and self._run and not self._space:
            self._space = " "
        elif closing and "\n" not in self._space:
            self._space = ""
        self._run, self._dropped = "", False
        return closing

    def _emit_beginning(self, run: str) -> None:
        """Of a run that goes on, what can't be part of a link."""
        before = "" if self._dropped else self._run
        if _doubtful_from(before) < len(before) or _begins_link(before + run):
            return
        begun = run[: _doubtful_from(run)]
        if begun and not (self._dropped and _CLOSING.fullmatch(begun)):
            self._keep_apart(begun)
            self._emit(begun)
            self._run += begun
            self._unread = run[len(begun) :]

    def _emit_run(self, run: str) -> None:
        """A whole run, of which `self._run` is out already: with its links proven or redacted."""
        closing = self._keep_apart(run)
        whole = self._run + run
        redacted, links = _redacted(whole, len(self._run))
        if not links:
            self._emit(run)
        elif all(any(link in known for known in self._links) for link in links):
            self._emit(_Unproven(run, links, redacted))
        else:
            self._emit(redacted)
        self._run = whole
        # A bracket right behind a link would become part of it.
        if self._unread.startswith("[") and (closing or find_links(plain(whole) + "[x")):
            self._space = " "

    def _emit(self, item: str | _Unproven) -> None:
        if self._space and item:
            self._queue.append(self._space)
            self._space = ""
        self._queue.append(item)

    def _release(self, *, paragraph_over: bool) -> str:
        """What stands in the queue up to the first link that is not proven."""
        out = []
        while self._queue:
            item = self._queue[0]
            if isinstance(item, _Unproven):
                if item.links <= set().union(*(self._links[n] for n in self.cited)):
                    item = item.text
                elif paragraph_over:
                    item = item.redacted
                else:
                    break
            out.append(item)
            self._queue.pop(0)
        return "".join(out)


def _redacted(run: str, out: int) -> tuple[str, frozenset[str]]:
    """What may be shown of a run after its first `out` characters, and the links that are not."""
    whole = plain(run)
    spans = [(start, end) for start, end in find_links(whole) if end > out or whole != run]
    text = ""
    for start, end in spans:
        text += whole[out : max(start, out)] + LINK_REMOVED
        out = end
    text += whole[out:]
    if whole != run or find_links(text):
        text = LINK_REMOVED
    return text, frozenset(whole[start:end] for start, end in spans)


def _doubtful_from(run: str) -> int:
    """Where the first character stands that a link could have."""
    doubts = (i for i, c in enumerate(run) if _SUSPICIOUS.search(plain(c) or "."))
    return next(doubts, len(run))


def _begins_link(run: str) -> bool:
    word = plain(run[:40]).lstrip("([\"'*_").lower()
    return bool(word) and any(b.startswith(word) or word.startswith(b) for b in _LINK_BEGINNINGS)


def _expanded(citation: str) -> list[str]:
    """The numbers of "[1, 3-5]": 1, 3, 4, 5."""
    numbers: list[str] = []
    for part in re.split(r"[,;]", citation.strip("[]")):
        first, *last = re.split(r"[–-]", part.strip())
        end = int(last[0]) if last and last[0].strip() else int(first)
        numbers.extend(str(n) for n in range(int(first), min(end, int(first) + 20) + 1))
    return numbers
