"""What maintenance says: how its jobs stand, and what admins are told."""

from datetime import timedelta

from backend.jobs.status import Status

UNITS = (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1))
WAITING = "will run in a moment"
NEVER = "has not run yet"
DONE_IN = "{did} That was {span} ago and took {took}."
DONE = "{did} That was {span} ago."
FAILED = "failed {span} ago. {reason}"
FAILING = "failed. {reason}"
RUNNING = "is running"
NEXT = "Next in {span}."
NOW = "Next in a moment."
ASKED_FOR = "{job} begins within seconds."
RUNS_ALREADY = "{job} is running already."
NO_SCHEDULER = "The scheduler does not run, so nothing is maintained."
LATE = "It is late: does `run_scheduler` run?"

GIVEN_UP = (
    "The maintenance job {job} was given up. {reason} It begins anew at its next time; I won't "
    "tell you again until it has succeeded."
)
DIGEST = "**Askwell from {begins:%d %B} to {ends:%d %B}**"
ASKED = "Questions asked: {count:,}."
ASKED_AND_ANSWERED = "Questions asked: {count:,}. Answered: {share:.0%}."
UNANSWERED = "Could not be answered: {count:,}"
DISLIKED = "Rated as not helpful: {count:,}"
QUOTED = "- {question}"
NOT_QUOTED = "- {count:,} that can't be quoted here: asked in private, or about what you don't read"
NEVER_CITED = "Documents that no answer has named yet: {count:,} ({names})"
AND_MORE = ", and {count:,} more"
JOBS_FAILED = "Maintenance jobs that were given up: {jobs}"


def span(time: timedelta) -> str:
    """Its largest unit, rounded down: “3 hours”."""
    seconds = max(int(time.total_seconds()), 0)
    for unit, size in UNITS:
        if seconds >= size:
            count = seconds // size
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return "less than a second"


def brief(status: Status) -> str:
    """What the job did last or why it failed, without any time."""
    if status.is_running:
        told = f"{RUNNING}."
    elif status.problem:
        told = FAILING.format(reason=_sentence(status.problem))
    elif status.at_work is not None:
        told = f"{WAITING}."
    else:
        told = status.last.did if status.last is not None else f"{NEVER}."
    return f"{told} {LATE}" if status.late else told


def outcome(status: Status) -> str:
    """How the job stands, without its name: what it did last or why it failed, and what is next."""
    parts = [_last(status), _next(status), LATE if status.late else ""]
    return " ".join(part for part in parts if part)


def _last(status: Status) -> str:
    if status.is_running:
        return f"{RUNNING}."
    if status.at_work is not None and status.problem:
        return FAILING.format(reason=_sentence(status.problem))
    if status.last is None or status.ago is None:
        return f"{NEVER}."
    if status.problem:
        return FAILED.format(span=span(status.ago), reason=_sentence(status.problem))
    told = {"did": status.last.did, "span": span(status.ago)}
    if (took := status.last.duration) is None:
        return DONE.format(**told)
    return DONE_IN.format(**told, took=span(took))


def _next(status: Status) -> str:
    if status.next_at is None:
        return ""
    left = status.next_at - status.now
    return NEXT.format(span=span(left)) if left >= timedelta(seconds=1) else NOW


def _sentence(reason: str) -> str:
    return reason[:1].upper() + reason[1:].rstrip(".") + "."
