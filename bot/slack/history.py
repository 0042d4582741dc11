"""Read back what was said while nobody listened: channels, the threads that we are in, and those
that went on meanwhile.

A channel's mark moves only when it was read to its end. What is older than a day, or more than a
thousand messages, is left out and logged.
"""

import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from bot import inbox, marks, talks
from bot.errors import DeliveryError, Refused, Resting
from bot.incoming import Edited, Heard, Said
from bot.slack.api import SlackApi, pages
from bot.slack.clock import DIFFER, stamp
from bot.slack.events import PLATFORM, read_past
from bot.threads import in_inbox

logger = logging.getLogger(__name__)

# The cap: messages of a channel, and seconds.
MESSAGES = 1_000
OLDEST = 24 * 3600
# Threads are found that began so many seconds before the gap; Slack lists none by their last word.
BEGUN = 24 * 3600
KINDS = "public_channel,private_channel,mpim,im"

JSON = dict[str, Any]


class History:
    def __init__(self, api: SlackApi, team: str, bot: str, taken: Callable[[Heard], None]) -> None:
        self._api, self._team, self._bot, self._taken = api, team, bot, taken

    async def begin(self) -> None:
        """To be called before anything can be heard."""
        await in_inbox(marks.begin, PLATFORM, self._team, stamp(time.time()))

    async def read_back(self) -> bool:
        """Every channel that we are in, from its mark on; False where one is to be read again
        soon. `begin` comes first. What can't be read keeps its mark. Raises DeliveryError where
        the channels can't be listed."""
        since = await in_inbox(marks.mark_of, PLATFORM, self._team)
        # The next reading begins a little before this one does.
        reached, whole = stamp(time.time() - DIFFER), True
        listed = partial(self._api.call, "users.conversations", types=KINDS)
        async for channel in pages(listed, "channels"):
            mark = await in_inbox(marks.mark_of, PLATFORM, self._team, channel["id"]) or since
            try:
                await self._read_channel(channel, mark, max(mark, reached))
            except Resting:
                raise
            except DeliveryError as error:
                logger.warning("%s could not be read back: %s", channel["id"], error)
                # The installation's mark, by which new channels are read, moves on.
                await in_inbox(marks.move, PLATFORM, self._team, channel["id"], mark)
                whole = whole and error.permanent
        await in_inbox(marks.move, PLATFORM, self._team, "", max(since, reached))
        return whole

    async def _read_channel(self, channel: JSON, mark: str, reached: str) -> None:
        oldest = max(mark, stamp(time.time() - OLDEST))
        if oldest > mark:
            logger.warning("%s: what was said before %s is not read back", channel["id"], oldest)
        reach = stamp(float(oldest) - BEGUN)
        lively = await self._take_all(channel, oldest, "conversations.history", oldest=reach)
        known = await in_inbox(talks.threads_in, PLATFORM, self._team, channel["id"])
        for thread in dict.fromkeys([*known, *lively]):
            where = {"ts": thread, "oldest": oldest}
            try:
                await self._take_all(channel, oldest, "conversations.replies", **where)
            except Refused as error:
                if error.code not in ("thread_not_found", "message_not_found"):
                    raise
        await in_inbox(marks.move, PLATFORM, self._team, channel["id"], reached)

    async def _take_all(self, channel: JSON, mark: str, method: str, **where: str) -> list[str]:
        """Take what was said after the mark, up to the cap; the threads that went on since."""
        read, lively = 0, []
        call = partial(self._api.call, method, channel=channel["id"])
        async for message in pages(call, "messages", **where):
            is_new, read = str(message["ts"]) > mark, read + 1
            if read > MESSAGES:
                if is_new:
                    logger.warning(
                        "%s: more than %d messages; older ones are not read back",
                        channel["id"],
                        MESSAGES,
                    )
                break
            if str(message.get("latest_reply") or "") > mark:
                lively.append(str(message["ts"]))
            heard = read_past(message, channel, self._team, self._bot)
            if heard is None or not (is_new or await self._may_change(heard)):
                continue
            if await in_inbox(inbox.take, heard):
                self._taken(heard)
        return lively

    async def _may_change(self, heard: Heard) -> bool:
        """Of what was said before the gap, whether it may count: what is gone, and questions that
        the inbox knows. Slack lists a thread's first message however old it is."""
        if isinstance(heard, Said | Edited):
            key = heard.key if isinstance(heard, Said) else heard.now.key
            return bool(await in_inbox(inbox.messages_taken, key, [key.message]))
        return True
