"""Requests to make a document available to the team: a message to each curator, who decides."""

from collections.abc import Collection
from contextlib import closing

from django.db.models import Case, F, Q, QuerySet, Value, When

from backend.accounts.models import Identity, Role, Standing
from backend.accounts.models import Platform as Chat
from backend.library.models import PromotionRequest, RequestState
from backend.library.promoting import asker_of, namesakes
from bot import ledger, wording
from bot.cards import APPROVE, DECLINE, GONE, Card, shown
from bot.files import tell
from bot.leases import Held
from bot.models import InboxItem, ItemState, Kind
from bot.platforms import Button, Closing, Platform
from bot.reply import Reply, check_nothing
from bot.telling import Untold
from bot.threads import in_inbox


def untold(platforms: Collection[str]) -> list[Untold]:
    """Who is to be asked on these platforms."""
    waiting = PromotionRequest.objects.filter(
        state=RequestState.ASKED, document__removed_at=None
    ).order_by("pk")
    if not (workspaces := dict(waiting.values_list("pk", "workspace"))):
        return []
    items = InboxItem.objects.filter(request__in=workspaces)
    known = set(items.values_list("request", "platform", "sender"))
    curators = list(_curators(workspaces.values(), platforms))
    return [
        Untold(request, at.platform, at.external_id, one.external_id)
        for request, workspace in workspaces.items()
        for one in curators
        if (at := one.installation).workspace_id == workspace
        and (request, at.platform, one.external_id) not in known
    ]


def _curators(workspaces: Collection[int], platforms: Collection[str]) -> QuerySet[Identity]:
    return (
        Identity.objects.filter(
            installation__workspace__in=workspaces,
            installation__platform__in=platforms,
            standing=Standing.TEAM,
            user__is_active=True,
            user__memberships__workspace=F("installation__workspace"),
            user__memberships__role__in=(Role.CURATOR, Role.ADMIN),
        )
        .select_related("installation")
        .order_by("pk")
    )


def decided(told: QuerySet[InboxItem]) -> list[int]:
    """Those of these messages that ask what is asked no more."""
    gone = Q(request=None) | Q(request__document__removed_at__isnull=False)
    now = Case(When(gone, then=Value(GONE)), default=F("request__state"))
    return list(told.filter(kind=Kind.REQUEST).exclude(told=now).values_list("pk", flat=True))


async def respond(held: Held, platform: Platform) -> None:
    """Take a claimed item to its end. Raises LeaseLost and DeliveryError."""
    item = held.item
    with closing(platform.outlet(item, None)) as outlet:
        reply = Reply(held, outlet, await in_inbox(ledger.parts_of, item))
        below = None
        if item.state == ItemState.CLAIMED:
            await reply.adopt()
        if item.state in (ItemState.CLAIMED, ItemState.ANSWERED):
            below = await tell(reply, await in_inbox(_card, item))
        parts = await in_inbox(ledger.parts_of, item)
        await reply.deliver(parts, below, check_nothing)


def _card(item: InboxItem) -> Card:
    request = PromotionRequest.objects.select_related(
        "document__space", "workspace", "asked_by"
    ).filter(pk=item.request_id or 0, document__removed_at=None)
    if (asked := request.first()) is None:
        return Card(wording.REQUEST_GONE, GONE)
    name = shown(asked.document.name)
    if asked.state != RequestState.ASKED:
        return Card(_DECIDED[asked.state].format(name=name), asked.state)
    asker = shown(asker_of(asked) or wording.REQUEST_BY_NOBODY)
    words = wording.REQUEST.format(asker=asker, name=name, where=_where(asked))
    if count := namesakes(asked.document, asked.workspace):
        more = wording.REQUEST_REPLACES if count == 1 else wording.REQUEST_BESIDE
        words = f"{words} {more.format(count=count)}"
    buttons = [
        Button(APPROVE, item.pk, wording.APPROVE),
        Button(DECLINE, item.pk, wording.DECLINE),
    ]
    return Card(words, asked.state, closing=Closing(buttons=buttons))


def _where(asked: PromotionRequest) -> str:
    """Where the document was shared."""
    kind, _, place = asked.document.space.key.partition(":")
    if kind != "channel":
        return wording.SHARED_ALONE
    platform = Chat(place.partition("/")[0]).label
    if not asked.asked_in:
        return wording.SHARED_IN_CHANNEL.format(platform=platform)
    return wording.SHARED_IN.format(channel=shown(asked.asked_in), platform=platform)


_DECIDED: dict[str, str] = {
    RequestState.APPROVED: wording.REQUEST_APPROVED,
    RequestState.DECLINED: wording.REQUEST_DECLINED,
}
