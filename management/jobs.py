"""What the maintenance jobs do. Each is bounded in what one transaction does, may be broken off
anywhere and called again, and returns one sentence on what it did."""

from backend import db
from backend.chat.retention import delete_old_turns
from bot.retention import delete_old_items
from management import purging, wording


def clean_history() -> str:
    """Delete what was asked and answered too long ago."""
    now = db.clock()
    items = delete_old_items(now)
    return wording.CLEANED.format(messages=delete_old_turns(now), items=items)


def purge() -> str:
    """Delete what nobody needs any more."""
    deleted = [f"{count:,} {what}" for what, count in purging.purge(db.clock()) if count]
    return wording.PURGED.format(what=", ".join(deleted)) if deleted else wording.NOTHING_TO_PURGE
