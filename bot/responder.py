"""Claim what waits in the inbox and answer it, many items at once, in the bot's event loop."""

import asyncio
import contextlib
import logging
import time
from datetime import timedelta

from django.db import Error

from backend import db
from bot import claims, inbox, notices, promotions, wording
from bot.errors import DeliveryError, GivenUp, MessageGone, NotNow, Resting
from bot.files import Files
from bot.following import Follower
from bot.incoming import Deleted, Edited, FileDeleted, Heard, Key, Said
from bot.leases import Held
from bot.models import InboxItem, ItemState, Kind
from bot.platforms import Platform
from bot.respond import respond
from bot.telling import keep_telling
from bot.threads import in_inbox
from knowledge.errors import KnowledgeError, LeaseLost
from knowledge.faults import reason_of

logger = logging.getLogger(__name__)

# Items in hand at once, and those of them that may be files, which take longer.
CAPACITY, FILES = 400, 60
# Items that are claimed together: others wait meanwhile for the thread and the lock.
TOGETHER = 20
# Seconds between looks into the inbox; what this process hears itself wakes it at once.
IDLE = 0.1
BEAT = claims.LEASE.total_seconds() / 3
# Before the second attempt; four times as long before each further one.
WAIT = timedelta(seconds=1)
# A platform that is out of reach is tried again so often.
DELIVERY_WAIT = timedelta(seconds=60)


