"""What happened, and waiting for it."""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

from tests.simulators.discord.core import Core, Interaction
from tests.simulators.discord.rates import Call
from tests.simulators.discord.state import NO_PREVIEWS, Channel, Message, User
from tests.simulators.discord.transcript import transcript

Found = TypeVar("Found")
WRITTEN = (0, 19, 20, 23)  # the other types are Discord's own words


class Observer:
    core: Core

    def calls_to(self, route: str) -> list[Call]:
        """Of a route such as `POST /channels/{}/messages`."""
        return [call for call in self.core.calls if call.route == route]

    @property
    def early_calls(self) -> list[Call]:
        """Calls that came before a retry_after had run out."""
        return [call for call in self.core.calls if call.early > 0]

    @property
    def previewed(self) -> list[Call]:
        """Calls by which Discord would look up the links of what was said, and show previews."""
        every = [(call, call.body.get("data") or call.body) for call in self.core.calls]
        return [c for c, b in every if b.get("content") and not (b.get("flags") or 0) & NO_PREVIEWS]

    @property
    def pinged(self) -> list[str]:
        """Whom the bot has pinged, or would have: names, everyone, here."""
        return [ping.who for ping in self.core.pings if ping.by_bot]

    def messages(self, where: Channel | str) -> list[Message]:
        with self.core.world.lock:
            return list(self.core.world.channel(where).messages.values())

    def thread(self, message: Message) -> Channel | None:
        """The thread that was opened on the message."""
        return self.core.world.channels.get(message.thread or "")

    def answers(self, message: Message) -> list[Message]:
        """The bot's messages that reply to this one or stand in the thread opened on it."""
        with self.core.world.lock:
            world = self.core.world
            channel, thread = world.channels.get(message.channel), self.thread(message)
            found = (
                [m for m in channel.messages.values() if m.reply_to == message.id]
                if channel
                else []
            )
            found += list(thread.messages.values()) if thread else []
            return [m for m in found if m.author == world.bot.id and m.type in WRITTEN]

    def ephemeral_to(self, who: User | str) -> list[Message]:
        """What only this person sees, as it stands."""
        with self.core.world.lock:
            user = self.core.world.user(who).id
            shown = [m for c in self.core.world.channels.values() for m in c.ephemeral]
            return [m for m in shown if m.to == user]

    @property
    def interactions(self) -> list[Interaction]:
        return self.core.interactions

    def transcript(self, where: Channel | str, viewer: User | str | None = None) -> str:
        """A channel as people see it; `viewer` adds what only that person sees."""
        seen_by = self.core.world.user(viewer).id if viewer else None
        return transcript(self.core, self.core.world.channel(where), seen_by)

    async def until(self, condition: Callable[[], Found | None], timeout: float = 5.0) -> Found:
        """Waits, in a test whose event loop the bot shares, until the condition is true."""
        end = time.monotonic() + timeout
        while not (found := condition()):
            assert time.monotonic() < end, self._state()
            await asyncio.sleep(0.005)
        return found

    def wait(self, condition: Callable[[], Found | None], timeout: float = 5.0) -> Found:
        """The same where the bot is another process."""
        end = time.monotonic() + timeout
        while not (found := condition()):
            assert time.monotonic() < end, self._state()
            time.sleep(0.005)
        return found

    def _state(self) -> str:
        with self.core.world.lock:
            channels = [c for c in self.core.world.channels.values() if c.messages or c.ephemeral]
            shown = "\n".join(transcript(self.core, channel) for channel in channels)
        last = [f"{c.route} {c.status} {c.code or ''}".strip() for c in self.core.calls[-10:]]
        return f"it never happened\n{shown}\nlast calls: {last}"
