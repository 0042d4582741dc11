"""The answerer that needs no model: it quotes the sentences that fit the question best."""

import math
import re
from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Sequence

from knowledge.chunking import Span, sentences
from knowledge.errors import NoAnswer
from knowledge.index.terms import content_terms
from knowledge.passages import Passage
from knowledge.prompts import Prompt

OPENING = "No language model could be reached, so this is quoted word for word:"
QUOTES = 3
QUOTE_CHARACTERS = 400
CONTEXT_CHARACTERS = 300
# A further passage is quoted where it fits at least this much as well as the best one.
WORTH_QUOTING = 0.6
_NUMBER = re.compile(r"\[\s*(\d+(?:\s*[,;–-]\s*\d+)*)\s*\]")
_WRAP = re.compile(r"\s*\n(?!\s*(?:[-*•|]|\d{1,3}[.)]\s))\s*")


class Extractive:
    """Quotes passages, with citations."""

    name = "extractive"

    async def stream(self, prompt: Prompt) -> AsyncGenerator[str]:
        if not prompt.passages:
            raise NoAnswer("without a model there are only the documents")
        yield OPENING
        for quote in _quotes(prompt.standalone or prompt.question, prompt.passages):
            yield f"\n\n{quote}"

    async def aclose(self) -> None:
        """Nothing was opened."""


def _quotes(question: str, passages: Sequence[Passage]) -> Iterator[str]:
    """The best passages' best stretches, each with its citation."""
    rarity = _rarity(question, passages)
    fits = [
        (score * passage.score, -number, stretch)
        for number, passage in enumerate(passages, start=1)
        for score, stretch in [_best_stretch(passage.text, rarity)]
    ]
    # Between passages that fit equally well the search's order decides.
    best = sorted(fits, reverse=True)[:QUOTES]
    if best[0][0] <= 0:  # the passages say it in other words
        yield _as_quote(_opening(passages[0].text), 1)
        return
    for score, number, stretch in best:
        if score >= WORTH_QUOTING * best[0][0]:
            yield _as_quote(stretch, -number)


def _as_quote(stretch: str, number: int) -> str:
    """The stretch as a Markdown quotation; only list items and table rows keep their lines. Its own
    numbers in brackets are no citations."""
    lines = _WRAP.sub(" ", _NUMBER.sub(r"(\1)", stretch)).split("\n")
    # Behind a table's row the citation would become a cell.
    citation = f"\n\n[{number}]" if lines[-1].startswith("|") else f" [{number}]"
    return "\n".join(f"> {line}".rstrip() for line in ("\n".join(lines) + citation).split("\n"))


def _opening(text: str) -> str:
    """The first sentences, as many as make a quote."""
    spans = sentences(text)
    ends = [end for _, end in spans if end - spans[0][0] <= QUOTE_CHARACTERS] or [spans[0][1]]
    return text[spans[0][0] : ends[-1]]


def _best_stretch(text: str, rarity: dict[str, float]) -> tuple[float, str]:
    """The neighbouring sentences that hold most of the question's terms, and how much that is."""
    spans = sentences(text)
    best, chosen = -1.0, (0, 0)
    for first, (start, _) in enumerate(spans):
        for last, (_, end) in enumerate(spans[first:], start=first):
            if end - start > QUOTE_CHARACTERS and last != first:
                break
            held = set(content_terms(text[start:end]))
            # A longer stretch has to earn its length.
            score = sum(rarity.get(term, 0.0) for term in held) - (end - start) / 10_000
            if score > best:
                best, chosen = score, (first, last)
    return best, _with_context(text, spans, *chosen)


def _with_context(text: str, spans: list[Span], first: int, last: int) -> str:
    """The stretch with the sentences around it, as far as they fit: a sentence alone misleads. What
    a colon announces belongs to it in any case."""
    end = len(spans) - 1
    while last < end and (
        text[spans[last][1] - 1] == ":"
        or spans[last + 1][1] - spans[first][0] <= CONTEXT_CHARACTERS
    ):
        last += 1
    while first > 0 and spans[last][1] - spans[first - 1][0] <= CONTEXT_CHARACTERS:
        first -= 1
    return text[spans[first][0] : spans[last][1]]


def _rarity(question: str, passages: Sequence[Passage]) -> dict[str, float]:
    """How much each of the question's terms tells the passages apart."""
    held_by: Counter[str] = Counter()
    for passage in passages:
        held_by.update(set(content_terms(passage.text)))
    wanted = set(content_terms(question))
    return {term: math.log(1 + len(passages) / (1 + held_by[term])) for term in wanted}
