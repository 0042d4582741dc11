"""What can go wrong with a call to a platform. The docstring is the message that people read.

DeliveryError
├── NotNow         the platform asks to wait
├── Unreachable    the call certainly did not arrive
├── Unclear        nobody knows whether the call took effect
├── Refused        this will not be done, however often it is asked
└── Resting        the platform as a whole can't be used until somebody mends it
"""

from knowledge.errors import KnowledgeError


class DeliveryError(KnowledgeError):
    """The platform could not be used."""


class NotNow(DeliveryError):
    """The platform asks to wait."""

    def __init__(self, detail: str = "", seconds: float = 0.0) -> None:
        super().__init__(detail)
        self.seconds = seconds


class Unreachable(DeliveryError):
    """The platform can't be reached."""


class Unclear(DeliveryError):
    """Nobody knows whether the platform did it."""


class Refused(DeliveryError):
    """The platform refuses to do this."""

    permanent = True

    def __init__(self, detail: str = "", code: str = "", needed: str = "") -> None:
        """`code` is the platform's own word for why; `needed` the permission that is missing."""
        super().__init__(detail)
        self.code, self.needed = code, needed


class Nowhere(Exception):
    """Nothing can be asked there; `words` say why, and what to do."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


class Resting(DeliveryError):
    """The platform does not let us in."""
