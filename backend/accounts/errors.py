"""Why somebody can't be joined, parted or forgotten. The docstring is the message people read."""

from knowledge.errors import KnowledgeError


class PersonError(KnowledgeError):
    """This can't be done for you."""

    permanent = True


class Stranger(PersonError):
    """I don't know you here (any more)."""


class WrongCode(PersonError):
    """This code is wrong, used or too old. Ask for a new one where you got it."""


class TooManyTries(PersonError):
    """Too many wrong codes. Please wait ten minutes."""


class AlreadyOne(PersonError):
    """These two are joined already."""


class TwoAddresses(PersonError):
    """Both sides sign in on the page, each with an address of its own, so they can't be joined."""


class ElsewhereToo(PersonError):
    """One of the two also belongs to another organisation, so they can't be joined."""


class NothingLinked(PersonError):
    """Nothing is linked with you here."""


class LastAdmin(PersonError):
    """You are the only admin. Make somebody else an admin first."""
