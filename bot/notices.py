"""What admins are told of maintenance, in their direct messages."""

from collections.abc import Collection
from contextlib import closing

from backend.accounts.models import Identity, Role, Standing
from backend.jobs import notices
from backend.jobs.models import Notice
from bot import claims, ledger
from bot.leases import Held
from bot.models import InboxItem, ItemState, Kind
from bot.platforms import Platform
from bot.reply import Reply, check_nothing
from bot.telling import Untold, message_of
from bot.threads import in_inbox
from knowledge.errors import LeaseLost


def untold(platforms: Collection[str]) -> list[Untold]:
    """Who is to be told of what on these platforms; each person by one of their identities."""
    return [
        Untold(notice.pk, one.installation.platform, one.installation.external_id, one.external_id)
        for notice in notices.fresh().select_related("workspace")
        for one in _admins(notice, platforms)
    ]


def _admins(notice: Notice, platforms: Collection[str]) -> list[Identity]:
    """One identity of each admin who has not been told by any."""
    told = set(
        InboxItem.objects.filter(
            kind=Kind.NOTICE, message=message_of(Kind.NOTICE, notice.pk)
        ).values_list("platform", "sender")
    )
    known: dict[int, list[Identity]] = {}
    for identity in _identities(notice, platforms):
        known.setdefault(identity.user_id, []).append(identity)
    return [
        theirs[0]
        for theirs in known.values()
        if told.isdisjoint((one.installation.platform, one.external_id) for one in theirs)
    ]


def _identities(notice: Notice, platforms: Collection[str]) -> list[Identity]:
    rows = Identity.objects.filter(
        installation__workspace=notice.workspace,
        installation__platform__in=platforms,
        standing=Standing.TEAM,
        user__is_active=True,
        user__memberships__workspace=notice.workspace,
        user__memberships__role=Role.ADMIN,
    )
    return list(rows.select_related("installation").order_by("pk"))


async def respond(held: Held, platform: Platform) -> None:
    """Take a claimed item to its end. Raises LeaseLost and DeliveryError."""
    item = held.item
    with closing(platform.outlet(item, None)) as outlet:
        reply = Reply(held, outlet, await in_inbox(ledger.parts_of, item))
        if item.state == ItemState.CLAIMED:
            await reply.adopt()
            texts = reply.texts(await in_inbox(_text, item))
            if not await in_inbox(claims.decide, item, ItemState.ANSWERED, texts):
                raise LeaseLost()
        parts = await in_inbox(ledger.parts_of, item)
        await reply.deliver(parts, None, check_nothing)


def _text(item: InboxItem) -> str:
    """What the notice says to this admin; nothing to who is none any more."""
    notice = Notice.objects.filter(pk=item.message.rpartition("-")[2]).first()
    if notice is None:
        return ""
    for identity in _identities(notice, [item.platform]):
        if identity.external_id == item.sender:
            return notices.text_for(notice, identity.user)
    return ""
