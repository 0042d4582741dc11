"""What can go wrong in the knowledge engine. The docstring is the message that people read.

KnowledgeError
├── LocalModelMissing       (permanent)
├── FileRefused             (permanent: the same bytes fail again)
│   ├── UnsupportedType
│   │   └── OtherFormat
│   ├── EmptyFile
│   ├── TooLarge
│   ├── EncryptedFile
│   ├── DamagedFile
│   ├── OcrMissing
│   ├── TooSlow
│   ├── TooMuchMemory
│   ├── ReaderBroke
│   └── NoText
├── OriginalMissing         (permanent)
├── StorageFault
├── LeaseLost
│   └── Overtaken
├── ModelChanged
├── ReembeddingError
│   ├── NotConfigured
│   ├── AlreadyActive
│   ├── ChangeUnderWay
│   ├── ChangeTakenBack
│   ├── NothingToRollBack
│   └── ReembeddingWaits
└── ProviderError           (the next provider may do better)
    ├── Throttled
    ├── Unreachable
    ├── Refused
    └── NoAnswer
"""


class KnowledgeError(Exception):
    """Something went wrong in the knowledge base."""

    permanent = False

    def __init__(self, detail: str = "") -> None:
        self.detail = detail
        message = (type(self).__doc__ or "").split("\n")[0]
        super().__init__(f"{message.rstrip('.')}: {detail}" if detail else message)


class LocalModelMissing(KnowledgeError):
    """The local embedding model is missing or damaged; run `make setup`."""

    permanent = True


class FileRefused(KnowledgeError):
    """This file can't be added."""

    permanent = True


class UnsupportedType(FileRefused):
    """Askwell can't read this type of file; it reads TXT, Markdown, CSV, HTML, PDF, DOCX, PPTX, \
XLSX, PNG, JPEG, WebP and GIF."""


class OtherFormat(UnsupportedType):
    """Askwell can't read this format of file."""


class EmptyFile(FileRefused):
    """The file is empty."""


class TooLarge(FileRefused):
    """The file is too large."""


class EncryptedFile(FileRefused):
    """The file is protected by a password; save a copy without one and add that."""


class DamagedFile(FileRefused):
    """The file is damaged or is not what its name says."""


class OcrMissing(FileRefused):
    """Tesseract is not installed; pictures and scanned pages need it (package tesseract-ocr)."""


class TooSlow(FileRefused):
    """Reading the file takes too long; split it into smaller ones."""


class TooMuchMemory(FileRefused):
    """Reading the file needs more memory than a file may take; split it, or save it anew."""


class ReaderBroke(FileRefused):
    """The file broke its reader; save it anew, in another format if need be."""


class NoText(FileRefused):
    """The file holds no text that can be read."""


class OriginalMissing(KnowledgeError):
    """The stored original is missing."""

    permanent = True


class StorageFault(KnowledgeError):
    """Originals can't be read or written where they are kept."""


class LeaseLost(KnowledgeError):
    """Another process has taken this work over."""


class Overtaken(LeaseLost):
    """The document was changed or removed meanwhile."""


class ModelChanged(KnowledgeError):
    """The embedding model has changed meanwhile; this is embedded anew."""


class ReembeddingError(KnowledgeError):
    """The embedding model can't be changed."""


class NotConfigured(ReembeddingError):
    """This provider is not configured; set its key or address first."""


class AlreadyActive(ReembeddingError):
    """The documents are embedded with this model already."""


class ChangeUnderWay(ReembeddingError):
    """Another change of the embedding model is under way; `reembed --rollback` ends it."""


class ChangeTakenBack(ReembeddingError):
    """The last change of the embedding model is being taken back; the scheduler finishes it."""


class NothingToRollBack(ReembeddingError):
    """There is no change of the embedding model to take back."""


class ReembeddingWaits(ReembeddingError):
    """The change of the embedding model waits, and searches use the present one."""


class ProviderError(KnowledgeError):
    """The model can't be used at the moment."""

    # Whether it counts towards letting the provider rest, or concerns this request only.
    provider_at_fault = True

    def __init__(self, detail: str = "", retry_after: float = 0.0) -> None:
        """`retry_after`: seconds that the provider asked to be left alone."""
        super().__init__(detail)
        self.retry_after = retry_after


class Throttled(ProviderError):
    """The model's provider takes no more requests for the moment."""


class Unreachable(ProviderError):
    """The model's provider can't be reached or is out of order."""


class Refused(ProviderError):
    """The model's provider refused the request."""

    permanent = True

    def __init__(
        self, detail: str = "", retry_after: float = 0.0, *, provider_at_fault: bool = True
    ) -> None:
        super().__init__(detail, retry_after)
        self.provider_at_fault = provider_at_fault


class NoAnswer(ProviderError):
    """The model gave no answer to this question."""

    provider_at_fault = False
