"""Cut text into chunks: a few whole sentences each, with a sentence of overlap. Pure."""

import re

Span = tuple[int, int]

# A sentence ends at its closing mark before something that can begin one, at a blank line, and
# before a line that begins a list item or a table row. A single line break is a wrapped line.
_SENTENCE_END = re.compile(
    r"""(?<=[.!?…])["'”’)\]]*\s+(?=["'“‘(\[]*[^\W_a-z])   # "… days. Ask …", but not "e.g. this"
      | [。！？]\s*
      | (?<!\s)\s*\n[ \t]*\n\s*                             # a blank line
      | (?<!\s)\s*\n(?=[ \t]*(?:[-*•●▪‣|]|\d{1,3}[.)]\s))         # a list item, a table row
    """,
    re.VERBOSE,
)
_WORD = re.compile(r"\S+")


def chunk(text: str, size: int, overlap: int) -> list[Span]:
    """Spans (start, end) of at most `size` characters that cover every word of the text in order.

    A chunk ends where a sentence ends; a sentence longer than `size` is split at words (and a
    longer word anywhere). A chunk begins with the last sentence of the one before it where that
    sentence fits into `overlap` characters.
    """
    chunks: list[Span] = []
    current: list[Span] = []
    for sentence in _pieces(text, size):
        if current and sentence[1] - current[0][0] > size:
            chunks.append((current[0][0], current[-1][1]))
            current = _carried_over(current, sentence, size, overlap)
        current.append(sentence)
    if current:
        chunks.append((current[0][0], current[-1][1]))
    return chunks


def sentences(text: str) -> list[Span]:
    """The spans of the text's sentences, without the white space between them."""
    spans, start = [], 0
    for end in [*_SENTENCE_END.finditer(text), None]:
        stop = len(text) if end is None else end.end()
        kept = text[start:stop]
        if stripped := kept.strip():
            begin = start + kept.index(stripped[0])
            spans.append((begin, begin + len(stripped)))
        start = stop
    return spans


def _pieces(text: str, size: int) -> list[Span]:
    pieces: list[Span] = []
    for start, end in sentences(text):
        if end - start <= size:
            pieces.append((start, end))
        else:
            pieces.extend(_split_at_words(text, start, end, size))
    return pieces


def _split_at_words(text: str, start: int, end: int, size: int) -> list[Span]:
    pieces: list[Span] = []
    for word in _WORD.finditer(text, start, end):
        if pieces and word.end() - pieces[-1][0] <= size:
            pieces[-1] = (pieces[-1][0], word.end())
            continue
        for begin in range(word.start(), word.end(), size):
            pieces.append((begin, min(begin + size, word.end())))
    return pieces


def _carried_over(done: list[Span], following: Span, size: int, overlap: int) -> list[Span]:
    last = done[-1]
    fits = last[1] - last[0] <= overlap and following[1] - last[0] <= size
    return [last] if fits and len(done) > 1 else []
