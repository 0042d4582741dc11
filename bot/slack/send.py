"""Where a reply is shown in Slack: a thread, in which it streams, or one person's eyes only.

When a stream is refused, expires or grows too long, the same message goes on by chat.update.
"""

import logging
from typing import Any

from bot import wording
from bot.errors import DeliveryError, NotNow, Refused, Unclear
from bot.models import InboxItem, Kind, ReplyPart
from bot.platforms import Closing
from bot.slack import render
from bot.slack.api import SlackApi
from bot.slack.markdown import markdown
from bot.slack.threads import Thread
from knowledge.prompts import Turn

logger = logging.getLogger(__name__)

# A streamed message takes 10,600 bytes or a little more, all blocks of a message 13,000
# characters; sources take up to 3,000 of them.
LIMIT = 8_000
# Seconds between two looks of the reader at what is new. appendStream may be called 100 times a
# minute and chat.update 50 times, by all messages that are being written together.
APPEND_EVERY, UPDATE_EVERY = 0.6, 1.2
NO_FLAGS: dict[str, Any] = {"unfurl_links": False, "unfurl_media": False}
# Our message was deleted; what it said needs no more words.
GONE = {"message_not_found", "thread_not_found"}
BAD_BLOCKS = {"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"}
UNTHREADED = "the thread that this belongs to is gone"


