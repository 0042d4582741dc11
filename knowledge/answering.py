"""From a question to a stream of answer events: retrieve, prompt, generate, check citations."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from uuid import UUID

from django.conf import settings

from knowledge import retrieval, wording
from knowledge.categories import Category, category_of, concerns_team, names_in
from knowledge.citations import CheckedStream
from knowledge.errors import ProviderError
from knowledge.followups import follows_up, standalone
from knowledge.models import Space
from knowledge.passages import Passage
from knowledge.prompts import NOT_IN_DOCUMENTS, Prompt, Turn
from knowledge.providers import chain, fallback
from knowledge.threads import in_pool


@dataclass(frozen=True)
class Status:
    """What is going on, for the person who waits."""

    text: str


@dataclass(frozen=True)
class Delta:
    """The next piece of the answer."""

    text: str


@dataclass(frozen=True)
class Restart:
    """Everything that was streamed so far is void; the answer begins anew."""

    text: str


@dataclass(frozen=True)
class Answer:
    """The whole answer. `text` is the pieces since the last restart put together.

    `sources` are the cited passages in the order of their numbers; `drawn_on` is everything that
    was put before the model.
    """

    text: str
    category: Category
    provider: str
    sources: Sequence[Passage] = ()
    drawn_on: Sequence[Passage] = ()
    refused: bool = False
    notice: str = ""

    @property
    def used_context(self) -> bool:
        return bool(self.sources)


Event = Status | Delta | Restart | Answer
PROVIDER_NAMES = {"gemini": "Gemini", "openai": "OpenAI"}
SAID_AT_ONCE = {
    Category.GREETING: wording.GREETING,
    Category.CLARIFICATION: wording.CLARIFICATION,
}
# Marks in which a model may wrap the words of refusal.
_WRAPPING = " \t\n*_`~>#.!\"'“”‘’«»"


@dataclass(frozen=True)
class Query:
    """A question, the spaces that it may draw on, and what was said before it. With `about`, ids
    of documents, it is a question about these."""

    text: str
    spaces: Sequence[Space]
    history: Sequence[Turn] = field(default=())
    about: Sequence[UUID] = field(default=())


async def answer(query: Query) -> AsyncGenerator[Event]:
    """Stream the answer; the last event is the Answer, and its text is that of the Deltas since
    the last Restart. A provider's failure raises nothing: the extractive answerer stands behind
    them all."""
    earlier = [turn.text for turn in query.history if turn.speaker == "user"]
    leans_on = bool(query.about) or (bool(earlier) and follows_up(query.text))
    category = category_of(query.text, follows_up=leans_on)
    if category in SAID_AT_ONCE:
        yield Delta(SAID_AT_ONCE[category])
        yield Answer(SAID_AT_ONCE[category], category, "extractive")
        return
    yield Status(wording.SEARCHING)
    meant = query.text if query.about else standalone(query.text, earlier)
    found = await in_pool(
        retrieval.retrieve, meant, query.spaces, settings.TOP_K, about=query.about
    )
    notice = wording.TERMS_ONLY if found.terms_only else ""
    if found.sufficient:
        prompt = Prompt(query.text, _distinct(found.passages), query.history, meant)
    elif not query.about and await _is_general(meant, query.spaces):
        category, prompt = Category.GENERAL, Prompt(query.text, (), query.history)
    else:
        yield Delta(wording.DECLINED)
        yield _declined("extractive", notice)
        return
    async with aclosing(_generate(prompt, category, notice)) as events:
        async for event in events:
            yield event


def _distinct(passages: Sequence[Passage]) -> list[Passage]:
    """Without those whose words stand in a better one: the same file in two spaces."""
    best: dict[str, Passage] = {}
    for passage in passages:
        best.setdefault(passage.text, passage)
    return list(best.values())


async def _is_general(question: str, spaces: Sequence[Space]) -> bool:
    """Whether a model may answer from what the world knows."""
    if settings.GENERAL_ANSWERS == "off" or chain() == ["extractive"]:
        return False
    known = await in_pool(retrieval.mentions, names_in(question), spaces)
    return not concerns_team(question, known)


async def _generate(prompt: Prompt, category: Category, notice: str) -> AsyncGenerator[Event]:
    draft = _Draft(prompt, category)
    chosen = chain() if prompt.passages else [p for p in chain() if p != "extractive"]
    try:
        async with aclosing(fallback.stream(prompt, chosen)) as pieces:
            async for piece in pieces:
                if isinstance(piece, fallback.Restart):
                    draft = _Draft(prompt, category)
                    failed = PROVIDER_NAMES.get(piece.failed, piece.failed)
                    yield Restart(wording.RESTARTED.format(failed=failed))
                elif text := draft.feed(piece):
                    yield Delta(text)
    except ProviderError as error:
        yield Delta(wording.DECLINED)
        yield _declined("extractive", notice or str(error))
        return
    if rest := draft.finish():
        yield Delta(rest)
    final = draft.answer(notice)
    if final.refused:
        if draft.text:
            yield Restart(wording.DECLINED)
        yield Delta(final.text)
    yield final


class _Draft:
    """One provider's answer as it comes in: checked, and watched for the words of refusal."""

    def __init__(self, prompt: Prompt, category: Category) -> None:
        self._prompt = prompt
        self._category = category
        self._checked = CheckedStream([passage.text for passage in prompt.passages])
        self._opening: str | None = ""
        self._provider = ""
        self._after: ProviderError | None = None
        self.text = ""

    def feed(self, piece: fallback.Piece) -> str:
        """What may be shown now."""
        self._provider, self._after = piece.provider, piece.after
        text = piece.text
        if self._opening is not None:
            self._opening += text
            if _may_become_refusal(self._opening):
                return ""
            text, self._opening = self._mark + self._opening, None
        return self._shown(self._checked.feed(text))

    def finish(self) -> str:
        """The rest of it, unless it was the words of refusal."""
        if self._opening is not None:
            if self._refused:
                return ""
            opening, self._opening = self._opening, None
            return self._shown(self._checked.feed(self._mark + opening) + self._checked.finish())
        return self._shown(self._checked.finish())

    def answer(self, notice: str) -> Answer:
        sources = [self._prompt.passages[number] for number in self._checked.cited]
        # Some models say a few words of their own before those of refusal.
        gave_up = not sources and _plain(self.text).endswith(NOT_IN_DOCUMENTS)
        if self._refused or gave_up or not self.text.strip():
            return _declined(self._provider, notice, self._prompt.passages)
        if self._provider == "extractive" and self._after is not None:
            notice = f"{notice} {self._after}".strip()
        if self._prompt.passages and not sources:
            notice = f"{notice} {wording.UNCITED}".strip()
        return Answer(
            self.text,
            self._category,
            self._provider,
            sources,
            self._prompt.passages,
            notice=notice,
        )

    @property
    def _mark(self) -> str:
        return wording.GENERAL_MARK if self._category is Category.GENERAL else ""

    @property
    def _refused(self) -> bool:
        return _plain(self._opening or "").startswith(NOT_IN_DOCUMENTS)

    def _shown(self, text: str) -> str:
        self.text += text
        return text


def _may_become_refusal(opening: str) -> bool:
    return NOT_IN_DOCUMENTS.startswith(_plain(opening)[: len(NOT_IN_DOCUMENTS)])


def _plain(text: str) -> str:
    """Without the marks of Markdown in which a model may have wrapped the words of refusal."""
    return text.replace("\\", "").strip(_WRAPPING)


def _declined(provider: str, notice: str, drawn_on: Sequence[Passage] = ()) -> Answer:
    return Answer(
        wording.DECLINED,
        Category.DOCUMENT,
        provider,
        drawn_on=drawn_on,
        refused=True,
        notice=notice,
    )
