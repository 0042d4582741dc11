"""What a command, menu, click or form is answered with, within three seconds."""

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from io import BytesIO
from typing import Any

import discord
from django.db import DatabaseError

from bot import wording
from bot.discord import render
from bot.discord.deferred import EPHEMERAL, ORIGINAL
from bot.discord.events import key_of
from bot.discord.markdown import markdown
from bot.discord.rest import DiscordApi
from bot.discord.send import LIMIT
from bot.errors import DeliveryError, Nowhere
from bot.incoming import Key
from bot.messages import split

logger = logging.getLogger(__name__)

JSON = dict[str, Any]
_MESSAGE, _DEFERRED, _UNCHANGED, _FORM = 4, 5, 6, 9


class Asked:
    """One interaction, and Discord's ways to answer it. Every method raises DeliveryError."""

    def __init__(self, api: DiscordApi, interaction: discord.Interaction) -> None:
        self._api, self.interaction = api, interaction
        self.data: JSON = dict(interaction.data or {})
        self.person = interaction.user.id
        self.guild, self.channel = interaction.guild_id, int(interaction.channel_id or 0)
        in_thread = isinstance(interaction.channel, discord.Thread)
        # The thread that it happened in, if any.
        self.thread = str(self.channel) if in_thread else ""
        self._answered = 0

    @property
    def is_direct(self) -> bool:
        """Whether it happened between the person and the bot alone."""
        return self.guild is None and self.interaction.context.dm_channel

    @property
    def clicked(self) -> str:
        """The message that was clicked in, as the ledger has it; empty for a command."""
        message = self.interaction.message
        return f"{self.channel}/{message.id}" if message else ""

    def key(self, message: str) -> Key:
        return key_of(self.guild, self.interaction.channel, self.channel, message)

    async def defer(self, *, private: bool) -> None:
        """Discord shows that the bot thinks; the reply takes that message's place."""
        await self._respond(_DEFERRED, {"flags": EPHEMERAL} if private else {})

    async def leave(self) -> None:
        """Nothing changes where it was clicked."""
        await self._respond(_UNCHANGED, {})

    async def show_form(self, form: JSON) -> None:
        await self._respond(_FORM, form)

    async def tell(self, words: str) -> None:
        """Say this to the person alone, whether or not the answer was deferred before."""
        body = render.message(markdown(words)) | {"flags": EPHEMERAL | render.NO_PREVIEWS}
        if not self._answered:
            await self._respond(_MESSAGE, body)
        elif self._answered == _DEFERRED:
            await self.edit(words)
        else:
            await self._webhook("POST", "", body, once=True)

    async def edit(self, words: str) -> None:
        """What a deferred answer says; what does not fit follows."""
        first, *more = split(markdown(words), LIMIT, final=True)
        await self._webhook("PATCH", f"/messages/{ORIGINAL}", render.message(first))
        for text in more:
            body = render.message(text) | {"flags": EPHEMERAL | render.NO_PREVIEWS}
            await self._webhook("POST", "", body, once=True)

    async def _respond(self, kind: int, data: JSON) -> None:
        await self._api.call(
            "POST",
            "/interactions/{webhook_id}/{webhook_token}/callback",
            body={"type": kind, "data": data},
            webhook_id=self.interaction.id,
            webhook_token=self.interaction.token,
        )
        self._answered = kind

    async def hand_over(self, words: str, name: str, data: bytes) -> None:
        """The same with a file."""
        body = render.message(markdown(words)) | {"attachments": [{"id": 0, "filename": name}]}
        file = discord.File(BytesIO(data), name)
        await self._webhook("PATCH", f"/messages/{ORIGINAL}", body, file=file)

    async def _webhook(
        self,
        method: str,
        path: str,
        body: JSON,
        *,
        once: bool = False,
        file: discord.File | None = None,
    ) -> None:
        await self._api.call(
            method,
            "/webhooks/{webhook_id}/{webhook_token}" + path,
            once=once,
            body=body,
            file=file,
            webhook_id=self.interaction.application_id,
            webhook_token=self.interaction.token,
        )


# Answers an interaction of one kind.
Handler = Callable[[Asked], Awaitable[None]]


def listen(
    client: discord.Client, api: DiscordApi, handlers: dict[discord.InteractionType, Handler]
) -> None:
    """Answer interactions from now on; what goes wrong is told to the person."""

    async def on_interaction(interaction: discord.Interaction) -> None:
        handler = handlers.get(interaction.type)
        if handler is None:
            return
        asked = Asked(api, interaction)
        try:
            await _tell_troubles(handler, asked)
        except DeliveryError as error:
            logger.info("A command or click in Discord got no answer: %s", error)
            with suppress(DeliveryError):
                await asked.tell(wording.NOT_DONE)

    client.event(on_interaction)


async def _tell_troubles(handler: Handler, asked: Asked) -> None:
    try:
        await handler(asked)
    except Nowhere as nowhere:
        await asked.tell(nowhere.words)
    except DatabaseError as error:
        logger.warning("A command or click in Discord could not be kept: %s", error)
        await asked.tell(wording.NOT_KEPT)
