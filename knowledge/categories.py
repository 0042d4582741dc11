"""What kind of question it is, told from its words alone: no model is asked for that. Pure."""

import re
from enum import StrEnum

from knowledge.index.terms import content_terms


class Category(StrEnum):
    GREETING = "greeting"
    GENERAL = "general"
    CLARIFICATION = "clarification"
    DOCUMENT = "document"


_GREETING = re.compile(
    r"(?:hi|hello|hey|hiya|howdy|greetings|moin|good (?:morning|afternoon|evening|day)|thanks?"
    r"|thank you|thx|cheers|bye|goodbye|who are you|what (?:can|do) you do|how are you|help)"
    r"(?:[\s,]+(?:there|all|team|everyone|bot|askwell|so much|very much|a lot|again|today))*"
    r"[\s!.?,]*",
    re.IGNORECASE,
)
# Words by which a question speaks of the team itself.
_OF_THE_TEAM = re.compile(
    r"\b(?:we|our|ours|us|my|mine|team|company|companys|organi[sz]ation|office|employees?|staff"
    r"|colleagues?|contractors?|customers?|handbook|polic(?:y|ies)|intern(?:al|s)?|department"
    r"|manager|hr|payroll|onboarding|benefits?)\b",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?<=[^.!?\s] )[A-Z][\w-]+")


def category_of(question: str, *, follows_up: bool) -> Category:
    """GREETING, CLARIFICATION (nothing to search for), or DOCUMENT, to be searched for."""
    if _GREETING.fullmatch(question.strip()):
        return Category.GREETING
    if not follows_up and not content_terms(question):
        return Category.CLARIFICATION
    return Category.DOCUMENT


def names_in(question: str) -> list[str]:
    """Capitalised words within a sentence: people, products, places."""
    return _NAME.findall(question)


def concerns_team(question: str, known_names: bool) -> bool:
    """Whether a question that the documents don't answer is about the team rather than the world.

    `known_names`: the documents mention a name that the question holds.
    """
    return known_names or _OF_THE_TEAM.search(question) is not None
