"""What Discord says, kept in the inbox in the order in which it was said."""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import discord
from discord.gateway import KeepAliveHandler
from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone

from bot import inbox, talks
from bot.discord.events import PLATFORM, is_hidden, key_of, read_message, replied_to
from bot.discord.gateway import pay_for_start
from bot.discord.naming import names_of
from bot.discord.rest import trace
from bot.incoming import Deleted, Edited, Heard, Said
from bot.threads import in_inbox

logger = logging.getLogger(__name__)

# There is no voice here.
discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False

# Seconds without a further server after which all are known.
SERVERS_KNOWN = 2.0

# What is older is neither read back nor, once it is edited, heard for the first time.
OLDEST = timedelta(hours=24)

# Deletions that are remembered.
RECENT = 1_000


@dataclass(frozen=True)
class Gone:
    """A message was deleted."""

    guild: int | None
    channel: int
    message: int


Event = discord.Message | discord.RawMessageUpdateEvent | Gone


def _in_one_line(record: logging.LogRecord) -> bool:
    """A connection that broke and is made anew is worth a line, and no traceback."""
    if record.exc_info and record.exc_info[0]:
        record.msg, record.args = f"{record.getMessage()} ({record.exc_info[0].__name__})", ()
        record.exc_info = None
    return True


logging.getLogger("discord.client").addFilter(_in_one_line)


class Client(discord.Client):
    _paid = False

    async def pay(self) -> None:
        """Before connecting. Raises Resting where too many sessions were begun lately."""
        await pay_for_start()
        self._paid = True

    async def close(self) -> None:
        """Also ends the threads that kept connections alive which were never used."""
        await super().close()
        for thread in threading.enumerate():
            if isinstance(thread, KeepAliveHandler):
                thread.stop()

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        if not self._paid:
            await asyncio.sleep(5.0)  # Discord takes one in five seconds
            await pay_for_start()
        self._paid = False


def make_client() -> Client:
    """A client that keeps no members and no messages, and by itself mentions nobody."""
    intents = discord.Intents(guilds=True, guild_messages=True, dm_messages=True)
    intents.message_content = settings.DISCORD_MESSAGE_CONTENT
    return Client(
        intents=intents,
        allowed_mentions=discord.AllowedMentions.none(),
        max_messages=None,
        member_cache_flags=discord.MemberCacheFlags.none(),
        chunk_guilds_at_startup=False,
        enable_debug_events=True,  # for the watch over dead sockets
        http_trace=trace(),
        guild_ready_timeout=SERVERS_KNOWN,
    )


class Listener:
    """`taken` is called with what entered the inbox."""

    def __init__(self, client: discord.Client, taken: Callable[[Heard], None]) -> None:
        self._client, self._taken = client, taken
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        # A message that is deleted while it is read back comes after its deletion.
        self._deleted: deque[int] = deque(maxlen=RECENT)

        async def on_message(message: discord.Message) -> None:
            self._events.put_nowait(message)

        async def on_raw_message_edit(event: discord.RawMessageUpdateEvent) -> None:
            self._events.put_nowait(event)

        async def on_raw_message_delete(event: discord.RawMessageDeleteEvent) -> None:
            self._events.put_nowait(Gone(event.guild_id, event.channel_id, event.message_id))

        async def on_raw_bulk_message_delete(event: discord.RawBulkMessageDeleteEvent) -> None:
            for number in event.message_ids:
                self._events.put_nowait(Gone(event.guild_id, event.channel_id, number))

        for heard in (
            on_message,
            on_raw_message_edit,
            on_raw_message_delete,
            on_raw_bulk_message_delete,
        ):
            client.event(heard)

    async def run(self) -> None:
        """Take one event after the other, until cancelled."""
        while True:
            event = await self._events.get()
            await self._keep(event)

    async def _keep(self, event: Event) -> None:
        """What comes after it waits, until the database takes it."""
        while True:
            try:
                await self.take(event)
                return
            except DatabaseError as error:
                logger.warning("What was said in Discord could not be kept: %s", error)
                await asyncio.sleep(1)

    async def take(self, event: Event) -> None:
        """Keep what the event says, where it is for the bot."""
        heard = await self._read(event)
        if heard is not None and await in_inbox(inbox.take, heard):
            self._taken(heard)

    async def _read(self, event: Event) -> Heard | None:
        assert self._client.user is not None
        bot = self._client.user.id
        if isinstance(event, discord.Message):
            if event.id in self._deleted:
                return None
            said = read_message(event, bot)
            if said is not None and event.edited_at:  # read back; it may have been heard before
                return Edited(await self._placed(said, event), newly_addressed=True)
            return await self._placed(said, event) if said else None
        if isinstance(event, discord.RawMessageUpdateEvent):
            return await self._edited(event.message, bot)
        self._deleted.append(event.message)
        channel = self._client.get_channel(event.channel)
        key = key_of(event.guild, channel, event.channel, str(event.message))
        known = await in_inbox(talks.known_message, PLATFORM, key.message)
        key = replace(known.key, message=key.message) if known is not None else key
        return Deleted(Said(key, sender="", text="", addressed=False))

    async def _edited(self, message: discord.Message, bot: int) -> Heard | None:
        """An edit that Discord makes itself, of a link's preview, has no time."""
        shown = settings.DISCORD_MESSAGE_CONTENT
        said = read_message(message, bot, bare=shown) if message.edited_at else None
        if said is None:
            return None
        placed = await self._placed(said, message)
        # Of an old one that is unknown the row may be gone, with its answer.
        new = placed.addressed and timezone.now() - message.created_at < OLDEST
        return Edited(placed, newly_addressed=new, files_shown=shown)

    async def _placed(self, said: Said, message: discord.Message) -> Said:
        """With where its reply will stand, and whether what it says is hidden from the bot."""
        placed = await self._where(said, message)
        assert self._client.user is not None
        if settings.DISCORD_MESSAGE_CONTENT or not is_hidden(message, self._client.user.id):
            return placed
        return replace(placed, route={**placed.route, "hidden": True})

    async def _where(self, said: Said, message: discord.Message) -> Said:
        """With the thread that it goes on from, and where its reply will stand."""
        if isinstance(message.channel, discord.Thread):
            return replace(said, route={"in_thread": True})
        if replied := replied_to(message):
            ours = f"{message.channel.id}/{replied}"
            root = await in_inbox(talks.answered_by, said.key, ours)
            if root is not None:
                return replace(said, thread=root.thread)
        if not said.direct:
            return replace(said, route={"opens_thread": True})
        return await self._direct(said)

    async def _direct(self, said: Said) -> Said:
        """A direct message goes on from the last one; one that only names a server says which one
        the last was about."""
        before = await in_inbox(talks.last_question, said.key)
        names, wanted = names_of(self._client.guilds), said.text.casefold()
        named = [number for number, name in names.items() if name.casefold() == wanted]
        if named:
            again = replace(said, text="", sender_team=str(named[0]))
            if before is None:
                return again
            text, files = await in_inbox(talks.said_with, before)
            route = {"message": before.said_in}
            return replace(again, text=text, files=files, route=route)
        if before is not None and talks.is_recent(before):
            return replace(said, thread=before.thread)
        return said
