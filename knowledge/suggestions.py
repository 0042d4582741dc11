"""Questions that somebody could ask of the documents, drawn from their headings and names."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import chain, islice, zip_longest

from django.conf import settings
from django.db.models import F
from django.db.models.functions import Left

from knowledge import links
from knowledge.categories import Category, category_of
from knowledge.models import Document, Section, Space
from knowledge.passages import title_of
from knowledge.retrieval import retrieve

# What a chat client shows of a question that can be clicked.
LONGEST = 75
# Each question that is tried costs a search, so most candidates are never looked at.
TRIED = 12
QUESTION = "What can you tell me about {topic}?"
# So much of each section is read, to learn which words are names.
_OPENING = 2_000
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_WITHIN_SENTENCE = re.compile(rf"(?<=[^\W_]\s){_WORD.pattern}")
_NUMBERING = re.compile(r"^(?:\d+[.)]|\d+(?:\.\d+)+)\s+")
_PUNCTUATION = frozenset(" ,.'’()/+%?-–—")


def suggestions(spaces: Sequence[Space], count: int = 4) -> list[str]:
    """At most `count` questions that published documents of these spaces answer, the newest
    documents first, each document once before any comes again. Plain text without links."""
    found: list[str] = []
    for question in islice(_candidates(spaces), TRIED):
        if len(found) >= count:
            break
        retrieved = retrieve(question, spaces, settings.TOP_K)
        if retrieved.sufficient:
            found.append(question)
        if retrieved.terms_only:  # a model that is away is not waited for again
            break
    return found


def _candidates(spaces: Sequence[Space]) -> Iterator[str]:
    """Each document's first question, then each one's second, and so on."""
    published = Document.objects.kept().filter(space__in=spaces, current__isnull=False)
    newest = published.order_by("-current__created_at", "-current_id")[:TRIED]
    rounds = zip_longest(*[_questions(document) for document in newest])
    seen: set[str] = set()
    for question in chain.from_iterable(rounds):
        if question is not None and question.casefold() not in seen:
            seen.add(question.casefold())
            yield question


def _questions(document: Document) -> Iterator[str]:
    """What the document's headings lead to, or else its name."""
    title = _plain(title_of(document.name))
    paths, names = _headings(document)
    for topic in [_topic(path[-1], names, title) for path in paths] or [title]:
        question = topic if topic.endswith("?") else QUESTION.format(topic=topic)
        if topic and len(question) <= LONGEST and _is_for_documents(question):
            yield question


def _headings(document: Document) -> tuple[list[list[str]], set[str]]:
    """The first headings with those above them, and the words that stand within a sentence.

    Headings that stand alone come last: such a one is often the document's title.
    """
    headed = Section.objects.filter(version=document.current_id).exclude(heading="")
    headed = headed.exclude(text=F("heading"))  # with nothing under it
    opened = headed.annotate(opening=Left("text", _OPENING)).order_by("position")
    rows = list(opened.values_list("heading", "opening")[:TRIED])
    paths = sorted((heading.split(" > ") for heading, _ in rows), key=lambda path: len(path) == 1)
    return paths, {word for _, text in rows for word in _WITHIN_SENTENCE.findall(text)}


def _topic(heading: str, names: set[str], title: str) -> str:
    """The heading as it stands within a sentence, with its document: alone it may say little."""
    heading = _plain(_NUMBERING.sub("", heading))
    if not heading or heading.endswith("?"):
        return heading
    topic = _within_sentence(heading, names)
    with_title = f"{topic} ({title})"
    fits = len(QUESTION.format(topic=with_title)) <= LONGEST
    says_more = title and title.casefold() != topic.casefold()
    return with_title if says_more and fits else topic


def _within_sentence(heading: str, names: set[str]) -> str:
    """The heading without the capitals that it has for being a heading: those of its first word,
    or of every word. A word that the text capitalises within sentences keeps them."""
    shouted = heading.isupper()

    def form(match: re.Match[str]) -> str:
        word = match[0]
        if not shouted and (match.start() > 0 or word[1:] != word[1:].lower()):  # "API", "K2"
            return word
        if word in names and len(word) > 1:
            return word
        return word.capitalize() if word.capitalize() in names else word.lower()

    return _WORD.sub(form, heading)


def _plain(text: str) -> str:
    """Words and simple punctuation; nothing where the text holds a link, markup or the like."""
    text = " ".join(links.plain(text).split()).strip(" .,-–—")
    odd = any(unicodedata.category(c)[0] not in "LMN" and c not in _PUNCTUATION for c in text)
    return "" if odd or links.find_links(text) else text


def _is_for_documents(question: str) -> bool:
    return category_of(question, follows_up=False) is Category.DOCUMENT
