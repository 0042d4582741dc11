"""What stands in the thread of a question: our own messages, and what people said before."""

from collections.abc import AsyncGenerator
from contextlib import suppress
from functools import partial
from typing import Any

from bot.errors import DeliveryError, Refused
from bot.inbox import messages_taken
from bot.models import InboxItem, ReplyPart
from bot.slack.api import SlackApi, pages
from bot.slack.clock import DIFFER, stamp
from bot.slack.events import SAID
from bot.slack.text import plain_text
from bot.threads import in_inbox
from knowledge.prompts import Turn

EVENT_TYPE = "askwell_reply"
EARLIER = 30
# Messages that are looked through for one of ours.
LOOK_THROUGH = 200


class Thread:
    def __init__(self, api: SlackApi, item: InboxItem, bot: str) -> None:
        self._api, self._item, self._bot = api, item, bot

    async def status(self, text: str) -> None:
        """Show what is going on, until the next message of ours. Raises nothing: it is a service,
        not the answer."""
        try:
            await self._api.call(
                "assistant.threads.setStatus",
                optional=True,
                channel_id=self._item.channel,
                thread_ts=self._item.thread,
                status=text,
            )
        except DeliveryError:
            return

    def metadata(self, part: ReplyPart) -> dict[str, Any]:
        """What a posted message carries, so that it is known again."""
        return {"event_type": EVENT_TYPE, "event_payload": {"part": str(part.pk)}}

    async def own_messages(self, part: ReplyPart) -> list[str]:
        """Ours since the question that may be this part: first one that names it, then those that
        name none, for a stream can't. Streams stand in threads only."""
        named, unnamed = [], []
        for message in await self._since(self._item.said_in, include_all_metadata=True):
            if message.get("user") != self._bot:
                continue
            data = message.get("metadata") or {}
            if data.get("event_type") != EVENT_TYPE:
                unnamed.append(str(message["ts"]))
            elif data.get("event_payload", {}).get("part") == str(part.pk):
                named.append(str(message["ts"]))
        return named + (unnamed if self._item.thread else [])

    async def _since(self, oldest: str, **args: Any) -> list[dict[str, Any]]:
        """Messages after this one, in the thread, or in the channel where there is no thread."""
        method = "conversations.replies"
        where: dict[str, Any] = {"ts": self._item.thread}
        if not self._item.thread:
            oldest = stamp(self._item.received_at.timestamp() - DIFFER)
            method, where = "conversations.history", {}
        try:
            answer = await self._api.call(
                method,
                channel=self._item.channel,
                oldest=oldest,
                limit=LOOK_THROUGH,
                **where,
                **args,
            )
        except Refused as error:
            if error.code in ("thread_not_found", "message_not_found"):
                return []
            raise
        return [m for m in answer.get("messages", ()) if m.get("ts") != self._item.thread]

    async def earlier(self) -> list[Turn]:
        """What people said in the thread before the question and not to us, oldest first."""
        if self._item.direct or self._item.thread in ("", self._item.said_in):
            return []
        said: dict[str, str] = {}
        try:
            async for message in self._said_by_people(self._item.said_in):
                said[message["ts"]] = plain_text(str(message.get("text") or ""), self._bot)
                if len(said) > LOOK_THROUGH:
                    del said[next(iter(said))]
        except DeliveryError:
            return []
        ours = await in_inbox(messages_taken, self._item.key, list(said))
        turns = [Turn("user", text) for ts, text in said.items() if ts not in ours and text]
        return turns[-EARLIER:]

    async def _said_by_people(self, latest: str) -> AsyncGenerator[dict[str, Any]]:
        """What people said in the thread before this. Slack lists the oldest first, and those may
        be many."""
        call = partial(self._api.call, "conversations.replies", optional=True)
        where = {"channel": self._item.channel, "ts": self._item.thread, "latest": latest}
        async for message in pages(call, "messages", **where):
            by_bot = message.get("bot_id") or message.get("user") == self._bot
            if not by_bot and message.get("subtype") in SAID:
                yield message

    async def holds_question(self) -> bool:
        """False where Slack knows the thread or the question no more."""
        try:
            answer = await self._api.call(
                "conversations.replies",
                optional=True,
                channel=self._item.channel,
                ts=self._item.thread,
                oldest=self._item.said_in,
                latest=self._item.said_in,
                inclusive=True,
            )
        except Refused as error:
            return error.code not in ("thread_not_found", "message_not_found")
        except DeliveryError:
            return True
        found = [m for m in answer.get("messages", ()) if m.get("ts") == self._item.said_in]
        return bool(found) and found[0].get("subtype") != "tombstone"

    async def remove(self, message: str) -> None:
        """Delete a message of ours; a live stream is ended first."""
        where: dict[str, Any] = {"channel": self._item.channel, "ts": message}
        try:
            await self._api.call("chat.delete", **where)
        except Refused as error:
            if error.code in ("message_not_found", "channel_not_found"):
                return
            with suppress(Refused):  # it ended meanwhile
                await self._api.call("chat.stopStream", **where)
            await self._api.call("chat.delete", **where)
