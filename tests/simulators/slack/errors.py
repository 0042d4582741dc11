"""How the Web API refuses."""

from typing import Any


class Refused(Exception):
    """Answered with HTTP 200, `ok` false and this error name, plus whatever fields belong to it."""

    def __init__(self, error: str, **fields: Any) -> None:
        super().__init__(error)
        self.error = error
        self.fields = fields


def invalid_arguments(*messages: str) -> Refused:
    """A required argument is missing, or one has the wrong form."""
    told = [f"[ERROR] {message}" for message in messages]
    return Refused("invalid_arguments", response_metadata={"messages": told})


def invalid_blocks(*problems: str) -> Refused:
    told = [f"[ERROR] {problem}" for problem in problems]
    return Refused("invalid_blocks", errors=problems, response_metadata={"messages": told})
