"""The page itself, and the way in and out."""

from django.contrib.auth import login, logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET, require_POST

from backend.accounts.models import Role
from backend.accounts.roles import role_at
from backend.accounts.sign_in import redeem
from backend.console.access import place_of
from backend.console.documents import spaces_to_add_to
from knowledge.extraction.kinds import KIND_OF_SUFFIX

LINK_IS_SPENT = (
    "This sign-in link was used before or is too old. Each link works once, for an hour."
)


@require_GET
@never_cache
@ensure_csrf_cookie
def page(request: HttpRequest) -> HttpResponse:
    """The page, or how to sign in."""
    if not request.user.is_authenticated:
        return render(request, "console/signed_out.html", {"message": ""})
    place = place_of(request)
    context = {
        "user_name": place.user,
        "spaces": spaces_to_add_to(place),
        "accept": ",".join(KIND_OF_SUFFIX),
        "is_admin": role_at(place) == Role.ADMIN,
    }
    return render(request, "console/page.html", context)


@require_GET
@never_cache
def sign_in(request: HttpRequest, token: str) -> HttpResponse:
    """Redeem a link. A browser that only looks ahead doesn't use it up."""
    if "prefetch" in request.headers.get("Sec-Purpose", ""):
        return HttpResponse(status=204)
    user = redeem(token)
    if user is None:
        return render(request, "console/signed_out.html", {"message": LINK_IS_SPENT}, status=410)
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    return HttpResponseRedirect("/")


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return HttpResponseRedirect("/")
