"""Clicks: thumbs with their reasons, sharing a private answer. Any custom id may be forged."""

from collections.abc import Callable
from typing import Any

from backend.accounts.audience import Place
from backend.chat.feedback import give_feedback
from backend.library.promoting import Asker
from bot import inbox, talks, wording
from bot.clicks import CLICKS, Clicked
from bot.discord import render
from bot.discord.interactions import Asked
from bot.discord.people import People
from bot.incoming import Heard, Said
from bot.models import InboxItem, Kind
from bot.threads import in_inbox
from knowledge.threads import in_pool

JSON = dict[str, Any]


class Actions:
    def __init__(self, people: People, taken: Callable[[Heard], None]) -> None:
        self._people, self._taken = people, taken

    async def click(self, asked: Asked) -> None:
        kind, _, rest = str(asked.data.get("custom_id")).partition(":")
        if kind in CLICKS:
            await self._card(asked, kind, rest)
            return
        thumb, _, number = rest.partition(":")
        pk = rest if kind == render.SHARE else number
        match (kind, thumb, await self._seen(asked, pk)):
            case (render.SHARE, _, InboxItem(private=True) as item):
                await self._share(asked, item)
            case (render.THUMB, "down", InboxItem() as item):
                await asked.show_form(render.reason_form(str(item.pk)))
                await self._keep(asked, item, False, "")
            case (render.THUMB, "up", InboxItem() as item):
                await asked.defer(private=True)
                await self._keep(asked, item, True, "")
                await asked.edit(wording.THANKS)
            case _:
                await asked.tell(wording.UNKNOWN_BUTTON)

    async def reason(self, asked: Asked) -> None:
        """Keep why an answer did not help."""
        kind, _, pk = str(asked.data.get("custom_id")).partition(":")
        item = await self._seen(asked, pk) if kind == render.REASON else None
        if item is None:
            await asked.tell(wording.UNKNOWN_BUTTON)
            return
        await asked.defer(private=True)
        await self._keep(asked, item, False, _typed(asked.data.get("components") or []))
        await asked.edit(wording.THANKS)

    async def _card(self, asked: Asked, action: str, pk: str) -> None:
        """Do what a card offers; whoever may not is told so alone."""
        await asked.leave()
        kind, click = CLICKS[action]
        item = await self._seen(asked, pk, kind)
        told: str | None = wording.NO_FILE_ANY_MORE
        if item is not None:
            place = await self._place(asked, item)
            by = Asker(asked.interaction.user.display_name, self._people.open_name(asked))
            told = await in_pool(click, Clicked(item, place, by))
        if told is not None:
            await asked.tell(told)

    async def _place(self, asked: Asked, item: InboxItem) -> Place:
        """Where whoever clicked stands; a request says of which server it is."""
        if server := item.route.get("installation"):
            return await self._people.place(int(server), None, asked.person, private=True)
        return await self._people.of_click(asked)

    async def _seen(self, asked: Asked, pk: str, kind: Kind = Kind.QUESTION) -> InboxItem | None:
        """The item that a click is about, if whoever clicked can see its answer: it is the one that
        they clicked in, for a private thread belongs to a channel that more can see."""
        here = asked.key("")
        item = await in_inbox(inbox.open_to, pk, here, str(asked.person), kind)
        if item is None or item.private:
            return item
        return item if await in_inbox(talks.answered_by, here, asked.clicked) == item else None

    async def _keep(self, asked: Asked, item: InboxItem, helpful: bool, reason: str) -> None:
        place = await self._people.of_click(asked)
        if place.asker is not None and item.answer_id is not None:
            await in_inbox(give_feedback, item.answer_id, place.asker, helpful, reason)

    async def _share(self, asked: Asked, item: InboxItem) -> None:
        """Ask again as the channel: what is shared draws on what everybody there may read."""
        here = asked.key("").channel == item.channel
        if item.direct or not here or not self._people.is_member(asked):
            await asked.tell(wording.INVITE_TO_SHARE)
            return
        said = Said(
            asked.key(f"interaction-share-{item.pk}"),  # clicked twice, it is shared once
            str(asked.person),
            item.text,
            thread=item.thread,
            route={
                "shared_by": asked.interaction.user.display_name,
                "in_thread": bool(item.thread),
            },
        )
        new = await in_inbox(inbox.take, said)
        await asked.leave()
        if new:
            self._taken(said)


def _typed(components: list[JSON]) -> str:
    """What a form's field holds."""
    for component in components:
        inner = component.get("component") or component
        if inner.get("custom_id") == render.REASON:
            return str(inner.get("value") or "")
        if found := _typed(inner.get("components") or []):
            return found
    return ""
