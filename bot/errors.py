"""What can go wrong with a call to a platform, or with a file that was shared there. The docstring
is the message that people read.

DeliveryError
├── NotNow         the platform asks to wait
├── Unreachable    the call certainly did not arrive
├── Unclear        nobody knows whether the call took effect
├── Refused        this will not be done, however often it is asked
│   └── MessageGone  what was said is deleted
├── GivenUp        it was asked as often as it is worth
└── Resting        the platform as a whole can't be used until somebody mends it

DownloadFailed         (another attempt may succeed)
├── DownloadThrottled  the platform asks to wait
├── NotSharedHere      the platform does not know the file where it was shared
├── FileGone           (permanent from here on)
├── FileWithheld
├── FileTooLarge
├── ForeignFile
└── PrivateAddress
"""

from bot import wording_files
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


class MessageGone(Refused):
    """The message that this answers was deleted."""


class GivenUp(DeliveryError):
    """The platform did not take it, however often it was tried."""

    permanent = True


class Nowhere(Exception):
    """Nothing can be asked there; `words` say why, and what to do."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


class Resting(DeliveryError):
    """The platform does not let us in."""


class DownloadFailed(KnowledgeError):
    """The file could not be fetched."""


class DownloadThrottled(DownloadFailed):
    """The platform asks to wait before it gives more files."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds


class NotSharedHere(DownloadFailed):
    """The platform says that the file is not shared here."""


class FileGone(DownloadFailed):
    """The file is no longer there."""

    permanent = True


class FileWithheld(DownloadFailed):
    """The platform did not give the file."""

    permanent = True


class FileTooLarge(DownloadFailed):
    """The file is too large."""

    permanent = True

    def __init__(self, limit: int) -> None:
        super().__init__(wording_files.TOO_LARGE.format(limit=limit // 1024**2))


class ForeignFile(DownloadFailed):
    """The file is kept somewhere else, and I fetch files only from where they are shared."""

    permanent = True


class PrivateAddress(DownloadFailed):
    """The file's host has an address that is not on the public internet."""

    permanent = True