class Responder:
    def __init__(self) -> None:
        self._platforms: dict[str, Platform] = {}
        self._held: dict[int, Held] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._news = asyncio.Event()
        self._files = Files()

    def connected(self, platform: Platform) -> None:
        """From now on, answer what is asked there."""
        self._platforms[platform.name] = platform
        self.wake()

    def disconnected(self, name: str) -> None:
        """Leave what is asked there in the inbox."""
        self._platforms.pop(name, None)

    def wake(self) -> None:
        """There may be something to do."""
        self._news.set()

    def taken(self, heard: Heard) -> None:
        """Something entered the inbox."""
        match heard:
            case Edited(now):
                self.interrupt(now.key)
            case Deleted(before):
                self.interrupt(before.key)
            case FileDeleted(file):
                self.interrupt(file)
            case Said(key, files=[_, *_]):  # it may have been heard without them
                self.interrupt(key)
            case _:
                self.wake()

    def interrupt(self, key: Key) -> None:
        """What came with the message, or is the file, of this key was edited or deleted."""
        for held in self._held.values():
            if held.item.is_of(key):
                held.lost.set()
        self.wake()

    async def run(self, stop: asyncio.Event) -> None:
        """Answer until stopped; then let go of what is in hand, for the next process."""
        following = Follower(lambda: self._platforms, self.wake).run()
        telling = (
            keep_telling(kind, untold, lambda: self._platforms, self.wake)
            for kind, untold in (
                (Kind.REQUEST, promotions.untold),
                (Kind.NOTICE, notices.untold),
            )
        )
        beside = [asyncio.create_task(work) for work in (self._beat(), following, *telling)]
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                self._news.clear()
                await self._claim()
                news = asyncio.create_task(self._news.wait())
                await asyncio.wait(
                    {news, stopping}, timeout=IDLE, return_when=asyncio.FIRST_COMPLETED
                )
                news.cancel()
        finally:
            for held in self._held.values():
                held.lost.set()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            for task in (*beside, stopping):
                task.cancel()

    async def _claim(self) -> None:
        try:
            while (room := CAPACITY - len(self._held)) > 0 and self._platforms:
                until = time.monotonic() + claims.LEASE.total_seconds()
                files = FILES - sum(held.item.kind == Kind.FILE for held in self._held.values())
                most, platforms = min(room, TOGETHER), list(self._platforms)
                suspects = not any(claims.is_suspect(held.item) for held in self._held.values())
                items = await in_inbox(
                    claims.claim_many, platforms, most, files=files, suspects=suspects
                )
                for item in items:
                    self._begin(Held(item, until))
                if len(items) < most:
                    return
        except Error as error:
            logger.warning("The inbox can't be read: %s", error)
            await asyncio.sleep(1)

    def _begin(self, held: Held) -> None:
        self._held[held.item.pk] = held
        task = asyncio.create_task(self._work(held))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work(self, held: Held) -> None:
        try:
            await self._respond(held)
        except Error as error:  # its lease runs out, and it is taken up again
            logger.warning("%s could not be put back: %s", held.item, error)
        finally:
            self._held.pop(held.item.pk, None)
            if held.lost.is_set() or len(self._held) == CAPACITY - 1:
                self.wake()

    async def _respond(self, held: Held) -> None:
        """Answer one item; whatever goes wrong, it is given back, put off or set aside, or taken
        back with its message."""
        item = held.item
        platform = self._platforms.get(item.platform)
        try:
            if platform is None:
                raise LeaseLost()
            await self._reply_to(held, platform)
        except LeaseLost:
            await in_inbox(claims.let_go, item)
        except MessageGone as error:
            logger.info("%s is taken back: %s", item, error)
            await in_inbox(inbox.void_all_of, item)
            await in_inbox(claims.let_go, item)
        except Resting as error:
            await in_inbox(claims.let_go, item)
            if platform is not None:
                platform.rest(error.detail)
        except NotNow as error:  # which is no fault of the item
            wait = timedelta(seconds=error.seconds) or WAIT
            await in_inbox(claims.let_go, item, wait)
        except DeliveryError as error:
            if error.permanent:
                await self._close(item, error)
            else:
                await self._put_off(item, str(error))
        except KnowledgeError as error:
            await self._put_off(item, str(error))
        except Exception as error:
            # The outermost loop of answering: the item is tried again, at most five times in all.
            logger.exception("%s broke off", item)
            await self._put_off(item, reason_of(error))

    async def _reply_to(self, held: Held, platform: Platform) -> None:
        match held.item.kind:
            case Kind.FILE:
                await self._files.respond(held, platform)
            case Kind.REQUEST:
                await promotions.respond(held, platform)
            case Kind.NOTICE:
                await notices.respond(held, platform)
            case _:
                await respond(held, platform)

    async def _put_off(self, item: InboxItem, reason: str) -> None:
        if item.state == ItemState.CLAIMED:
            last = item.attempts >= db.MAX_ATTEMPTS
            wait = timedelta() if last else WAIT * int(4 ** (item.attempts - 1))
        elif item.attempts >= claims.MAX_DELIVERIES:
            await self._close(item, GivenUp(reason))
            return
        else:
            wait = min(DELIVERY_WAIT, WAIT * 2 ** min(item.attempts, 6))
        logger.info("%s is put off: %s", item, reason)
        await in_inbox(claims.put_off, item, reason, wait)

    async def _close(self, item: InboxItem, error: DeliveryError) -> None:
        """Give the item up, and tell whoever waits for it."""
        logger.warning("%s can't be answered: %s", item, error)
        platform = self._platforms.get(item.platform)
        if await in_inbox(claims.close, item, str(error)) and platform is not None:
            await platform.tell(item, error)

    async def _beat(self) -> None:
        """Keep the leases, notice what was lost, set aside what had its attempts."""
        while True:
            await asyncio.sleep(BEAT)
            with contextlib.suppress(Error):  # the next beat may come in time
                await self._renew()
                await in_inbox(claims.set_aside, list(self._platforms), wording.GIVEN_UP)

    async def _renew(self) -> None:
        held, now = dict(self._held), time.monotonic()
        ours = await in_inbox(claims.renew, {pk: one.item for pk, one in held.items()})
        for pk, one in held.items():
            if pk in ours:
                one.until = now + claims.LEASE.total_seconds()
            else:
                one.lost.set()
