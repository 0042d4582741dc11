"""What happened in the workspace, and waiting for it."""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

from tests.simulators.slack.core import Core
from tests.simulators.slack.exposure import unfurled
from tests.simulators.slack.rates import Call
from tests.simulators.slack.state import Channel, Message, User
from tests.simulators.slack.transcript import thread, transcript

NO_PREVIEWS = {"unfurl_links": False, "unfurl_media": False}
Found = TypeVar("Found")


class Observer:
    core: Core

    def calls_to(self, method: str) -> list[Call]:
        return [call for call in self.core.calls if call.method == method]

    @property
    def early_calls(self) -> list[Call]:
        """Calls that came before a Retry-After had run out."""
        return [call for call in self.core.calls if call.early > 0]

    def thread(self, message: Message) -> list[Message]:
        """The parent and its replies, as they stand."""
        with self.core.world.lock:
            channel = self.core.world.channels[message.channel]
            return thread(self.core, channel, message.thread_ts or message.ts)

    def answers(self, message: Message) -> list[Message]:
        """The app's replies in the message's thread."""
        replies = [m for m in self.thread(message) if m.ts != message.ts]
        return [m for m in replies if m.by_app == self.core.world.app.app_id]

    def unfurled(self) -> list[tuple[Message, list[str]]]:
        """The app's messages whose links Slack may unfurl."""
        with self.core.world.lock:
            channels = list(self.core.world.channels.values())
            shown = [m for c in channels for m in [*c.messages.values(), *c.ephemeral]]
            own = [m for m in shown if m.by_app == self.core.world.app.app_id]
        return [(message, links) for message in own if (links := unfurled(message))]

    def unflagged(self) -> list[Message]:
        """The app's messages that leave open whether links are unfurled, and might have said;
        streams and what comes with a file can't."""
        with self.core.world.lock:
            channels = list(self.core.world.channels.values())
            shown = [m for c in channels for m in [*c.messages.values(), *c.ephemeral]]
        own = [m for m in shown if m.by_app == self.core.world.app.app_id]
        return [m for m in own if not (m.stream or m.files) and m.unfurl != NO_PREVIEWS]

    def transcript(self, where: Channel | str, viewer: User | str | None = None) -> str:
        seen_by = self.core.world.user(viewer).id if viewer else None
        return transcript(self.core, self.core.world.channel(where), seen_by)

    async def until(self, condition: Callable[[], Found], timeout: float = 5.0) -> Found:
        """Waits, in a test whose event loop the app shares, until the condition is true."""
        end = time.monotonic() + timeout
        while not (found := condition()):
            assert time.monotonic() < end, self._state()
            await asyncio.sleep(0.005)
        return found

    def wait(self, condition: Callable[[], Found], timeout: float = 5.0) -> Found:
        """The same where the app is another process."""
        end = time.monotonic() + timeout
        while not (found := condition()):
            assert time.monotonic() < end, self._state()
            time.sleep(0.005)
        return found

    def _state(self) -> str:
        channels = [c for c in self.core.world.channels.values() if c.messages]
        shown = "\n".join(transcript(self.core, channel) for channel in channels)
        last = [f"{call.method} {call.error or ''}" for call in self.core.calls[-10:]]
        return f"it never happened\n{shown}\nlast calls: {last}"
