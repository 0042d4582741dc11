"""What can be wrong with a question. The docstring is the message that people read."""

from knowledge.errors import KnowledgeError


class BadQuestion(KnowledgeError):
    """This question can't be asked."""

    permanent = True


class EmptyQuestion(BadQuestion):
    """The question is empty; write what you would like to know."""


class QuestionTooLong(BadQuestion):
    """The question is too long; please shorten it."""


class UnknownConversation(BadQuestion):
    """This conversation doesn't exist or isn't yours; start a new one."""
