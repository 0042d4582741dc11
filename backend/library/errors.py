"""Why something can't be done with a document. The docstring is the message that people read."""

from knowledge.errors import KnowledgeError


class LibraryError(KnowledgeError):
    """This can't be done with the document."""

    permanent = True


class UnknownDocument(LibraryError):
    """This document doesn't exist, or you may not see it."""


class DocumentGone(LibraryError):
    """This document was removed or changed meanwhile."""


class CuratorsOnly(LibraryError):
    """Only a curator or an admin can do this."""


class MembersOnly(LibraryError):
    """Only members of the team can ask for this."""


class TeamsAlready(LibraryError):
    """The whole team can use this document already."""


class UnknownVersion(LibraryError):
    """The document has no such version that can be used again."""


class CurrentAlready(LibraryError):
    """This is what the document shows already."""


class UnknownRequest(LibraryError):
    """Nobody asked for this."""


class ChangedSince(LibraryError):
    """The document has a new version, of which nobody asked that. Decline; it can be asked anew."""


class AlreadyDecided(LibraryError):
    """This was decided already."""
