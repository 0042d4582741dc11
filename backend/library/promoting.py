"""Make a document available to the whole team: curators do, members ask for it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from backend.accounts.audience import Place, readable_keys
from backend.accounts.models import Workspace
from backend.accounts.people import known_as
from backend.accounts.roles import CURATORS, role_at
from backend.accounts.spaces import space_for, team_key
from backend.chat.replacing import use_instead
from backend.library.errors import (
    AlreadyDecided,
    ChangedSince,
    CuratorsOnly,
    DocumentGone,
    MembersOnly,
    TeamsAlready,
    UnknownDocument,
    UnknownRequest,
)
from backend.library.models import PromotionRequest, RequestState
from knowledge.errors import Overtaken
from knowledge.models import Document
from knowledge.moving import holds, move_document


@dataclass(frozen=True)
class Outcome:
    """`document` is the team's and holds what was promoted.

    `how` is "moved"; "replaced" where the team had a document of that name, whose next version it
    is; "same" where the team had the same bytes. `instead` names, for each version that was given
    up then, the one with the same bytes.
    """

    document: Document
    how: str
    instead: Mapping[int, int]


@dataclass(frozen=True)
class Asker:
    """What a platform calls whoever asks, and the channel where they do, as far as everybody of
    the team may know its name."""

    name: str = ""
    channel: str = ""


UNNAMED = Asker()


def promote(document: Document, place: Place) -> Outcome:
    """Give the document to the team, with its versions, passages and vectors; whoever asked for
    that has it granted. Raises LibraryError."""
    _require_curator(place)
    found = _readable(document, place)
    with transaction.atomic():
        _decide(RequestState.APPROVED, place, document=found.pk)
        return _give_to_team(found, place.workspace)


def ask_for_promotion(document: Document, place: Place, asker: Asker = UNNAMED) -> PromotionRequest:
    """Ask the curators to give it to the team; the request that is open already, where there is
    one. Raises LibraryError."""
    if role_at(place) is None:
        raise MembersOnly()
    found = _readable(document, place)
    request, _ = PromotionRequest.objects.get_or_create(
        document=found,
        state=RequestState.ASKED,
        defaults={
            "workspace": place.workspace,
            "asked_by": place.asker,
            "asked_as": asker.name[:80],
            "asked_in": asker.channel[:100],
        },
    )
    return request


def approve(request_id: int, place: Place) -> Outcome:
    """Give the document to the team, as was asked. Raises LibraryError: also where it holds more
    by now than whoever asked had in mind."""
    _require_curator(place)
    with transaction.atomic():
        request = _decided(request_id, RequestState.APPROVED, place)
        if request.document.versions.filter(created_at__gt=request.asked_at).exists():
            raise ChangedSince()
        return _give_to_team(request.document, place.workspace)


def decline(request_id: int, place: Place) -> PromotionRequest:
    """Leave the document where it is. Raises LibraryError."""
    _require_curator(place)
    with transaction.atomic():
        return _decided(request_id, RequestState.DECLINED, place)


def waiting_requests(workspace: Workspace) -> list[PromotionRequest]:
    """What the workspace's curators have to decide on, the oldest first. For curators only: the
    documents are other people's."""
    waiting = PromotionRequest.objects.filter(
        workspace=workspace, state=RequestState.ASKED, document__removed_at=None
    ).exclude(document__space__key=team_key(workspace))
    return list(waiting.select_related("document__space", "asked_by").order_by("pk"))


def asked_for(workspace: Workspace) -> set[UUID]:
    """The documents of which somebody asked that the team have them, and nobody decided yet."""
    open_requests = PromotionRequest.objects.filter(workspace=workspace, state=RequestState.ASKED)
    return set(open_requests.values_list("document", flat=True))


def asker_of(request: PromotionRequest) -> str:
    """What whoever asked is called; empty where they are known no more."""
    if request.asked_by is None:
        return ""
    return request.asked_as or known_as(request.asked_by)


def namesakes(document: Document, workspace: Workspace) -> int:
    """How many documents the team has that this one is called like. Of exactly one it would become
    the next version; none count where the team has the same bytes, for then it would become that
    document."""
    team = space_for(team_key(workspace))
    if holds(team, document):
        return 0
    return team.documents.kept().filter(name=document.name).count()


def _require_curator(place: Place) -> None:
    if role_at(place) not in CURATORS:
        raise CuratorsOnly()


def _readable(document: Document, place: Place) -> Document:
    """The document as it stands now, if whoever speaks here may read it, in this place or by
    themselves, and it is not the team's yet."""
    keys = readable_keys(place) | readable_keys(replace(place, channel=None))
    kept = Document.objects.kept().filter(pk=document.pk, space__key__in=keys)
    if (found := kept.select_related("space").first()) is None:
        raise UnknownDocument()
    if found.space.key == team_key(place.workspace):
        raise TeamsAlready()
    return found


def _decided(request_id: int, state: RequestState, place: Place) -> PromotionRequest:
    theirs = PromotionRequest.objects.filter(pk=request_id, workspace=place.workspace)
    if not _decide(state, place, pk=request_id, workspace=place.workspace):
        raise AlreadyDecided() if theirs.exists() else UnknownRequest()
    return theirs.select_related("document__space", "asked_by").get()


def _decide(state: RequestState, place: Place, **of: object) -> int:
    return PromotionRequest.objects.filter(state=RequestState.ASKED, **of).update(
        state=state, decided_by=place.asker, decided_at=timezone.now()
    )


def _give_to_team(document: Document, workspace: Workspace) -> Outcome:
    target = space_for(team_key(workspace))
    if document.space_id == target.pk:
        raise TeamsAlready()
    try:
        moved = move_document(document, target)
    except Overtaken as error:
        raise DocumentGone(document.name) from error
    use_instead(moved.instead)
    return Outcome(moved.document, moved.how, moved.instead)
