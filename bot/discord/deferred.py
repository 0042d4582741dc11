"""The reply to a command or menu: Discord's deferred message, edited as the answer comes.

Its token is good for fifteen minutes. After that a reply for all to see goes on as an ordinary
message, and one for the asker alone goes into their direct messages.
"""

import logging
from datetime import timedelta

from discord.utils import time_snowflake
from django.utils import timezone

from bot import wording
from bot.discord import pacing, render
from bot.discord.markdown import markdown
from bot.discord.messages import edit, remove, since
from bot.discord.rest import (
    EXPIRED_TOKEN,
    JSON,
    UNKNOWN_MESSAGE,
    UNKNOWN_WEBHOOK,
    WAIT,
    DiscordApi,
)
from bot.discord.send import LIMIT
from bot.errors import DeliveryError, NotNow, Refused, Unclear
from bot.models import InboxItem, Kind, ReplyPart
from bot.platforms import Closing
from knowledge.prompts import Turn

logger = logging.getLogger(__name__)

TOKEN_LIFE = timedelta(minutes=14)
# Discord takes a deferral for three seconds; a question may be worked on before that.
DEFERRED_WITHIN = timedelta(seconds=6)
EPHEMERAL = 1 << 6
ORIGINAL = "@original"
_WEBHOOK = "/webhooks/{webhook_id}/{webhook_token}"


