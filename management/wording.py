"""Every sentence that the commands and jobs say on their own behalf."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from management.backing_up import Backup
    from management.reindexing import Reindexed
    from management.restoring import Restored

CLEANED = "Deleted {messages:,} messages and {items:,} items of the inbox that were too old."
PURGED = "Deleted {what}."
DIGESTS = "Told the admins of {count:,} workspaces how they were served."
NO_DIGEST = "There was nothing to tell."
MENDED = "Mended: {what}."
NOTHING_TO_MEND = "There was nothing to mend."
PEOPLE_READ = "Read {people:,} people and {channels:,} channels anew."
NO_PLATFORM = "No chat platform is set up, so there was nobody to ask for."
NOTHING_TO_PURGE = "There was nothing to delete."
EMBEDS_WITH = "Documents are embedded with {model}."
CHANGING_TO = "Changing to {model}: {done:,} of {total:,} passages are embedded."
GOES_ON = "The scheduler goes on with it in the background; the same command tells how far it is."
REINDEXED = (
    "{new} new files, {changed} changed, {moved} moved, {removed} removed, {unchanged} unchanged."
)
UNREADABLE = "{place} can't be read ({reason}); what is known of it stays."
READS_EMPTY = "{place} reads empty; what is known of it stays."
OTHER_DISK = "{place} was on a disk that isn't there; what is known of it stays."
LEADS_NOWHERE = "{place} is a link that leads nowhere; what is known of it stays."
REFUSED = "{place}: {reason}"

TOOK_LONGER = "it took longer than {limit}"
ENDED_WITH = "its process ended with {code}"
NOT_STARTED = "no process could be started for it: {reason}"

BACKED_UP = "{originals} originals and the database are in {path}"
NOT_BACKED_UP = "; {count} originals are missing or damaged in the store"
OLDER_DELETED = "; {count} older ones were deleted."
NO_FOLDER_THERE = "there is no folder {path}; make it, or name another place"
NO_BACKUP_THERE = "{path} exists and is no backup; name another file"
RESTORED = "Restored the backup of {made_at}: {documents} documents, {originals} originals."
REMOVED_AGAIN = (
    "What was removed since has been removed again: {documents} documents, {people} people."
)
REMOVALS_UNKNOWN = (
    "There was no later state of the same store that could be read, so what was removed since the "
    "backup is back."
)
PARTLY_READ = (
    "The store that was replaced is damaged or too old; not all of this could be read there, so "
    "what was recorded since the backup may be undone: {what}."
)
PARTS = {
    "documents": "removed documents",
    "versions": "removed versions",
    "forgotten": "forgotten people",
    "later": "what was said to the bot",
    "done": "jobs that were done",
}
UNANSWERED = (
    "{count} questions of the chat platforms were under way; they are not answered, lest they are "
    "answered twice."
)
SIGN_IN = "Everybody signs in anew; `manage.py sign_in_link EMAIL` makes a link."


def backed_up(done: "Backup") -> str:
    """What a backup holds."""
    manifest = done.manifest
    told = BACKED_UP.format(originals=len(manifest.originals), path=done.path)
    missing = len(manifest.missing)
    return told + (NOT_BACKED_UP.format(count=missing) if missing else "")


def backed_up_nightly(done: "Backup", deleted: int) -> str:
    """The same, where so many older ones were deleted for it."""
    return backed_up(done) + OLDER_DELETED.format(count=deleted)


def restored(done: "Restored") -> Iterator[str]:
    """What a restore did."""
    manifest, applied = done.manifest, done.applied
    yield RESTORED.format(
        made_at=manifest.made_at[:16].replace("T", " ") + " UTC",
        documents=manifest.counts["knowledge_document"],
        originals=len(manifest.originals),
    )
    if done.removals_known:
        yield REMOVED_AGAIN.format(documents=applied.documents, people=applied.people)
        if done.unread:
            yield PARTLY_READ.format(what=", ".join(PARTS[part] for part in done.unread))
    else:
        yield REMOVALS_UNKNOWN
    if applied.unanswered:
        yield UNANSWERED.format(count=applied.unanswered)
    yield SIGN_IN


def reindexed(done: "Reindexed") -> str:
    """What a look at the watched folders came to."""
    return " ".join([REINDEXED.format(**vars(done)), *done.problems])
