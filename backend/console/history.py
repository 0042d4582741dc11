"""A document's versions on the page: who brought which when, getting one, and going back to one."""

from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.core.files.base import File
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET, require_POST

from backend.accounts.audience import Place, readable_keys
from backend.accounts.people import known_as
from backend.accounts.roles import role_at
from backend.console.access import place_of, problem, signed_in
from backend.library.errors import LibraryError
from backend.library.versions import Past, roll_back, versions_of
from knowledge import originals
from knowledge.errors import OriginalMissing
from knowledge.models import Document, VersionState
from knowledge.names import visible

NOT_FOUND = "This document doesn't exist or you may not see it."
NO_SUCH_VERSION = "This version was removed, or there never was one."
# Bytes that are read and sent at a time.
PIECE = 256 * 1024
# A browser keeps the file, and neither opens nor guesses nor runs what is in it.
INERT = {
    "Content-Type": "application/octet-stream",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@require_GET
@signed_in
def list_versions(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The document's versions, the newest first. Who brought them is told to the team only."""
    place = place_of(request)
    document = readable(place, pk)
    if document is None:
        return problem(NOT_FOUND, 404)
    named = role_at(place) is not None
    listed = [_fields(past, place, named) for past in versions_of(document)]
    return JsonResponse({"versions": listed})


@require_POST
@signed_in
def restore(request: HttpRequest, pk: UUID, number: int) -> HttpResponse:
    """What this version held becomes the newest version."""
    place = place_of(request)
    document = readable(place, pk)
    if document is None:
        return problem(NOT_FOUND, 404)
    try:
        version = roll_back(document, number, place)
    except (LibraryError, OriginalMissing) as error:
        return problem(str(error), 409)
    return JsonResponse({"number": version.number}, status=201)


@require_GET
async def download(request: HttpRequest, pk: UUID, number: int) -> HttpResponseBase:
    """The version's original, for whoever may read it; always as a file to be saved."""
    return await sync_to_async(_download)(request, pk, number)


@signed_in
def _download(request: HttpRequest, pk: UUID, number: int) -> HttpResponseBase:
    document = readable(place_of(request), pk)
    if document is None:
        return problem(NOT_FOUND, 404)
    kept = document.versions.exclude(state=VersionState.REMOVED)
    if (version := kept.filter(number=number).first()) is None:
        return problem(NO_SUCH_VERSION, 404)
    try:
        file = originals.opened(version)
    except OriginalMissing as error:
        return problem(str(error), 404)
    disposition = content_disposition_header(True, name_to_save(document.name))
    headers = INERT | {"Content-Disposition": str(disposition), "Content-Length": str(file.size)}
    return StreamingHttpResponse(_Pieces(file), headers=headers)


class _Pieces:
    """The bytes of a file, of which never all are held; it closes with the response."""

    def __init__(self, file: File) -> None:
        self._file = file

    def __aiter__(self) -> "_Pieces":
        return self

    async def __anext__(self) -> bytes:
        piece: bytes = await sync_to_async(self._file.read)(PIECE)
        if not piece:
            raise StopAsyncIteration
        return piece

    def close(self) -> None:
        self._file.close()


def name_to_save(name: str) -> str:
    return visible(name) or "document"


def readable(place: Place, pk: UUID) -> Document | None:
    """The document, where it stands and the user may read it."""
    kept = Document.objects.kept().select_related("space")
    return kept.filter(pk=pk, space__key__in=readable_keys(place)).first()


def _fields(past: Past, place: Place, named: bool) -> dict[str, Any]:
    version = past.version
    by = "you" if past.user == place.user else known_as(past.user) if past.user and named else None
    return {
        "number": version.number,
        "at": past.at.isoformat(),
        "by": by,
        "size": version.size,
        "status": past.status,
        "reason": version.reason or None,
        "current": past.current,
        "restores": past.restores,
    }
