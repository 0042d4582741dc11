"""A document's versions: who brought which when, going back to one, and taking one away."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from backend.accounts.audience import Place, readable_keys
from backend.accounts.models import User
from backend.accounts.roles import changeable_keys
from backend.chat.removal import sweep_removed
from backend.library.errors import (
    CuratorsOnly,
    CurrentAlready,
    DocumentGone,
    UnknownDocument,
    UnknownVersion,
)
from backend.library.models import Contribution
from knowledge import removal
from knowledge.catalogue import STATUS
from knowledge.errors import Overtaken
from knowledge.models import Document, DocumentVersion, VersionState
from knowledge.restoring import restore


@dataclass(frozen=True)
class Past:
    """A version in its document's history. `user` is nobody where the terminal brought it, or
    where they were forgotten; `restores` is the number of the version whose content it brought
    back; `current` says whether it is what the document shows."""

    version: DocumentVersion
    user: User | None
    restores: int | None
    status: str
    current: bool

    @property
    def at(self) -> datetime:
        return self.version.created_at


def versions_of(document: Document) -> list[Past]:
    """The document's versions, the newest first, without those that were taken away."""
    kept = document.versions.exclude(state=VersionState.REMOVED).order_by("-number")
    current = Document.objects.filter(pk=document.pk).values_list("current", flat=True).first()
    contributed = kept.select_related("contribution__user", "contribution__restores")
    return [_past(version, current) for version in contributed]


def _past(version: DocumentVersion, current: int | None) -> Past:
    brought = getattr(version, "contribution", None) or Contribution()
    return Past(
        version,
        brought.user,
        brought.restores.number if brought.restores else None,
        STATUS[VersionState(version.state)],
        version.pk == current,
    )


def roll_back(document: Document, number: int, place: Place) -> DocumentVersion:
    """What version `number` held becomes the newest version, which whoever speaks here, in
    private, brought. Raises LibraryError and OriginalMissing."""
    found = _changeable(document, place)
    old = found.versions.filter(number=number, state=VersionState.READY).first()
    if old is None:
        raise UnknownVersion()
    if old.pk == found.current_id:
        raise CurrentAlready()

    try:
        return bring_back(old, place.asker)
    except Overtaken as error:
        raise DocumentGone(found.name) from error


def bring_back(old: DocumentVersion, user: User | None) -> DocumentVersion:
    """The content of `old` as the newest version, which `user` brought. Raises OriginalMissing and
    Overtaken."""
    earlier = Contribution.objects.select_related("restores").filter(version=old).first()
    origin = (earlier and earlier.restores) or old

    def note(version: DocumentVersion) -> None:
        Contribution.objects.create(version=version, user=user, restores=origin)

    return restore(old, note)


def remove_version(version: DocumentVersion) -> None:
    """Take away what somebody brought and took back: the version, what was brought back of it
    later, and the answers that used either.

    Was it what the document shows, the latest of the other versions is shown again. A document of
    which nothing else stands is removed.
    """
    with transaction.atomic():
        for copy in DocumentVersion.objects.filter(contribution__restores=version):
            removal.remove_version(copy)
        removal.remove_version(version)
    sweep_removed()


def _changeable(document: Document, place: Place) -> Document:
    kept = Document.objects.kept().select_related("space").filter(pk=document.pk)
    found = kept.filter(space__key__in=readable_keys(place)).first()
    if found is None:
        raise UnknownDocument()
    if found.space.key not in changeable_keys(place):
        raise CuratorsOnly()
    return found