class ThreadOutlet:
    """Shows a reply in the thread of its question; without one, as a message of the channel."""

    limit = LIMIT
    streams = True

    def __init__(self, api: SlackApi, item: InboxItem, team: str, bot: str, writing: "Writing"):
        self._api, self._item, self._writing = api, item, writing
        self._thread = Thread(api, item, bot)
        self._recipient: dict[str, Any] = {
            "recipient_team_id": item.sender_team or team,
            "recipient_user_id": item.sender,
        }
        self._lead = render.lead(item.text, item.route.get("shared_by") or "")
        # A card is no text that grows.
        self._may_stream = bool(item.thread) and item.kind == Kind.QUESTION
        # What each live stream says so far.
        self._live: dict[str, str] = {}
        # What those say for good that somebody stopped.
        self._stopped: dict[str, str] = {}

    def rendered(self, text: str, *, final: bool) -> str:
        return self._lead + markdown(text, final=final)

    def pace(self) -> float:
        every = APPEND_EVERY if self._live else UPDATE_EVERY
        return every * max(1, self._writing.count)

    async def open(self, part: ReplyPart, text: str) -> str:
        if self._may_stream:
            try:
                return await self._start(text)
            except Refused as error:
                # A channel that takes no streams may take messages; else that call says why not.
                logger.info("%s is not streamed: %s", self._item, error)
                self._may_stream = False
        return await self._post(part, text, [], optional=True)

    async def _start(self, text: str) -> str:
        answer = await self._api.call(
            "chat.startStream",
            optional=True,
            channel=self._item.channel,
            thread_ts=self._item.thread,
            markdown_text=text,
            **self._recipient,
        )
        self._live[answer["ts"]] = text
        self._writing.count += 1
        return str(answer["ts"])

    async def show(self, message: str, text: str) -> None:
        if self._extends(message, text):
            try:
                await self._api.call(
                    "chat.appendStream",
                    optional=True,
                    channel=self._item.channel,
                    ts=message,
                    markdown_text=text[len(self._live[message]) :],
                )
                self._live[message] = text
                return
            except NotNow:
                return
            except (Refused, Unclear) as error:
                logger.info("%s goes on by editing: %s", self._item, error)
                self._note_stop(message, error)
        if message in self._stopped:
            return
        await self._end_stream(message)
        try:
            await self._update(message, text, [], optional=True)
        except NotNow:
            return

    def _note_stop(self, message: str, error: DeliveryError) -> None:
        """Whoever stops a stream wants no more words of it."""
        if isinstance(error, Refused) and error.code == "stopped_by_user":
            self._stopped[message] = self._live.get(message, "")
            self._forget_stream(message)

    def _extends(self, message: str, text: str) -> bool:
        live = self._live.get(message)
        return live is not None and len(text) > len(live) and text.startswith(live)

    async def turn(self, message: str) -> None:
        method = "chat.stopStream" if message in self._live else "chat.update"
        if not message:
            method = "chat.postMessage"
        await self._api.turn(method, self._notice, channel=self._item.channel)

    async def _notice(self) -> None:
        await self._thread.status(wording.WAITING)

    async def post(self, part: ReplyPart, text: str, closing: Closing | None) -> str:
        return await self._post(part, text, render.closing_blocks(closing), now=True)

    async def _post(
        self, part: ReplyPart, text: str, below: list[render.Block], **when: bool
    ) -> str:
        answer = await self._with_blocks(
            "chat.postMessage",
            text,
            below,
            metadata=self._thread.metadata(part),
            **({"thread_ts": self._item.thread} if self._item.thread else {}),
            **NO_FLAGS,
            **when,
        )
        shown = answer.get("message") or {}
        if self._item.thread and not shown.get("thread_ts"):
            await self.remove(answer["ts"])
            raise Refused(UNTHREADED, "thread_not_found")
        return str(answer["ts"])

    async def finish(self, message: str, text: str, closing: Closing | None) -> None:
        live = self._live.get(message)
        below = render.closing_blocks(closing)
        try:
            grows = live is not None and text.startswith(live)
            if grows and await self._stop(message, text[len(live or "") :], below):
                return
            await self._end_stream(message, now=True)
            await self._update(message, self._stopped.get(message, text), below, now=True)
        except Refused as error:
            if error.code not in GONE:
                raise

    async def _stop(self, message: str, rest: str, below: list[render.Block]) -> bool:
        """End the stream with its last words; False where that is to be done by editing."""
        more: dict[str, Any] = {"markdown_text": rest} if rest else {}
        if below:
            more["blocks"] = below
        try:
            await self._api.call(
                "chat.stopStream", now=True, channel=self._item.channel, ts=message, **more
            )
        except (Refused, Unclear) as error:
            logger.info("%s ends by editing: %s", self._item, error)
            self._note_stop(message, error)
            return False
        self._forget_stream(message)
        return True

    async def _end_stream(self, message: str, *, now: bool = False) -> None:
        """A live stream can't be edited."""
        if message not in self._live:
            return
        try:
            await self._api.call("chat.stopStream", now=now, channel=self._item.channel, ts=message)
        except (Refused, Unclear) as error:
            logger.info("%s: the stream ended by itself: %s", self._item, error)
        self._forget_stream(message)

    def _forget_stream(self, message: str) -> None:
        if self._live.pop(message, None) is not None:
            self._writing.count -= 1

    async def _update(
        self, message: str, text: str, below: list[render.Block], **when: bool
    ) -> None:
        try:
            await self._with_blocks("chat.update", text, below, ts=message, **when)
            return
        except Refused as error:
            if error.code != "streaming_state_conflict":
                raise
        # It was begun before a crash, or its end did not reach Slack.
        self._live[message] = ""
        self._writing.count += 1
        await self._end_stream(message)
        try:
            await self._with_blocks("chat.update", text, below, ts=message, **when)
        except Refused as error:
            if error.code != "streaming_state_conflict":
                raise
            raise Unclear("Slack does not end the stream") from None

    async def _with_blocks(
        self, method: str, text: str, below: list[render.Block], **args: Any
    ) -> dict[str, Any]:
        """Send blocks; where Slack refuses them, the answer without what stands below it, and at
        last its first words alone."""
        args |= {"channel": self._item.channel, "text": render.fallback(text)}
        for blocks in (render.whole_blocks(text, below), render.whole_blocks(text, [])):
            try:
                return await self._api.call(method, blocks=blocks, **args)
            except Refused as error:
                if error.code not in BAD_BLOCKS:
                    raise
                logger.warning("%s: Slack refuses our blocks: %s", self._item, error)
        return await self._api.call(method, blocks=[], **args)

    async def remove(self, message: str) -> None:
        await self._thread.remove(message)

    async def own_messages(self, part: ReplyPart) -> list[str]:
        return await self._thread.own_messages(part)

    async def earlier(self) -> list[Turn]:
        return await self._thread.earlier()

    def close(self) -> None:
        """What is still live now is somebody else's to end."""
        for message in list(self._live):
            self._forget_stream(message)


class Writing:
    """How many messages of this installation are being written now."""

    count = 0
