"""What the maintenance jobs do. Each is bounded in what one transaction does, may be broken off
anywhere and called again, and returns one sentence on what it did."""

from backend import db
from backend.accounts.models import Role, Workspace
from backend.chat.retention import delete_old_turns
from backend.jobs.notices import tell_digest
from backend.jobs.registry import JOBS
from bot.errors import DeliveryError
from bot.refreshing import Read, refresh
from bot.retention import delete_old_items
from management import mending, purging, wording


def clean_history() -> str:
    """Delete what was asked and answered too long ago."""
    now = db.clock()
    items = delete_old_items(now)
    return wording.CLEANED.format(messages=delete_old_turns(now), items=items)


def purge() -> str:
    """Delete what nobody needs any more."""
    deleted = [f"{count:,} {what}" for what, count in purging.purge(db.clock()) if count]
    return wording.PURGED.format(what=", ".join(deleted)) if deleted else wording.NOTHING_TO_PURGE


def digest() -> str:
    """Have the admins of every workspace told how they were served."""
    with_admins = Workspace.objects.filter(memberships__role=Role.ADMIN).distinct()
    told = sum(tell_digest(workspace, JOBS["digest"]) for workspace in with_admins)
    return wording.DIGESTS.format(count=told) if told else wording.NO_DIGEST


def mend() -> str:
    """Mend what processes left behind that died."""
    mended = [f"{count:,} {what}" for what, count in mending.mend() if count]
    return wording.MENDED.format(what=", ".join(mended)) if mended else wording.NOTHING_TO_MEND


def refresh_people() -> str:
    """Read anew who people are and who reads along, where chat platforms are set up.

    Raises DeliveryError where one can't be read, after the others were.
    """
    outcomes = list(refresh())
    for outcome in outcomes:
        if isinstance(outcome, DeliveryError):
            raise outcome
    read = [outcome for outcome in outcomes if isinstance(outcome, Read)]
    if not read:
        return wording.NO_PLATFORM
    people, channels = sum(one.people for one in read), sum(one.channels for one in read)
    return wording.PEOPLE_READ.format(people=people, channels=channels)
