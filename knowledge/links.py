"""Find everything in a text that a reader's client could turn into a link. Pure."""

import re
import unicodedata

from linkify_it import LinkifyIt
from linkify_it.tlds import TLDS

Span = tuple[int, int]

# Any scheme with a slash, the schemes that act without one, and addresses without a scheme.
_SCHEME = re.compile(
    r"""(?:[a-z][a-z0-9+.-]{0,40}:[/\\]+
        | (?<![^\W_])(?:https?|ftp|javascript|data|vbscript|mailto|tel|file):(?=\S)
        | (?<![^\W_])www\.(?=\w) | (?<![^\W_])(?<![:/\\])[/\\]{2}(?=\w[\w-]*\.)) [^\s<>"'`]*""",
    re.VERBOSE | re.IGNORECASE,
)
# Top-level domains that are better known as endings of file names. Such a name counts as a link
# only where it has more than one dot, or a path or a query follows it.
_FILE_ENDINGS = ["ai", "app", "cc", "in", "is", "it", "md", "me", "mov", "my", "no", "pl", "pm"]
_FILE_ENDINGS += ["ps", "py", "rs", "sh", "so", "st", "to", "us", "vi", "ws", "zip"]
_BARE_FILE = re.compile(rf"[\w-]+\.(?:{'|'.join(_FILE_ENDINGS)})", re.IGNORECASE)

# Nobody writes such a word; looking for links in it would take minutes.
_OVERLONG = re.compile(r"\S{2000,}")
_ADDRESS = re.compile(r"[.:/\\]")
# Marks around a word with which linkify takes it for no address; chat clients do.
_MARKS = re.compile(r"(?<![\w|`/\\.:@-])[|`_/\\.:@-]+(?=[^\W_])|(?<=[^\W_])_+(?![^\W_])|[|`]")
# What no reader sees and browsers leave out of an address.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
)

_NATIVE_TLDS = [name.lower().encode().decode("idna") for name in TLDS if name.startswith("XN--")]
_linkify = LinkifyIt(options={"fuzzy_email": False, "fuzzy_ip": True}).tlds([*TLDS, *_NATIVE_TLDS])


def plain(text: str) -> str:
    """`text` as a browser reads an address: in NFKC, without invisible characters."""
    return _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))


def find_links(text: str) -> list[Span]:
    """Spans of the links in `text`, in order, without closing punctuation."""
    if overlong := [match.span() for match in _OVERLONG.finditer(text)]:
        return overlong
    if not _ADDRESS.search(text):
        return []
    spans = [match.span() for match in _SCHEME.finditer(text)]
    for version in {text, _MARKS.sub(lambda marks: " " * len(marks[0]), text)}:
        for match in _linkify.match(version) or []:
            if match.schema or not _BARE_FILE.fullmatch(match.text):
                spans.append((match.index, match.last_index))
    return _joined(text, spans)


def links_in(text: str) -> set[str]:
    """The links of `text` as they are compared."""
    text = plain(text)
    return {text[start:end] for start, end in find_links(text)}


def _joined(text: str, spans: list[Span]) -> list[Span]:
    joined: list[Span] = []
    for start, end in sorted(spans):
        end = start + len(text[start:end].rstrip(".,;:!?)]}*_~"))
        if not _ADDRESS.search(text, start, end):  # "file:" with nothing behind it
            continue
        if joined and start < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined
