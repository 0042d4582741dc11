"""Documents that become the team's, on the page: done by curators, asked for by members."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_GET, require_POST

from backend.accounts.audience import Place
from backend.accounts.roles import CURATORS, role_at
from backend.console.access import json_of, place_of, problem, signed_in
from backend.console.history import NOT_FOUND, readable
from backend.library.errors import LibraryError
from backend.library.models import PromotionRequest
from backend.library.promoting import (
    approve,
    ask_for_promotion,
    asker_of,
    decline,
    namesakes,
    promote,
    waiting_requests,
)

DECIDE = "Say whether it is approved or declined."


@require_POST
@signed_in
def promotion(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Give the document to the team, or ask a curator to. `outcome` is moved, replaced, same or
    asked; or namesake, and then nothing was done, where it would become a version of a document
    that the team has, and {"replace": true} does not say that it is to."""
    place = place_of(request)
    document = readable(place, pk)
    if document is None:
        return problem(NOT_FOUND, 404)
    try:
        if role_at(place) in CURATORS:
            if namesakes(document, place.workspace) == 1 and not json_of(request).get("replace"):
                return JsonResponse({"outcome": "namesake"})
            return JsonResponse({"outcome": promote(document, place).how})
        ask_for_promotion(document, place)
    except LibraryError as error:
        return problem(str(error), 409)
    return JsonResponse({"outcome": "asked"})


@require_GET
@signed_in
def list_requests(request: HttpRequest) -> HttpResponse:
    """What waits for the user's decision; nothing for whoever is no curator."""
    place = place_of(request)
    theirs = role_at(place) in CURATORS
    waiting = waiting_requests(place.workspace) if theirs else []
    return JsonResponse({"requests": [_fields(one, place) for one in waiting]})


@require_POST
@signed_in
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    """POST {"decision": "approve"|"decline"}"""
    place = place_of(request)
    decisions = {"approve": approve, "decline": decline}
    decision = decisions.get(str(json_of(request).get("decision")))
    if decision is None:
        return problem(DECIDE)
    try:
        decision(pk, place)
    except LibraryError as error:
        return problem(str(error), 409)
    return HttpResponse(status=204)


def _fields(request: PromotionRequest, place: Place) -> dict[str, Any]:
    document = request.document
    return {
        "id": request.pk,
        "document": document.name,
        "by": asker_of(request) or None,
        "at": request.asked_at.isoformat(),
        "replaces": namesakes(document, place.workspace) == 1,
    }
