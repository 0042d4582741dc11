"""The jobs that maintain the store: what each calls, and when it is due.

What is due follows from the clock and the interval alone. A job's slots begin at whole intervals
since 1970 (UTC), `offset` later: however long nobody ran, there is one slot that is due now.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True)
class Job:
    """`function`: dotted path of a function without arguments that returns one sentence on what it
    did. `limit`: after so long it is stopped."""

    name: str
    function: str
    offset: timedelta = timedelta(0)
    limit: timedelta = HOUR

    @property
    def interval(self) -> timedelta:
        return timedelta(seconds=getattr(settings, f"{self.name.upper()}_INTERVAL"))

    def slot_at(self, now: datetime) -> datetime:
        """When the slot began that is due now."""
        return now - (now - EPOCH - self.offset) % self.interval


JOBS = {
    job.name: job
    for job in (
        Job("clean_history", "management.jobs.clean_history", offset=3 * HOUR, limit=6 * HOUR),
        Job("reindex", "management.reindexing.reindex", limit=6 * HOUR),
        Job("reembed", "knowledge.reembedding.reembed_step"),
        Job("mend", "management.jobs.mend"),
        Job("refresh_people", "management.jobs.refresh_people"),
        Job("purge", "management.jobs.purge"),
        # On Mondays at 8:00, for 1970 began on a Thursday.
        Job("digest", "management.jobs.digest", offset=4 * DAY + 8 * HOUR),
        Job("backup", "management.backing_up.back_up_nightly", offset=2 * HOUR, limit=6 * HOUR),
    )
}
