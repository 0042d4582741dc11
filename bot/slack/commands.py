"""Slack's slash commands."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltContext, AsyncRespond

from bot import commands, inbox, wording
from bot.incoming import Heard
from bot.slack.actions import searching
from bot.slack.events import read_command
from bot.slack.markdown import markdown
from bot.slack.people import People
from bot.slack.text import mentions, plain_text
from bot.threads import in_inbox
from knowledge.threads import in_pool

JSON = dict[str, Any]


class Commands:
    def __init__(
        self, people: Callable[[], Awaitable[People]], taken: Callable[[Heard], None]
    ) -> None:
        self._people, self._taken = people, taken

    def listen(self, app: AsyncApp) -> None:
        app.command("/ask")(self.ask)
        app.command("/knowledge")(self.knowledge)
        app.command(re.compile(r"^/(link|unlink|mydata|forget)$"))(self.not_yet)

    async def ask(self, ack: AsyncAck, body: JSON, context: AsyncBoltContext) -> None:
        """A question whose answer only the asker sees."""
        said = read_command(body, context.bot_user_id or "")
        if said.text.lower() in ("", "help"):
            await ack(text=wording.HELP)
            return
        if await in_inbox(inbox.take, said):
            self._taken(said)
        await ack(text=searching(said.text))

    async def knowledge(self, ack: AsyncAck, body: JSON, respond: AsyncRespond) -> None:
        await ack()
        people = await self._people()
        channel, user = body["channel_id"], body["user_id"]
        private = await people.place(user=user, team=None, channel=channel, private=True)
        place = await people.place(user=user, team=None, channel=channel, private=False)
        text = str(body.get("text") or "")
        whom = next(iter(mentions(text)), None)
        if whom is not None:
            await people.place(user=whom, team=None, channel=None, private=True)
        asked = commands.Asked(plain_text(text), private, place.channel, whom)
        said = await in_pool(commands.knowledge, asked)
        await respond(text=markdown(said), response_type="ephemeral")

    async def not_yet(self, ack: AsyncAck, body: JSON) -> None:
        await ack(text=wording.NOT_YET.format(command=body["command"]))
