"""What the buttons below cards do, on any platform.

Plain functions over the database. Each returns what whoever clicked is told alone, or None where
the cards themselves will tell it (bot/following.py).
"""

from collections.abc import Callable
from dataclasses import dataclass

from backend.accounts.audience import Place, readable_keys
from backend.accounts.models import Role
from backend.accounts.roles import changeable_keys, role_at
from backend.chat.removal import remove as remove_document
from backend.library import promoting
from backend.library.errors import LibraryError
from backend.library.models import Contribution
from backend.library.promoting import UNNAMED, Asker, Outcome
from backend.library.versions import remove_version
from bot import cards, wording
from bot.models import InboxItem, Kind
from knowledge.models import DocumentVersion


@dataclass(frozen=True)
class Clicked:
    """A click below the card of `item`: `place` is where whoever clicked stands, and `by` what they
    and the channel are called there."""

    item: InboxItem
    place: Place
    by: Asker = UNNAMED


Click = Callable[[Clicked], str | None]


def promote(clicked: Clicked) -> str | None:
    """Make the document available to the team, or ask for that. Where it would become a version of
    one that the team has, curators are asked as well: nobody replaces that by one click."""
    version, place = _standing(clicked.item), clicked.place
    if version is None:
        return wording.NO_FILE_ANY_MORE
    try:
        if not _curates(place):
            promoting.ask_for_promotion(version.document, place, clicked.by)
        elif promoting.namesakes(version.document, place.workspace):
            promoting.ask_for_promotion(version.document, place, clicked.by)
            return wording.PROMOTION_CONFIRM
        else:
            _follow(promoting.promote(version.document, place))
    except LibraryError as error:
        return str(error)
    return None


def remove(clicked: Clicked) -> str | None:
    """Remove the document, all of it by whoever may change it; by others what they brought. Below
    the card of a version that was replaced it is that version alone."""
    version, place = _standing(clicked.item), clicked.place
    if version is None or version.document.space.key not in readable_keys(place):
        return wording.NO_FILE_ANY_MORE
    changes = version.document.space.key in changeable_keys(place)
    if not (changes or _brought(version, place)):
        return wording.NOT_YOURS_TO_REMOVE
    if changes and version.document.current_id == version.pk:
        remove_document(version.document)
    else:
        remove_version(version)
    return None


def _brought(version: DocumentVersion, place: Place) -> bool:
    if place.asker is None:
        return False
    return Contribution.objects.filter(version=version, user=place.asker).exists()


def approve(clicked: Clicked) -> str | None:
    """Grant what was asked for."""
    place = clicked.place
    return _decide(clicked.item, lambda request: _follow(promoting.approve(request, place)))


def decline(clicked: Clicked) -> str | None:
    """Leave the document where it is."""
    return _decide(clicked.item, lambda request: promoting.decline(request, clicked.place))


def _decide(item: InboxItem, how: Callable[[int], object]) -> str | None:
    if item.request_id is None:
        return wording.NO_FILE_ANY_MORE
    try:
        how(item.request_id)
    except LibraryError as error:
        return str(error)
    return None


# What each button is about, and what it does.
CLICKS: dict[str, tuple[Kind, Click]] = {
    cards.PROMOTE: (Kind.FILE, promote),
    cards.REMOVE: (Kind.FILE, remove),
    cards.APPROVE: (Kind.REQUEST, approve),
    cards.DECLINE: (Kind.REQUEST, decline),
}


def _curates(place: Place) -> bool:
    return role_at(place) in (Role.CURATOR, Role.ADMIN)


def _standing(item: InboxItem) -> DocumentVersion | None:
    found = DocumentVersion.objects.filter(pk=item.version_id or 0, document__removed_at=None)
    return found.select_related("document__space").first()


def _follow(outcome: Outcome) -> None:
    """The cards of versions that were given up tell of those that stand for them."""
    for version, instead in outcome.instead.items():
        InboxItem.objects.filter(version=version).update(version=instead)
