"""Words of a text as they are compared: lower case, without accents, stemmed."""

import re
import threading
import unicodedata
from functools import lru_cache
from itertools import pairwise

import Stemmer

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]")
_local = threading.local()


def words(text: str) -> list[str]:
    """The text's words in order, in lower case. Where a script sets no spaces, each two
    neighbouring characters count as a word."""
    found = _WORD.findall(text.lower().replace("’", "'"))
    if not _UNSPACED.search(text):
        return found
    return [part for word in found for part in _pairs(word)]


def _pairs(word: str) -> list[str]:
    if len(word) < 2 or not _UNSPACED.search(word):
        return [word]
    return [first + second for first, second in pairwise(word)]


@lru_cache(maxsize=50_000)
def term_of(word: str) -> str:
    """The form under which a word is indexed and looked up."""
    word = word.replace("’", "'").removesuffix("'s")
    plain = unicodedata.normalize("NFKD", word).encode("ascii", "ignore").decode()
    return str(_stemmer().stemWord(plain or word))


def content_words(text: str) -> list[str]:
    """The text's words without those that stand in any text."""
    return [word for word in words(text) if word not in STOP_WORDS]


def content_terms(text: str) -> list[str]:
    """The terms of the text's content words, in order."""
    return [term_of(word) for word in content_words(text)]


def _stemmer() -> Stemmer.Stemmer:
    """A stemmer of this thread's own: they are not safe to share."""
    if not hasattr(_local, "stemmer"):
        _local.stemmer = Stemmer.Stemmer("english")
    return _local.stemmer


STOP_WORDS = frozenset(
    """a about all also am an and any are as at be been being but by can could did do does doing
    for from had has have having he her here hers him his how i if in into is it its just me more
    most my no nor not of on or our ours out over please she should shall so some such tell than
    that the their theirs them then there these they this those to too under up us very was we
    were what when where which while who whom whose why will with would you your yours i'm i've
    it's don't doesn't didn't can't isn't aren't won't there's what's who's how's let's""".split()
)