class DeferredOutlet:
    """The first message of a reply takes the deferred one's place; editing it is safe to repeat.
    What follows it is sent at most once where only the asker sees it."""

    limit = LIMIT

    def __init__(self, api: DiscordApi, item: InboxItem, bot: str, *, is_member: bool) -> None:
        self._api, self._item, self._bot, self._is_member = api, item, bot, is_member
        self._lost, self._edits = False, pacing.Edits()
        # The deferred message is the first card's; further ones and the answer follow it.
        self._follows = bool(item.route.get("number"))
        self.streams = not self._follows

    def rendered(self, text: str, *, final: bool) -> str:
        return markdown(text, final=final)

    def pace(self) -> float:
        return pacing.EDIT_EVERY

    async def open(self, part: ReplyPart, text: str) -> str:
        if self._is_later(part) or self._is_over:  # what can't be edited is sent whole
            raise NotNow()
        try:
            message = await self._edit(ORIGINAL, render.message(text))
        except Refused as error:
            raise self._later(error) from None
        self._edits.note(message)
        return message

    async def show(self, message: str, text: str) -> None:
        if self._is_over:
            return
        try:
            await self._edit(_number(message), render.message(text))
        except (NotNow, Refused):
            return
        self._edits.note(message)

    async def turn(self, message: str) -> None:
        await self._edits.turn(message)

    async def post(self, part: ReplyPart, text: str, closing: Closing | None) -> str:
        body = self._body(text, closing)
        if not self._is_later(part) and not self._is_over:
            try:
                return await self._edit(ORIGINAL, body)
            except Refused as error:
                raise self._later(error) from None
        try:
            return await self._post(part, body)
        except Unclear as error:
            if not self._item.private:
                raise
            self._note_unseen(error)
            return f"private-{part.pk}"

    def _is_later(self, part: ReplyPart) -> bool:
        """Whether another message takes the deferred one's place."""
        return self._follows or part.number > 0

    def _later(self, error: Refused) -> DeliveryError:
        """Where the token is good no more, the same is tried anew and goes another way."""
        return NotNow(str(error)) if self._is_over else error

    async def finish(self, message: str, text: str, closing: Closing | None) -> None:
        number, body = _number(message), self._body(text, closing)
        if not number:  # it was sent whole
            return
        if not self._is_over:
            try:
                await self._edit(number, body)
                return
            except Refused as error:
                if not self._is_over:
                    raise
                logger.info("%s goes on without its token: %s", self._item, error)
        if self._item.private:
            await self._finish_directly(number, body)
        else:
            await edit(self._api, message, body)

    async def _finish_directly(self, number: str, body: JSON) -> None:
        try:
            await send_direct(self._api, self._item.sender, body, nonce=f"a-{number}")
        except Unclear as error:
            self._note_unseen(error)

    def _note_unseen(self, error: Unclear) -> None:
        """At most once: it may be there already."""
        logger.warning("%s may not have seen its reply: %s", self._item, error)

    def _body(self, text: str, closing: Closing | None) -> JSON:
        body = render.message(text, closing)
        if not self._is_member and closing is not None and self._item.kind == Kind.QUESTION:
            notice = f"{closing.notice} {wording.NOT_A_MEMBER_DISCORD}".strip()
            body |= render.message(text, Closing(closing.sources, notice, closing.rated))
        return body

    @property
    def _is_over(self) -> bool:
        """Whether the token is good no more."""
        asked = self._item.received_at
        gone = self._lost or "token" not in self._item.route
        return gone or timezone.now() - asked > TOKEN_LIFE

    @property
    def _channel(self) -> str:
        return str(self._item.route.get("channel") or self._item.channel)

    async def _edit(self, number: str, body: JSON) -> str:
        sent = await self._webhook("PATCH", f"/messages/{number}", body)
        return f"{sent['channel_id']}/{sent['id']}"

    async def _post(self, part: ReplyPart, body: JSON) -> str:
        """A message after the first: a follow-up where it is private, else an ordinary one."""
        if not self._item.private:
            nonce = {"nonce": f"askwell-{part.pk}", "enforce_nonce": True}
            sent = await self._api.call(
                "POST",
                "/channels/{channel_id}/messages",
                body=body | nonce,
                channel_id=self._channel,
            )
            return f"{sent['channel_id']}/{sent['id']}"
        if self._is_over:
            return await send_direct(self._api, self._item.sender, body, nonce=f"askwell-{part.pk}")
        private = body | {"flags": render.NO_PREVIEWS | EPHEMERAL}
        sent = await self._webhook("POST", "", private, once=True)
        return f"{sent['channel_id']}/{sent['id']}"

    async def _webhook(
        self, method: str, path: str, body: JSON | None, *, once: bool = False
    ) -> JSON:
        """Raises NotNow where Discord may not have heard of the deferral yet."""
        route = self._item.route
        try:
            answer: JSON = await self._api.call(
                method,
                _WEBHOOK + path,
                once=once,
                body=body,
                webhook_id=route.get("application", ""),
                webhook_token=route.get("token", ""),
            )
        except Refused as error:
            if error.code in (UNKNOWN_WEBHOOK, UNKNOWN_MESSAGE) and self._is_new():
                raise NotNow(str(error), WAIT) from None
            self._lost = error.code in (EXPIRED_TOKEN, UNKNOWN_WEBHOOK, UNKNOWN_MESSAGE)
            raise
        return answer

    def _is_new(self) -> bool:
        return timezone.now() - self._item.received_at < DEFERRED_WITHIN

    async def remove(self, message: str) -> None:
        """What only the asker saw goes by itself."""
        if not self._item.private:
            await remove(self._api, message)

    async def own_messages(self, part: ReplyPart) -> list[str]:
        """The deferred message is known; what followed it for all to see is known by its words, and
        what only the asker sees can't be looked up."""
        if self._is_later(part) or self._is_over:
            if self._item.private:
                return [f"private-{part.pk}"]
            return await self._posted(part)
        try:
            sent = await self._webhook("GET", f"/messages/{ORIGINAL}", None)
        except Refused:
            return []
        return [f"{sent['channel_id']}/{sent['id']}"]

    async def _posted(self, part: ReplyPart) -> list[str]:
        asked, words = time_snowflake(self._item.received_at), part.text.strip()
        ours = [
            message
            for message in await since(self._api, self._channel, str(asked))
            if message["author"]["id"] == self._bot and message["content"].startswith(words)
        ]
        return [f"{self._channel}/{message['id']}" for message in ours] if words else []

    async def earlier(self) -> list[Turn]:
        return []

    def close(self) -> None:
        return


async def send_direct(api: DiscordApi, person: str, body: JSON, nonce: str) -> str:
    """A direct message of the bot's to this person; its id. Repeated with the same nonce within
    minutes, it comes once."""
    channel = await api.call("POST", "/users/@me/channels", body={"recipient_id": person})
    sent = await api.call(
        "POST",
        "/channels/{channel_id}/messages",
        body=body | {"nonce": nonce, "enforce_nonce": True},
        channel_id=channel["id"],
    )
    return f"{channel['id']}/{sent['id']}"


def _number(message: str) -> str:
    """The message's own id; empty where it has none that could be edited."""
    return message.partition("/")[2]
