"""How often a message changes, and what people see until there is one."""

import asyncio
import time

from bot.discord.rest import DiscordApi
from bot.errors import DeliveryError

# Seconds between two changes of a message; what "is typing" is shown for lasts ten.
EDIT_EVERY, TYPING_EVERY = 1.5, 8.0


class Edits:
    """When the messages of a reply were last changed: their final words wait as well."""

    def __init__(self) -> None:
        self._at: dict[str, float] = {}

    def note(self, message: str) -> None:
        self._at[message] = time.monotonic()

    async def turn(self, message: str) -> None:
        """Wait until this message may be changed again."""
        since = time.monotonic() - self._at.get(message, -EDIT_EVERY)
        await asyncio.sleep(max(0.0, EDIT_EVERY - since))


async def show_typing(api: DiscordApi, channel: str) -> None:
    """Raises nothing."""
    try:
        await api.call("POST", "/channels/{channel_id}/typing", channel_id=channel)
    except DeliveryError:
        return


async def keep_typing(api: DiscordApi, channel: str) -> None:
    """Show on that an answer comes, until cancelled."""
    while True:
        await asyncio.sleep(TYPING_EVERY)
        await show_typing(api, channel)
