"""`/knowledge …`: what a team's members, curators and admins do with commands, on any platform.

Plain functions over the database; each returns what is said to whoever gave the command.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from django.db import transaction

from backend.accounts.audience import Place, readable_keys, readable_spaces
from backend.accounts.models import Channel, Identity, Membership, Role, User, Workspace
from backend.accounts.roles import changeable_keys, role_at, role_of, set_role
from backend.chat.removal import remove
from backend.jobs.status import somebody_acts, statuses
from backend.jobs.wording import NO_SCHEDULER, outcome
from backend.library.models import PromotionRequest
from backend.library.promoting import asker_of, waiting_requests
from bot import wording
from bot.cards import shown
from knowledge.catalogue import Entry, catalogue
from knowledge.models import Document

# Documents that a list names, and of those that could not be read.
LISTED, LISTED_FAILED = 40, 5


@dataclass(frozen=True)
class Command:
    """A command as it was given: `place` is private to who gave it, `channel` where they did (None
    in a direct message), `whom` the platform's id of a person whom it mentions."""

    text: str
    place: Place
    channel: Channel | None = None
    whom: str | None = None


def knowledge(given: Command) -> str:
    """What whoever gave the command is told; it is done by then, where they may."""
    verb, _, rest = given.text.strip().partition(" ")
    command = _COMMANDS.get(verb.lower())
    return command(given, rest.strip()) if command else wording.KNOWLEDGE_HELP


def _list(given: Command, rest: str) -> str:
    """What an answer may draw on: in a channel for all to see, else for the asker alone."""
    entries = _entries(given)
    if not entries:
        return wording.NO_DOCUMENTS
    lines = [wording.DOCUMENTS, *(_line(entry) for entry in entries[:LISTED])]
    if len(entries) > LISTED:
        lines.append(wording.MORE_DOCUMENTS.format(count=len(entries) - LISTED))
    return "\n".join(lines)


def _entries(given: Command) -> list[Entry]:
    place = given.place
    if given.channel is not None:
        place = Place(place.workspace, identity=place.identity, channel=given.channel)
    return catalogue(readable_spaces(place))


def _status(given: Command, rest: str) -> str:
    """How it stands with the documents that an answer may draw on, what curators have to decide
    on, and for admins maintenance."""
    entries = _entries(given)
    counts = Counter(entry.status for entry in entries)
    lines = [_STATES[state].format(count=counts[state]) for state in _STATES if counts[state]]
    lines = lines or [wording.NO_DOCUMENTS]
    lines += [
        wording.STATUS_FAILED.format(name=shown(entry.document.name), reason=entry.reason)
        for entry in [entry for entry in entries if entry.status == "failed"][:LISTED_FAILED]
    ]
    if given.channel is not None and given.channel.collects:
        lines.append(wording.COLLECTS)
    if role_at(given.place) in (Role.CURATOR, Role.ADMIN):
        waiting = waiting_requests(given.place.workspace)
        lines += [_asked(one) for one in waiting]
    if is_admin(given):
        lines += _maintenance()
    return "\n".join(lines)


_STATES = {
    "ready": wording.STATUS_READY,
    "reading": wording.STATUS_READING,
    "waiting": wording.STATUS_WAITING,
}


def _line(entry: Entry) -> str:
    state = "" if entry.status == "ready" else f" ({entry.status})"
    return f"• {shown(entry.document.name)}{state}"


def _asked(request: PromotionRequest) -> str:
    asker = shown(asker_of(request) or wording.REQUEST_BY_NOBODY)
    return wording.STATUS_ASKED.format(asker=asker, name=shown(request.document.name))


def _remove(given: Command, name: str) -> str:
    if not name:
        return wording.REMOVE_WHAT
    found = _called(given.place, name)
    if not found:
        return wording.NO_SUCH_DOCUMENT.format(name=name)
    if len(found) > 1:
        return wording.SEVERAL_DOCUMENTS.format(name=name)
    remove(found[0])
    return wording.REMOVED.format(name=name)


def _called(place: Place, name: str) -> list[Document]:
    """The documents of this name that who is there may change; where there are none, those that
    lists and cards show by it."""
    keys = changeable_keys(place) & readable_keys(place)
    theirs = Document.objects.kept().filter(space__key__in=keys)
    exact = list(theirs.filter(name=name)[:2])
    plain = name.strip("`")
    return exact or [document for document in theirs if shown(document.name).strip("`") == plain]


def _role(given: Command, rest: str) -> str:
    if not is_admin(given):
        return wording.ADMINS_ONLY
    role = rest.split()[-1].lower() if rest.split() else ""
    if given.whom is None or role not in Role.values:
        return wording.ROLE_HOW
    assert given.place.identity is not None
    person = Identity.objects.filter(
        installation=given.place.identity.installation, external_id=given.whom
    ).first()
    # Guests and people of other organisations have no role.
    if person is None or role_of(person.user, given.place.workspace) is None:
        return wording.ROLE_UNKNOWN
    with transaction.atomic():  # of two admins who demote each other, one stays
        if role != Role.ADMIN and _is_last_admin(person.user, given.place.workspace):
            return wording.LAST_ADMIN
        set_role(person.user, given.place.workspace, role)
    return wording.ROLE_SET.format(role=role)


def _is_last_admin(user: User, workspace: Workspace) -> bool:
    admins = Membership.objects.filter(
        workspace=workspace, role=Role.ADMIN, user__is_active=True
    ).select_for_update()
    return set(admins.values_list("user", flat=True)) == {user.pk}


def _guests(given: Command, rest: str) -> str:
    if not is_admin(given):
        return wording.ADMINS_ONLY
    if rest.lower() not in ("on", "off"):
        return wording.GUESTS_HOW
    if given.channel is None:
        return wording.GUESTS_WHERE
    on = rest.lower() == "on"
    Channel.objects.filter(pk=given.channel.pk).update(outsiders_allowed=on)
    return wording.GUESTS_ON if on else wording.GUESTS_OFF


def _collect(given: Command, rest: str) -> str:
    if not is_admin(given):
        return wording.ADMINS_ONLY
    if rest.lower() not in ("on", "off"):
        return wording.COLLECT_HOW
    if given.channel is None:
        return wording.COLLECT_WHERE
    on = rest.lower() == "on"
    Channel.objects.filter(pk=given.channel.pk).update(collects=on)
    return wording.COLLECT_ON if on else wording.COLLECT_OFF


def _maintenance() -> list[str]:
    """How the jobs of maintenance stand."""
    begins = wording.MAINTENANCE
    if not somebody_acts():
        begins = wording.NOT_MAINTAINED.format(why=NO_SCHEDULER)
    return [begins, *(f"• {one.job}: {outcome(one)}" for one in statuses())]


def is_admin(given: Command) -> bool:
    """Whether who gave the command may give roles and let guests read along."""
    return role_at(given.place) == Role.ADMIN


_COMMANDS: dict[str, Callable[[Command, str], str]] = {
    "list": _list,
    "status": _status,
    "remove": _remove,
    "role": _role,
    "guests": _guests,
    "collect": _collect,
}
