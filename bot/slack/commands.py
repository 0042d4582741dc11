"""Slack's slash commands."""

from collections.abc import Awaitable, Callable
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltContext, AsyncRespond

from backend.accounts.audience import Place
from bot import commands, inbox, personal, wording
from bot.errors import DeliveryError
from bot.incoming import Deleted, Heard, Said
from bot.slack.actions import searching
from bot.slack.api import SlackApi
from bot.slack.events import read_command
from bot.slack.handing import hand_over
from bot.slack.markdown import markdown
from bot.slack.people import People
from bot.slack.send import NO_FLAGS
from bot.slack.text import mentions, plain_text
from bot.threads import in_inbox
from knowledge.threads import in_pool

JSON = dict[str, Any]


class Commands:
    def __init__(
        self,
        people: Callable[[], Awaitable[People]],
        taken: Callable[[Heard], None],
        api: SlackApi,
    ) -> None:
        self._people, self._taken, self._api = people, taken, api

    def listen(self, app: AsyncApp) -> None:
        app.command("/ask")(self.ask)
        app.command("/knowledge")(self.knowledge)
        app.command("/link")(self.link)
        app.command("/unlink")(self.unlink)
        app.command("/mydata")(self.mydata)
        app.command("/forget")(self.forget)

    async def ask(self, ack: AsyncAck, body: JSON, context: AsyncBoltContext) -> None:
        """A question whose answer only the asker sees."""
        said = read_command(body, context.bot_user_id or "")
        if said.text.lower() in ("", "help"):
            await ack(text=wording.HELP, **NO_FLAGS)
            return
        if await in_inbox(inbox.take, said):
            self._taken(said)
        await ack(text=searching(said.text), **NO_FLAGS)

    async def knowledge(self, ack: AsyncAck, body: JSON, respond: AsyncRespond) -> None:
        await ack()
        people = await self._people()
        channel, user = body["channel_id"], body["user_id"]
        private = await people.place(user=user, team=None, channel=channel, private=True)
        place = await people.place(user=user, team=None, channel=channel, private=False)
        text = str(body.get("text") or "")
        whom = next(iter(mentions(text)), None)
        asked = commands.Command(plain_text(text), private, place.channel, whom)
        if whom is not None and await in_pool(commands.is_admin, asked):
            await people.place(user=whom, team=None, channel=None, private=True)
        said = await in_pool(commands.knowledge, asked)
        await _tell(respond, said)

    async def link(self, ack: AsyncAck, body: JSON, respond: AsyncRespond) -> None:
        await ack()
        code, name = plain_text(str(body.get("text") or "")), str(body.get("user_name") or "")
        place = await self._private(body)
        await _tell(respond, await in_pool(personal.link, place, code, name))

    async def unlink(self, ack: AsyncAck, body: JSON, respond: AsyncRespond) -> None:
        await ack()
        await _tell(respond, await in_pool(personal.unlink, await self._private(body)))

    async def mydata(self, ack: AsyncAck, body: JSON, respond: AsyncRespond) -> None:
        """A file in the person's direct messages, wherever they asked for it."""
        await ack()
        handed = await in_pool(personal.mydata, await self._private(body))
        told = handed.text
        if handed.export is not None:
            try:
                await hand_over(self._api, body["user_id"], handed.export, handed.text)
                told = wording.MY_DATA_SENT
            except DeliveryError as error:
                told = wording.MY_DATA_NOT_SENT.format(reason=error.detail)
        await _tell(respond, told)

    async def forget(self, ack: AsyncAck, body: JSON, respond: AsyncRespond) -> None:
        await ack()
        forgot = await in_pool(personal.forget, await self._private(body))
        for key in forgot.stopped:
            self._taken(Deleted(Said(key, sender="", text="")))
        await _tell(respond, forgot.text)

    async def _private(self, body: JSON) -> Place:
        channel, user = body["channel_id"], body["user_id"]
        return await (await self._people()).place(
            user=user, team=None, channel=channel, private=True
        )


async def _tell(respond: AsyncRespond, text: str) -> None:
    await respond(text=markdown(text), response_type="ephemeral", **NO_FLAGS)
