"""The reply to a command or menu: Discord's deferred message, edited as the answer comes.

Its token is good for fifteen minutes. After that a reply for all to see goes on as an ordinary
message, and one for the asker alone goes into their direct messages.
"""

import logging
from datetime import timedelta

from django.utils import timezone

from bot import wording
from bot.discord import render
from bot.discord.markdown import markdown
from bot.discord.rest import (
    EXPIRED_TOKEN,
    JSON,
    UNKNOWN_MESSAGE,
    UNKNOWN_WEBHOOK,
    WAIT,
    DiscordApi,
)
from bot.discord.send import EDIT_EVERY, LIMIT, remove
from bot.errors import NotNow, Refused, Unclear
from bot.models import InboxItem, ReplyPart
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
    streams = True

    def __init__(self, api: DiscordApi, item: InboxItem, *, is_member: bool) -> None:
        self._api, self._item, self._is_member = api, item, is_member
        self._lost = False

    def rendered(self, text: str, *, final: bool) -> str:
        return markdown(text, final=final)

    def pace(self) -> float:
        return EDIT_EVERY

    async def open(self, part: ReplyPart, text: str) -> str:
        if part.number or self._is_over():  # what can't be edited is sent whole
            raise NotNow()
        return await self._edit_original(render.message(text))

    async def show(self, message: str, text: str) -> None:
        try:
            await self._edit_original(render.message(text))
        except NotNow:
            return

    async def turn(self, message: str) -> None:
        return

    async def post(self, part: ReplyPart, text: str, closing: Closing | None) -> str:
        body = self._body(text, closing)
        if part.number == 0 and not self._is_over():
            try:
                return await self._edit_original(body)
            except Refused:
                if not self._lost:
                    raise
        try:
            return await self._post(part, body)
        except Unclear as error:
            if not self._item.private:
                raise
            # At most once: it may be there already.
            logger.warning("%s may not have seen its reply: %s", self._item, error)
            return f"private-{part.pk}"

    async def finish(self, message: str, text: str, closing: Closing | None) -> None:
        body = self._body(text, closing)
        if not self._is_over():
            await self._edit_original(body)
        elif self._item.private:
            await self._send_direct(body)
        else:
            channel, _, number = message.partition("/")
            await self._api.call(
                "PATCH",
                "/channels/{channel_id}/messages/{message_id}",
                body=body,
                channel_id=channel,
                message_id=number,
            )

    def _body(self, text: str, closing: Closing | None) -> JSON:
        body = render.message(text, closing) | {"flags": render.NO_PREVIEWS}
        if not self._is_member and closing is not None:
            notice = f"{closing.notice} {wording.NOT_A_MEMBER_DISCORD}".strip()
            body |= render.message(text, Closing(closing.sources, notice, closing.rated))
        return body

    def _is_over(self) -> bool:
        asked = self._item.received_at
        gone = self._lost or "token" not in self._item.route
        return gone or timezone.now() - asked > TOKEN_LIFE

    async def _edit_original(self, body: JSON) -> str:
        sent = await self._webhook("PATCH", f"/messages/{ORIGINAL}", body)
        return f"{sent['channel_id']}/{sent['id']}"

    async def _post(self, part: ReplyPart, body: JSON) -> str:
        """A message after the first: a follow-up where it is private, else an ordinary one."""
        if not self._item.private:
            nonce = {"nonce": f"askwell-{part.pk}", "enforce_nonce": True}
            sent = await self._api.call(
                "POST",
                "/channels/{channel_id}/messages",
                body=body | nonce,
                channel_id=self._item.route.get("channel") or self._item.channel,
            )
            return f"{sent['channel_id']}/{sent['id']}"
        if self._is_over():
            return await self._send_direct(body)
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

    async def _send_direct(self, body: JSON) -> str:
        return await send_direct(self._api, self._item.sender, body)

    async def remove(self, message: str) -> None:
        """What only the asker saw goes by itself."""
        if not self._item.private:
            await remove(self._api, message)

    async def own_messages(self, part: ReplyPart) -> list[str]:
        """The deferred message is known; of what followed it nothing can be looked up."""
        if part.number or self._is_over():
            return [f"private-{part.pk}"] if self._item.private else []
        sent = await self._webhook("GET", f"/messages/{ORIGINAL}", None)
        return [f"{sent['channel_id']}/{sent['id']}"]

    async def earlier(self) -> list[Turn]:
        return []

    def close(self) -> None:
        return


async def send_direct(api: DiscordApi, person: str, body: JSON) -> str:
    """A direct message of the bot's to this person; its id."""
    channel = await api.call("POST", "/users/@me/channels", body={"recipient_id": person})
    sent = await api.call(
        "POST",
        "/channels/{channel_id}/messages",
        once=True,
        body=body,
        channel_id=channel["id"],
    )
    return f"{channel['id']}/{sent['id']}"
