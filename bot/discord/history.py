"""Read back what was said while nobody listened: channels, threads and direct messages.

A channel's mark moves only as far as it was read: a thousand messages at a time. What is older
than a day is left out and logged. Discord names no direct messages to a bot: those are
read back that it knows of.
"""

import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial

import aiohttp
import discord
from django.utils import timezone

from bot import marks, talks
from bot.discord.events import PLATFORM
from bot.discord.listen import OLDEST, Listener
from bot.discord.waits import patiently
from bot.errors import Unreachable
from bot.incoming import DIRECT
from bot.threads import in_inbox

logger = logging.getLogger(__name__)

# The cap, beside that of age.
MESSAGES = 1_000
# A message may be known to Discord's gateway a little later than to its history.
OVERLAP = timedelta(seconds=10)
READABLE = (discord.TextChannel, discord.VoiceChannel, discord.StageChannel, discord.Thread)

Readable = (
    discord.TextChannel
    | discord.VoiceChannel
    | discord.StageChannel
    | discord.Thread
    | discord.PartialMessageable
)


class History:
    def __init__(self, client: discord.Client, listener: Listener) -> None:
        self._client, self._listener = client, listener

    async def begin(self) -> None:
        """To be called before anything can be heard."""
        await in_inbox(marks.begin, PLATFORM, "", _now())

    async def read_back(self) -> bool:
        """Everything from its mark on, after `begin`; False where something is to be read again.
        Raises Unreachable where Discord does not tell of its channels."""
        try:
            return await self._read_all()
        except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
            raise Unreachable(f"Discord does not tell ({type(error).__name__})") from None

    async def _read_all(self) -> bool:
        begun, away = _now(), any(guild.unavailable for guild in self._client.guilds)
        whole = not away
        since = await in_inbox(marks.mark_of, PLATFORM, "")
        async for place, number, channel in self._channels():
            mark = await in_inbox(marks.mark_of, PLATFORM, place, number) or since
            try:
                reached = await patiently(partial(self._read, channel, number, mark))
            except discord.Forbidden:
                continue
            except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
                logger.warning("Discord: %s could not be read back: %s", number, error)
                # The mark by which new channels are read moves on.
                await in_inbox(marks.move, PLATFORM, place, number, mark)
                whole = whole and isinstance(error, discord.NotFound)
            else:
                await in_inbox(marks.move, PLATFORM, place, number, reached or begun)
                whole = whole and not reached
        if not away:  # there may be channels that were never read
            await in_inbox(marks.move, PLATFORM, "", "", begun)
        return whole

    async def _channels(self) -> AsyncIterator[tuple[str, str, Readable]]:
        for guild in self._client.guilds:
            for channel in _of_guild(guild):
                yield str(guild.id), str(channel.id), channel
            # Threads that were archived meanwhile are not listed.
            known = await in_inbox(talks.lively_threads, PLATFORM, str(guild.id))
            for number in known - {str(thread.id) for thread in guild.threads}:
                thread = await self._thread(number)
                if thread is not None:
                    yield str(guild.id), number, thread
        for number in await in_inbox(talks.direct_channels, PLATFORM, DIRECT):
            yield DIRECT, number, self._client.get_partial_messageable(int(number))

    async def _thread(self, number: str) -> discord.Thread | None:
        if not number.isdecimal():
            return None
        try:
            found = await patiently(partial(self._client.fetch_channel, int(number)))
        except (discord.NotFound, discord.Forbidden):
            return None
        return found if isinstance(found, discord.Thread) else None

    async def _read(self, channel: Readable, number: str, mark: str) -> str:
        """Where it ended before the channel did; empty where it came to its end."""
        oldest = discord.utils.time_snowflake(timezone.now() - OLDEST)
        if oldest > int(mark):
            logger.warning("Discord: what was said in %s over a day ago is left out", number)
        after = discord.Object(max(oldest, int(mark)))
        read = 0
        async for message in channel.history(limit=MESSAGES, after=after, oldest_first=True):
            await self._listener.take(message)
            read, mark = read + 1, str(message.id)
        if read == MESSAGES:
            logger.warning("Discord: %s has more than %d new messages", number, MESSAGES)
            return mark
        return ""


def _of_guild(guild: discord.Guild) -> list[Readable]:
    """What the bot can read there now: of a thread whose channel goes meanwhile, discord.py would
    not tell."""
    channels = (one for one in (*guild.channels, *guild.threads) if isinstance(one, READABLE))
    return [one for one in channels if _may_read(one.permissions_for(guild.me))]


def _may_read(may: discord.Permissions) -> bool:
    return may.view_channel and may.read_message_history


def _now() -> str:
    return str(discord.utils.time_snowflake(timezone.now() - OVERLAP))
