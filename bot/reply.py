"""One reply on its platform: shown while it is written, brought to its final text, taken away."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress

from django.utils import timezone

from bot import claims, inbox, ledger
from bot.errors import DeliveryError, NotNow, Resting, Unclear
from bot.leases import REQUEST_TIMEOUT, Held
from bot.messages import split
from bot.models import InboxItem, PartState, ReplyPart
from bot.platforms import Closing, Outlet
from bot.threads import in_inbox
from knowledge.errors import LeaseLost

logger = logging.getLogger(__name__)

# Seconds before words that could not be shown are tried again, where the platform says nothing.
AGAIN = 0.5

# Called before something final is shown: raises where it may not be shown any more.
Check = Callable[[], Awaitable[None]]


async def check_nothing() -> None:
    """Whoever can read the message may read this."""


class Reply:
    def __init__(
        self,
        held: Held,
        outlet: Outlet,
        parts: Sequence[ReplyPart],
        before: Awaitable[None] | None = None,
    ) -> None:
        """No message is opened before `before` is over, which raises nothing."""
        self._held = held
        self._before = before
        self._outlet = outlet
        self._parts = {part.number: part for part in parts}
        self._shown: dict[str, str] = {}
        self._note = self._text = ""
        self._news, self._over = asyncio.Event(), asyncio.Event()

    @property
    def item(self) -> InboxItem:
        return self._held.item

    def write(self, text: str) -> None:
        """The next piece of the answer."""
        self._text += text
        self._news.set()

    def restart(self, note: str) -> None:
        """What was written is void. Where somebody saw it, the message says so."""
        self._note = f"_{note}_\n\n" if self._shown else ""
        self._text = ""
        self._news.set()

    async def begin(self, text: str) -> None:
        """Open the first message with these words, as soon as the platform takes one."""
        part = self._parts.get(0)
        if not self._outlet.streams or (part and part.state != PartState.PLANNED):
            return
        rendered = self._outlet.rendered(text, final=True)
        while True:
            try:
                await self._open(0, rendered)
                return
            except NotNow as asked:
                await self._held.pause(asked.seconds or AGAIN)

    def texts(self, text: str) -> list[str]:
        """A final text as the messages that show it."""
        rendered = self._outlet.rendered(text, final=True)
        return split(rendered, self._outlet.limit, final=True)

    @asynccontextmanager
    async def growing(self) -> AsyncGenerator[None]:
        """Show what is written meanwhile. A call that is under way is never broken off: its
        outcome would be unknown."""
        showing = asyncio.create_task(self._keep_up())
        try:
            yield
        finally:
            self._over.set()
            self._news.set()
            failed = (await asyncio.gather(showing, return_exceptions=True))[0]
        if isinstance(failed, BaseException):
            raise failed

    async def _keep_up(self) -> None:
        while self._outlet.streams and not self._over.is_set():
            await self._news.wait()
            self._news.clear()
            if self._over.is_set():
                return
            try:
                await self._show()
            except DeliveryError as error:
                if error.permanent or isinstance(error, Resting):
                    raise
                logger.info("%s is not shown yet: %s", self.item, error)
                await self._pause(getattr(error, "seconds", 0.0) or AGAIN)
            if self._shown:  # the first words are not to wait
                await self._pause(self._outlet.pace())

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._over.wait()

    async def _show(self) -> None:
        rendered = self._outlet.rendered(self._note + self._text, final=False)
        for number, text in enumerate(split(rendered, self._outlet.limit, final=False)):
            part = self._parts.get(number)
            if part is None or part.state == PartState.PLANNED:
                part = await self._open(number, text)
            elif part.state == PartState.OPEN and self._shown.get(part.message) != text:
                self._held.may_send()
                await self._outlet.show(part.message, text)
            self._shown[part.message] = text

    async def _open(self, number: int, text: str) -> ReplyPart:
        await self._come_first()
        part = await in_inbox(ledger.begin, self.item, number)
        self._parts[number] = part
        return await self._call(part, lambda: self._outlet.open(part, text))

    async def _come_first(self) -> None:
        if self._before is not None:
            await self._before

    async def _call(self, part: ReplyPart, opening: Callable[[], Awaitable[str]]) -> ReplyPart:
        """Open a message whose intent is committed. Where nobody knows whether it was opened, it
        is looked for, and opened anew only once it can't appear any more."""
        while True:
            self._held.may_send()
            try:
                message = await opening()
            except Unclear:
                if await self._find(part):
                    return part
            except DeliveryError:
                await in_inbox(ledger.not_opened, part)
                raise
            else:
                await self._note_message(part, message)
                return part
            if not await in_inbox(ledger.opening, part):
                raise LeaseLost()

    async def _note_message(self, part: ReplyPart, message: str) -> bool:
        known = await in_inbox(ledger.opened, part, message)
        if known and not self.item.thread and not self.item.private:
            self.item.thread = message
            await in_inbox(inbox.heads_thread, self.item, message)
        return known

    async def _find(self, part: ReplyPart) -> bool:
        """Adopt the message of a part whose opening has an unknown outcome, if there is one."""
        for wait in (0.0, _rest_of_call(part)):
            await asyncio.sleep(wait)
            candidates = await self._outlet.own_messages(part)
            known = await in_inbox(ledger.known_messages, part.channel, candidates)
            for message in candidates:
                if message not in known and await self._note_message(part, message):
                    return True
        await in_inbox(ledger.not_opened, part)
        return False

    async def adopt(self) -> None:
        """Look for the messages that a crash left unknown."""
        for part in self._parts.values():
            if part.state == PartState.OPENING:
                await self._find(part)

    async def deliver(
        self, parts: Sequence[ReplyPart], closing: Closing | None, check: Check
    ) -> None:
        """Bring every part to its end, as they stand in the ledger now, and settle the item.
        Raises LeaseLost where it was deleted meanwhile, or there is something new to say."""
        shown: ReplyPart | None = None
        kept = [p.number for p in parts if p.state not in (PartState.WITHDRAWN, PartState.GONE)]
        for part in parts:
            if part.state == PartState.WITHDRAWN:
                await self._remove(part)
            elif part.state not in (PartState.SENT, PartState.GONE):
                last = part.number == kept[-1]
                await self._finish(part, closing if last else None, check)
                if part is not parts[-1]:
                    await in_inbox(ledger.sent, part)
                else:
                    shown = part
        if not await in_inbox(_settled, self.item, shown):
            raise LeaseLost()

    async def _finish(self, part: ReplyPart, closing: Closing | None, check: Check) -> None:
        if part.state == PartState.OPENING:
            await self._find(part)
        while True:
            await self._held.while_ours(self._outlet.turn(part.message))
            await check()
            self._held.may_send()
            try:
                await self._send(part, closing)
                break
            except NotNow as asked:  # meanwhile there may be other readers
                await self._held.pause(asked.seconds)

    async def _send(self, part: ReplyPart, closing: Closing | None) -> None:
        if part.state != PartState.PLANNED:
            await self._outlet.finish(part.message, part.text, closing)
            return
        await self._come_first()
        if not await in_inbox(ledger.opening, part):
            raise LeaseLost()
        await self._call(part, lambda: self._outlet.post(part, part.text, closing))

    async def _remove(self, part: ReplyPart) -> None:
        if not part.message and part.opening_at is not None:
            await self._find(part)
        if part.message:
            self._held.may_send()
            await self._outlet.remove(part.message)
        await in_inbox(ledger.gone, part)


def _settled(item: InboxItem, shown: ReplyPart | None) -> bool:
    """Settle the item, with its last part if that was just shown."""
    if shown is not None:
        ledger.sent(shown)
    return claims.settle(item)


def _rest_of_call(part: ReplyPart) -> float:
    """Seconds until a call that opens this part can't take effect any more."""
    if part.opening_at is None:
        return 0.0
    past = (timezone.now() - part.opening_at).total_seconds()
    return max(0.0, REQUEST_TIMEOUT - past)
