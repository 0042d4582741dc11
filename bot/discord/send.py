"""Where a reply is shown in Discord: in a thread on the question, or as a reply to it.

A thread is opened where the server allows it. A message's id is kept as CHANNEL/MESSAGE, for an
edit needs both. What was sent is known again by the question that it replies to.
"""

import asyncio
import logging
from collections import Counter

import discord
from discord.utils import time_snowflake

from bot import wording
from bot.discord import pacing, render
from bot.discord.events import thread_name
from bot.discord.markdown import markdown
from bot.discord.messages import edit, remove, since
from bot.discord.rest import (
    FORBIDDEN,
    GONE,
    INVALID,
    JSON,
    THREAD_EXISTS,
    UNKNOWN_MESSAGE,
    DiscordApi,
)
from bot.errors import DeliveryError, MessageGone, NotNow, Refused
from bot.models import InboxItem, ReplyPart
from bot.platforms import Closing
from knowledge.prompts import Turn

logger = logging.getLogger(__name__)

# Bytes of a message, which takes 2,000 characters with what stands below it.
LIMIT = 1_500
# All messages together may be edited so often a second.
EDITS = 25
ARCHIVE_AFTER = 1_440  # minutes without a word
EARLIER = 30
STARTER = discord.MessageType.thread_starter_message.value


class ChannelOutlet:
    """`writing` counts the answers that are being written in each channel."""

    limit = LIMIT
    streams = True

    def __init__(self, api: DiscordApi, item: InboxItem, bot: str, writing: Counter[str]) -> None:
        self._api, self._item, self._bot, self._writing = api, item, bot, writing
        self._to = ""
        self._lead = _lead(item)
        self._growing: set[str] = set()
        self._edits = pacing.Edits()
        self._typing: asyncio.Task[None] | None = None

    def rendered(self, text: str, *, final: bool) -> str:
        return self._lead + markdown(text, final=final)

    def pace(self) -> float:
        return max(pacing.EDIT_EVERY * self._writing[self._to], self._writing.total() / EDITS)

    def keep_typing(self) -> None:
        """Until something is shown, or nothing more will be."""
        self._typing = asyncio.create_task(pacing.keep_typing(self._api, self._said_in()))

    def _stop_typing(self) -> None:
        if self._typing is not None:
            self._typing.cancel()

    async def open(self, part: ReplyPart, text: str) -> str:
        message = await self._post(part, text, None)
        self._edits.note(message)
        self._growing.add(message)
        self._writing[self._to] += 1
        return message

    async def show(self, message: str, text: str) -> None:
        try:
            await self._edit(message, text, None)
        except NotNow:
            return
        self._edits.note(message)

    async def turn(self, message: str) -> None:
        await self._edits.turn(message)

    async def post(self, part: ReplyPart, text: str, closing: Closing | None) -> str:
        return await self._post(part, text, closing)

    async def finish(self, message: str, text: str, closing: Closing | None) -> None:
        try:
            await self._edit(message, text, closing)
        except Refused as error:
            if error.code != UNKNOWN_MESSAGE:  # somebody took it away
                raise
        self._grown(message)

    def _grown(self, message: str) -> None:
        if message in self._growing:
            self._growing.discard(message)
            self._writing[self._to] -= 1

    async def _post(self, part: ReplyPart, text: str, closing: Closing | None) -> str:
        self._to = self._to or await self._channel()
        self._stop_typing()
        body = render.message(text, closing) | {
            "nonce": f"askwell-{part.pk}",
            "enforce_nonce": True,
        }
        # A thread begins with its question.
        if self._item.said_in.isdecimal() and self._to == self._said_in():
            body["message_reference"] = {
                "message_id": self._item.said_in,
                "channel_id": self._to,
            }
        try:
            sent = await self._api.call(
                "POST", "/channels/{channel_id}/messages", body=body, channel_id=self._to
            )
        except Refused as error:
            if error.code == INVALID and "message_reference" in error.detail:
                raise MessageGone(error.detail, error.code) from None
            if error.code != FORBIDDEN or self._to == self._said_in():
                raise
            self._to = self._said_in()  # threads may be opened there, and not be written in
            return await self._post(part, text, closing)
        return f"{self._to}/{sent['id']}"

    def _said_in(self) -> str:
        """The channel or thread that the question stands in."""
        item = self._item
        return item.thread if item.route.get("in_thread") else item.channel

    async def _channel(self) -> str:
        """Where to write; the thread of the question is opened where there is none yet."""
        item = self._item
        if not item.route.get("opens_thread"):
            return self._said_in()
        try:
            await self._api.call(
                "POST",
                "/channels/{channel_id}/messages/{message_id}/threads",
                body={"name": thread_name(item.text), "auto_archive_duration": ARCHIVE_AFTER},
                channel_id=item.channel,
                message_id=item.said_in,
            )
        except Refused as error:
            if error.code == UNKNOWN_MESSAGE:
                raise MessageGone(error.detail, error.code) from None
            if error.code in GONE:
                raise
            if error.code != THREAD_EXISTS:
                logger.info("%s gets a reply and no thread: %s", item, error)
                return item.channel
        return item.said_in  # a thread has the id of the message that it begins with

    async def _edit(self, message: str, text: str, closing: Closing | None) -> None:
        await edit(self._api, message, render.message(text, closing))

    async def remove(self, message: str) -> None:
        await remove(self._api, message)

    async def own_messages(self, part: ReplyPart) -> list[str]:
        """Ours after the question: in its thread those that reply to nothing, elsewhere those that
        reply to it; nothing of what a click asked has a question to reply to."""
        item, found = self._item, []
        for channel in dict.fromkeys([item.said_in, item.thread, item.channel]):
            if channel.isdecimal():
                told_apart = item.said_in if channel != item.said_in else None
                for message in await since(self._api, channel, self._asked()):
                    replied = (message.get("message_reference") or {}).get("message_id")
                    wanted = told_apart if item.said_in.isdecimal() else None
                    if message["author"]["id"] == self._bot and replied == wanted:
                        found.append(f"{channel}/{message['id']}")
        return found

    def _asked(self) -> str:
        """What came after it may be our reply."""
        said_in = self._item.said_in
        return said_in if said_in.isdecimal() else str(time_snowflake(self._item.received_at))

    async def earlier(self) -> list[Turn]:
        """What people said in the thread before the question and not to us, oldest first; without
        the Message Content intent Discord tells none of it."""
        if not self._item.route.get("in_thread"):
            return []
        try:
            found: list[JSON] = await self._api.call(
                "GET",
                "/channels/{channel_id}/messages",
                channel_id=self._said_in(),
                before=self._item.said_in,
                limit=EARLIER,
            )
        except DeliveryError:
            return []
        # A thread that was opened on a message begins with a reference to it.
        found = [m.get("referenced_message") or m if m["type"] == STARTER else m for m in found]
        people = [m for m in found if not m["author"].get("bot") and m.get("content")]
        unheard = [m for m in people if f"<@{self._bot}>" not in m["content"]]
        return [Turn("user", m["content"]) for m in reversed(unheard)]

    def close(self) -> None:
        self._stop_typing()
        for message in list(self._growing):
            self._grown(message)


def _lead(item: InboxItem) -> str:
    """What stands above a shared answer."""
    name = item.route.get("shared_by")
    if not name:
        return ""
    question = " ".join(item.text.split())
    return f"> {markdown(question)}\n> {markdown(wording.SHARED_BY.format(name=name))}\n\n"
