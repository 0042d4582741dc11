"""Thumbs on answers, with the reasons that people give."""

from typing import Any

from backend.accounts.models import User
from backend.chat.models import Feedback
from knowledge.extraction import clean

# What Discord's forms take, and Slack's take less.
REASON_CHARACTERS = 4_000


def give_feedback(message: int, user: User, helpful: bool, reason: str = "") -> None:
    """Keep the user's thumb on an answer; a reason given before stays until there is a new one."""
    changes: dict[str, Any] = {"helpful": helpful}
    if reason := clean(reason).strip():
        changes["reason"] = reason[:REASON_CHARACTERS]
    Feedback.objects.update_or_create(message_id=message, user=user, defaults=changes)
