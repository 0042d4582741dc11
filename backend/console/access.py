"""Who may use the page: people who are signed in, as themselves in the home workspace."""

import json
import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.utils.cache import add_never_cache_headers

from backend.accounts.audience import Place
from backend.accounts.models import User
from backend.accounts.spaces import home
from knowledge.errors import StorageFault

logger = logging.getLogger(__name__)

View = Callable[..., HttpResponseBase]

SIGNED_OUT = "You are signed out. Open a sign-in link, then try again."


def signed_in(view: View) -> View:
    """Answer 401 with a sentence where nobody is signed in, never a redirect, and 503 with one
    where originals can't be reached."""

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return problem(SIGNED_OUT, 401)
        try:
            response = view(request, *args, **kwargs)
        except StorageFault as error:
            logger.warning("%s: %s", request.path, error)
            response = problem(str(error), 503)
        add_never_cache_headers(response)  # another may use this browser next
        return response

    return checked


def user_of(request: HttpRequest) -> User:
    """The person who is signed in."""
    return User.objects.get(pk=request.user.pk or 0)


def place_of(request: HttpRequest) -> Place:
    """The page is a private place of its user."""
    return Place(home(), user=user_of(request))


def json_of(request: HttpRequest) -> dict[str, Any]:
    """The object that was sent; an empty one where it was none."""
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def problem(sentence: str, status: int = 400) -> JsonResponse:
    return JsonResponse({"error": sentence}, status=status)
