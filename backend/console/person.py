"""“You” on the page: link chat identities, get one's data, be forgotten."""

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from backend.accounts import linking
from backend.accounts.errors import PersonError
from backend.accounts.models import Identity
from backend.chat.export import export_of
from backend.chat.forgetting import forget as forget_person
from backend.chat.joining import enter_code, linked_identities, part
from backend.console.access import json_of, place_of, problem, signed_in, user_of

NOT_FOUND = "This identity isn't linked with you."
WHOSE = (
    "This code is from {name} {where}. If that is you, enter it once more. If somebody sent it to "
    "you, don't."
)
WHERE = {"slack": "on Slack", "discord": "on Discord", None: "on the page"}


@require_GET
@signed_in
def identities(request: HttpRequest) -> HttpResponse:
    """The chat identities that are linked with the user."""
    place = place_of(request)
    known = linked_identities(user_of(request), place.workspace)
    listed = [
        {"id": one.pk, "platform": one.installation.platform, "name": one.external_id}
        for one in known
    ]
    return JsonResponse({"identities": listed})


@require_POST
@signed_in
def make_code(request: HttpRequest) -> HttpResponse:
    """A code to be entered elsewhere."""
    place = place_of(request)
    return JsonResponse({"code": linking.new_code(place, str(place.user))})


@require_POST
@signed_in
def enter(request: HttpRequest) -> HttpResponse:
    """POST {"code"}: told first whose it is, joined the second time."""
    try:
        entered = enter_code(place_of(request), str(json_of(request).get("code") or ""))
    except PersonError as error:
        return problem(str(error), 409)
    told = WHOSE.format(name=entered.name, where=WHERE[entered.platform])
    return JsonResponse({"joined": entered.joined, "told": "" if entered.joined else told})


@require_http_methods(["DELETE"])
@signed_in
def unlink(request: HttpRequest, pk: int) -> HttpResponse:
    """Part a chat identity from the user; what was joined stays here."""
    place = place_of(request)
    found = Identity.objects.filter(
        pk=pk, user=user_of(request), installation__workspace=place.workspace
    ).select_related("installation__workspace")
    identity = found.first()
    if identity is None:
        return problem(NOT_FOUND, 404)
    try:
        part(identity)
    except PersonError as error:
        return problem(str(error), 409)
    return HttpResponse(status=204)


@require_GET
@signed_in
def my_data(request: HttpRequest) -> HttpResponse:
    """What is stored about the user, as a download."""
    try:
        export = export_of(place_of(request))
    except PersonError as error:
        return problem(str(error), 409)
    headers = {"Content-Disposition": f'attachment; filename="{export.name}"'}
    return HttpResponse(export.data, content_type="application/json", headers=headers)


@require_POST
@signed_in
def forget(request: HttpRequest) -> HttpResponse:
    """Forget the user and sign them out."""
    try:
        forget_person(place_of(request))
    except PersonError as error:
        return problem(str(error), 409)
    logout(request)
    return HttpResponse(status=204)
