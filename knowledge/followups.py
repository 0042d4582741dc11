"""What a follow-up means: "and for contractors?" after a question about leave. Pure."""

import re
from collections.abc import Sequence

from knowledge.index.terms import content_terms

_LEADS_ON = re.compile(
    r"(?:and|but|or|also|so|then|ok(?:ay)?|what about|how about|same for|what if)\b", re.IGNORECASE
)
_POINTS_BACK = re.compile(
    r"\b(?:it|its|that|this|these|those|they|them|their|there|he|she|him|his|her|one|ones)\b",
    re.IGNORECASE,
)


def follows_up(question: str) -> bool:
    """Whether the question leans on what was said before."""
    words = question.strip()
    return bool(
        _LEADS_ON.match(words) or _POINTS_BACK.search(words) or len(content_terms(words)) <= 1
    )


def standalone(question: str, earlier: Sequence[str]) -> str:
    """The question with what it leans on: the last question that stands alone, and what was
    asked since. `earlier` holds the asker's questions, oldest first."""
    if not follows_up(question):
        return question
    since: list[str] = []
    for previous in reversed(earlier):
        since.insert(0, previous)
        if not follows_up(previous):
            break
    return " ".join([*since, question])
