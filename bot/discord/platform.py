"""Discord as the rest of the bot sees it."""

import logging
from collections import Counter
from collections.abc import Callable

import discord

from backend.accounts.audience import Place
from bot import wording
from bot.discord import render
from bot.discord.deferred import DeferredOutlet, send_direct
from bot.discord.events import PLATFORM
from bot.discord.files import read
from bot.discord.pacing import show_typing
from bot.discord.people import People
from bot.discord.rest import GONE, DiscordApi
from bot.discord.send import ChannelOutlet
from bot.errors import DeliveryError, GivenUp, Nowhere, Refused
from bot.incoming import DIRECT, Key
from bot.models import InboxItem, ItemState, Kind
from bot.platforms import Fetched, Outlet
from bot.shared_files import file_of

logger = logging.getLogger(__name__)


class DiscordPlatform:
    """All servers of one bot, connected."""

    name = PLATFORM

    def __init__(
        self,
        client: discord.Client,
        api: DiscordApi,
        people: People,
        rest: Callable[[str], None],
    ) -> None:
        self._client, self._api, self._people = client, api, people
        self._writing: Counter[str] = Counter()
        self.rest = rest

    async def status(self, item: InboxItem) -> None:
        if _is_deferred(item):
            return  # Discord shows that itself
        channel = item.thread if item.route.get("in_thread") else item.channel
        await show_typing(self._api, channel)

    async def is_there(self, item: InboxItem) -> bool:
        if not item.said_in.isdecimal():
            return True
        channel = item.thread if item.route.get("in_thread") else item.channel
        try:
            await self._api.call(
                "GET",
                "/channels/{channel_id}/messages/{message_id}",
                channel_id=channel,
                message_id=item.said_in,
            )
        except Refused as error:
            return error.code not in GONE
        except DeliveryError:
            return True
        return True

    async def place(self, item: InboxItem) -> Place:
        sender, here = int(item.sender), item.installation
        if item.direct:
            return await self._people.alone(sender)
        is_elsewhere = here == DIRECT or self._client.get_guild(int(here)) is None
        if is_elsewhere and item.private:
            return await self._people.by_themselves(sender)
        if here == DIRECT:
            raise Nowhere(wording.NO_SERVER)
        where = item.thread if item.route.get("in_thread") else item.channel
        return await self._people.place(int(here), int(where), sender, private=item.private)

    async def direct(self, person: str) -> Key:
        opened = await self._api.call("POST", "/users/@me/channels", body={"recipient_id": person})
        return Key(PLATFORM, DIRECT, str(opened["id"]), "")

    async def fetch(self, item: InboxItem) -> Fetched:
        file, where = file_of(item), item.thread if item.route.get("in_thread") else item.channel
        said_in = item.route.get("message") or item.said_in
        message = said_in if said_in.isdecimal() else ""
        return Fetched(file.name, await read(self._api, file, where, message))

    async def tell(self, item: InboxItem, error: DeliveryError) -> None:
        code = getattr(error, "code", "")
        other = wording.NOT_SHOWN_OTHER_DISCORD.format(code=code)
        if isinstance(error, GivenUp):
            other = wording.NOT_SHOWN_TRIED.format(platform="Discord")
        reason = wording.NOT_SHOWN_WHY_DISCORD.get(code, other)
        body = render.message(wording.NOT_SHOWN.format(reason=reason))
        try:
            await send_direct(self._api, item.sender, body, nonce=f"askwell-told-{item.pk}")
        except DeliveryError as failed:
            logger.warning("%s was not told: %s", item, failed)

    def outlet(self, item: InboxItem, place: Place | None) -> Outlet:
        assert self._client.user is not None
        is_member, bot = place is None or place.bot_is_member, str(self._client.user.id)
        if _is_deferred(item):
            return DeferredOutlet(self._api, item, bot, is_member=is_member)
        outlet = ChannelOutlet(self._api, item, bot, self._writing)
        if place is not None and (item.kind, item.state) == (Kind.QUESTION, ItemState.CLAIMED):
            outlet.keep_typing()
        return outlet


def _is_deferred(item: InboxItem) -> bool:
    return item.private or "token" in item.route
