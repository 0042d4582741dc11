"""Which of the older encodings a text in Latin letters has: the one in which it is spelt with the
letters of one language.

Most bytes are letters in each of them, so statistics of letters say little: Czech in Western
Europe's encoding looks like a language that has both "ì" and "ø".
"""

import re
from collections import Counter

_WESTERN = "cp1252"
# Letters beyond ASCII, by language: German, French, Spanish, Portuguese, Italian, Catalan, Dutch,
# Swedish and Finnish, Danish and Norwegian, Icelandic, Estonian; …
_ALPHABETS = {
    _WESTERN: "äöüß àâæçéèêëîïôœùûüÿ áéíñóúü ãõáâàçéêíóôúü àèéìîòù àçèéíïòóúü "
    "áèéêëïóöü åäöéšž åæøéô áðéíóúýþæö äöõüšž",
    # … Czech, Slovak, Polish, Hungarian, Romanian, Croatian and Slovene; …
    "cp1250": "áčďéěíňóřšťúůýž áäčďéíĺľňóôŕšťúýž ąćęłńóśźż áéíóöőúüű ăâîşţ čćđšž",
    "iso8859-2": "áčďéěíňóřšťúůýž áäčďéíĺľňóôŕšťúýž ąćęłńóśźż áéíóöőúüű ăâîşţ čćđšž",
    # … Turkish.
    "cp1254": "çğıİöşüâîû",
}
# Of the letters this share has to be of one language, and so much more than of any Western one.
_MOST, _MARGIN = 0.95, 0.05
_SAMPLE = 500_000
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
# Signs where a letter is to be expected: between two, but for those that do stand there, and some
# also before one.
_NO_LETTERS = re.compile(
    r"(?<=[a-z])[^\x00-\x7f\s‘’“”–—…·•\xad](?=[a-z])|[¦¬®¯±¶¹³¼¾](?=[^\W\d_])", re.IGNORECASE
)


def other_than_western(data: bytes) -> str | None:
    """The encoding of Central Europe or Turkey that the text has; None where there is no telling,
    or it may be Western as well."""
    shares = {encoding: _share(data[:_SAMPLE], encoding) for encoding in _ALPHABETS}
    western = shares.pop(_WESTERN)
    likeliest = max(shares, key=shares.__getitem__)
    clear = shares[likeliest] >= max(_MOST, western + _MARGIN)
    return likeliest if clear else None


def _share(data: bytes, encoding: str) -> float:
    """How many of the letters beyond ASCII are of one language, for the language where it is most;
    a sign in the place of a letter counts as a wrong letter."""
    text = data.decode(encoding, errors="replace")
    letters = Counter(_BEYOND_ASCII.findall(text))
    signs = Counter(_NO_LETTERS.findall(text))
    spelt = {one: count for one, count in letters.items() if one.isalpha() and one not in "ªº"}
    wrong = sum(count for one, count in signs.items() if one not in spelt)
    total = sum(spelt.values()) + wrong
    of_one = (
        sum(count for one, count in spelt.items() if one in alphabet or one.lower() in alphabet)
        for alphabet in _ALPHABETS[encoding].split()
    )
    return max(of_one) / total if total else 0.0
