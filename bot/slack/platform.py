"""Slack as the rest of the bot sees it."""

import logging
from collections.abc import Callable

from backend.accounts.audience import Place
from bot import wording
from bot.errors import DeliveryError, GivenUp, Resting
from bot.incoming import Key
from bot.models import InboxItem
from bot.platforms import Fetched, Outlet
from bot.shared_files import file_of
from bot.slack.api import SlackApi
from bot.slack.events import PLATFORM
from bot.slack.files import look_up, read
from bot.slack.people import People
from bot.slack.private import PrivateOutlet, acknowledged, tell_alone
from bot.slack.send import NO_FLAGS, ThreadOutlet, Writing
from bot.slack.threads import Thread

logger = logging.getLogger(__name__)


class SlackPlatform:
    """One installation, connected. `bot` and `team` are the ids that Slack knows us by."""

    name = PLATFORM

    def __init__(
        self, api: SlackApi, people: People, team: str, bot: str, rest: Callable[[str], None]
    ) -> None:
        self._api, self._people, self._team, self._bot = api, people, team, bot
        self._writing = Writing()
        self.rest = rest

    async def status(self, item: InboxItem) -> None:
        if item.thread and not item.private:
            await Thread(self._api, item, self._bot).status(wording.READING)

    async def is_there(self, item: InboxItem) -> bool:
        if not item.thread or item.private or "shared_by" in item.route:
            return True
        return await Thread(self._api, item, self._bot).holds_question()

    async def place(self, item: InboxItem) -> Place:
        try:
            return await self._people.place(
                user=item.sender,
                team=item.sender_team or None,
                channel=None if item.direct else item.channel,
                private=item.private,
            )
        except Resting:
            await acknowledged(item)
            await tell_alone(item.route.get("response_url", ""), wording.NOT_LET_IN)
            raise

    async def direct(self, person: str) -> Key:
        opened = await self._api.call("conversations.open", users=person)
        return Key(PLATFORM, self._team, opened["channel"]["id"], "")

    async def fetch(self, item: InboxItem) -> Fetched:
        file = await look_up(self._api, file_of(item), item.channel, item.said_in)
        return Fetched(file.name, await read(self._api, file))

    async def tell(self, item: InboxItem, error: DeliveryError) -> None:
        code = getattr(error, "code", "")
        other = wording.NOT_SHOWN_OTHER.format(code=code)
        if isinstance(error, GivenUp):
            other = wording.NOT_SHOWN_TRIED.format(platform="Slack")
        text = wording.NOT_SHOWN.format(reason=wording.NOT_SHOWN_WHY.get(code, other))
        try:
            await self._api.call("chat.postMessage", channel=item.sender, text=text, **NO_FLAGS)
        except DeliveryError as failed:
            logger.warning("%s was not told: %s", item, failed)

    def outlet(self, item: InboxItem, place: Place | None) -> Outlet:
        is_member = place is None or place.bot_is_member
        if item.private or not is_member:
            return PrivateOutlet(self._api, item, is_member=is_member)
        return ThreadOutlet(self._api, item, self._team, self._bot, self._writing)
