"""Documents on the page: list, add, remove, and open a passage in its neighbourhood."""

import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_GET, require_http_methods

from backend.accounts.audience import Place, readable_keys, readable_spaces
from backend.accounts.models import User
from backend.accounts.roles import CURATORS, changeable_keys, role_at
from backend.accounts.spaces import personal_key, space_for, team_key
from backend.chat.removal import remove, sweep_removed
from backend.console.access import place_of, problem, signed_in
from backend.library.bringing import bring
from backend.library.promoting import asked_for
from knowledge.catalogue import Entry, catalogue
from knowledge.errors import FileRefused
from knowledge.extraction import MAX_BYTES
from knowledge.models import Document, Section, Space, VersionState
from knowledge.removal import remove_document as withdraw

NOT_FOUND = "This document doesn't exist or you may not see it."
NOT_YOURS = "Only a curator or an admin can change the team's documents."
# Characters shown before and after a passage.
NEIGHBOURHOOD = 1500
# A long line, and after it one that begins no list item, table row, heading or code.
_WRAPPED = re.compile(r"([^\n]{40,})\n(?=[^\s\-*•|#>\d`=~])")


@dataclass(frozen=True)
class Rights:
    """What a person may do with documents: change those of these spaces, give others to the team
    or ask for that, where nobody has."""

    changeable: set[str]
    role: str | None
    asked: set[UUID]

    @classmethod
    def of(cls, place: Place) -> "Rights":
        return cls(changeable_keys(place), role_at(place), asked_for(place.workspace))

    def promotion(self, document: Document) -> str | None:
        """promote, ask, or asked where it was asked for; None where there is nothing to do."""
        if self.role is None or document.space.key.startswith("team:"):
            return None
        if self.role in CURATORS:
            return "promote"
        return "asked" if document.pk in self.asked else "ask"


@require_http_methods(["GET", "POST"])
@signed_in
def documents(request: HttpRequest) -> HttpResponse:
    """GET: what the user may read. POST (file, space): add a file."""
    return _add(request) if request.method == "POST" else _list(request)


def _list(request: HttpRequest) -> HttpResponse:
    place = place_of(request)
    entries = catalogue(readable_spaces(place))
    rights = Rights.of(place)
    return JsonResponse(
        {
            "documents": [_fields(entry, rights) for entry in entries],
            "samples": sum(entry.document.sample for entry in entries),
        }
    )


def _add(request: HttpRequest) -> HttpResponse:
    place, file = place_of(request), request.FILES.get("file")
    if file is None:
        return problem("Choose a file to add.")
    offered = {choice["key"] for choice in spaces_to_add_to(place)}
    key = request.POST.get("space") or personal_key(place.workspace, _user(place))
    if key not in offered:
        return problem(NOT_YOURS, 409)
    if (file.size or 0) > MAX_BYTES:
        return problem(f"{file.name} has more than 25 MB, which is the limit.")
    try:
        added = bring(space_for(key), file.name or "unnamed", file.read(), _user(place))
    except FileRefused as error:
        return problem(str(error))
    document = added.version.document
    entry = next(e for e in catalogue([document.space]) if e.document == document)
    fields = _fields(entry, Rights.of(place))
    return JsonResponse(fields | {"outcome": added.outcome}, status=201)


@require_http_methods(["DELETE"])
@signed_in
def remove_document(request: HttpRequest, pk: UUID) -> HttpResponse:
    place = place_of(request)
    document = Document.objects.kept().filter(pk=pk, space__in=readable_spaces(place)).first()
    if document is None:
        return problem(NOT_FOUND, 404)
    if document.space.key not in changeable_keys(place):
        return problem(NOT_YOURS, 409)
    remove(document)
    return HttpResponse(status=204)


@require_http_methods(["DELETE"])
@signed_in
def remove_samples(request: HttpRequest) -> HttpResponse:
    """Remove all sample documents. Their rows stay, so they never come back by themselves."""
    place = place_of(request)
    changeable = changeable_keys(place)
    samples = Document.objects.kept().filter(sample=True, space__in=readable_spaces(place))
    theirs = list(samples.filter(space__key__in=changeable).select_related("space"))
    if samples.exists() and not theirs:
        return problem(NOT_YOURS, 409)
    for document in theirs:
        withdraw(document)
    sweep_removed()
    return HttpResponse(status=204)


@require_GET
@signed_in
def show_passage(request: HttpRequest, version: int, section: int) -> HttpResponse:
    """A passage of the very version that an answer used, with the text around it."""
    try:
        start, end = int(request.GET["start"]), int(request.GET["end"])
    except (KeyError, ValueError):
        return problem("Say which characters: start and end.")
    found = (
        Section.objects.filter(
            pk=section,
            version__id=version,
            version__document__removed_at=None,
            version__document__space__key__in=readable_keys(place_of(request)),
        )
        .exclude(version__state=VersionState.REMOVED)
        .select_related("version__document__current")
        .first()
    )
    if found is None or not 0 <= start <= end <= len(found.text):
        return problem("This passage was removed, or you may not see it.", 404)
    current = found.version.document.current
    return JsonResponse(
        {
            "document": found.version.document.name,
            "page": found.page,
            "heading": found.heading,
            "before": _unwrapped(found.text[max(0, start - NEIGHBOURHOOD) : start]),
            "text": _unwrapped(found.text[start:end]),
            "after": _unwrapped(found.text[end : end + NEIGHBOURHOOD]),
            "version": found.version.number,
            "current": current.number if current else None,
        }
    )


def spaces_to_add_to(place: Place) -> list[dict[str, str]]:
    """Where the user may put a file; their own space first."""
    user = _user(place)
    choices = [{"key": personal_key(place.workspace, user), "label": "Only me"}]
    team = space_for(team_key(place.workspace))
    if team.key in changeable_keys(place):
        choices.append({"key": team.key, "label": "The whole team"})
    return choices


def _unwrapped(text: str) -> str:
    """Paragraphs as single lines: where the source was wrapped is no matter of the page's."""
    return _WRAPPED.sub(r"\1 ", text)


def _user(place: Place) -> User:
    assert place.user is not None
    return place.user


def _label(space: Space) -> str:
    kind, _, rest = space.key.partition(":")
    return {"team": "Team", "personal": "Only me"}.get(kind, rest)


def _fields(entry: Entry, rights: Rights) -> dict[str, Any]:
    document = entry.document
    return {
        "id": str(document.pk),
        "document": document.name,
        "space": document.space.key,
        "space_label": _label(document.space),
        "status": entry.status,
        "version": entry.version,
        "passages": entry.passages,
        "pages": entry.pages,
        "pages_done": entry.pages_done,
        "done": entry.done,
        "total": entry.total,
        "reason": entry.reason or None,
        "notice": entry.notice or None,
        "removable": document.space.key in rights.changeable,
        "promotion": rights.promotion(document),
        "sample": document.sample,
    }
