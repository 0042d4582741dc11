"""How long the bot's inbox remembers what was said to it."""

from datetime import datetime

from django.db.models import Exists, OuterRef

from backend.accounts.models import Installation
from backend.chat.retention import kept_since
from bot.models import InboxItem, Kind
from knowledge import batches


def delete_old_items(now: datetime) -> int:
    """Delete the items that are too old, words, sender and all; how many. No platform delivers
    again what is that old. Safe to repeat.

    Files stay, for their documents do, and so do the messages that nobody asked for: they must not
    be sent again.
    """
    questions = InboxItem.objects.filter(kind=Kind.QUESTION)
    known = Installation.objects.filter(
        platform=OuterRef("platform"), external_id=OuterRef("installation")
    )
    count = batches.delete_in_batches(
        questions.filter(~Exists(known), received_at__lt=kept_since(None, now))
    )
    for installation in Installation.objects.select_related("workspace"):
        count += batches.delete_in_batches(
            questions.filter(
                platform=installation.platform,
                installation=installation.external_id,
                received_at__lt=kept_since(installation.workspace, now),
            )
        )
    return count
