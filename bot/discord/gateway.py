"""The gateway's life: how often a session may be begun, and noticing a socket that is dead."""

import asyncio
import time
from collections.abc import Awaitable
from contextlib import suppress
from datetime import timedelta
from socket import SHUT_RDWR
from typing import Any

import discord
from django.db.models import F
from django.utils import timezone

from bot.errors import Resting
from bot.models import SessionStarts
from bot.threads import in_inbox

# Discord resets the token of a bot that begins 1,000 sessions in a day. At most 20 at once and
# then one in three minutes are 500 in any day, however often the process is started.
AT_ONCE = 20
ONE_IN = timedelta(minutes=3)
# Seconds: a quiet socket is asked for a sign of life, and given up without one.
QUIET, DEAD, LOOK_EVERY = 15.0, 35.0, 2.0


INTENT_OFF = (
    "Discord does not allow the Message Content intent: switch it on under Bot, Privileged "
    "Gateway Intents, or set DISCORD_MESSAGE_CONTENT=off"
)


def may_read_content(client: discord.Client) -> bool:
    """Whether the developer portal allows the intent, as the login told."""
    flags = client.application_flags
    return flags.gateway_message_content or flags.gateway_message_content_limited


def take_start() -> bool:
    """Count a session that is about to begin; False where it must wait."""
    now = timezone.now()
    row = SessionStarts.objects.get_or_create(platform="discord", defaults={"paid_until": now})[0]
    rows = SessionStarts.objects.filter(pk=row.pk)
    if rows.filter(paid_until__lt=now).update(paid_until=now + ONE_IN):
        return True
    most = now + (AT_ONCE - 1) * ONE_IN
    within = rows.filter(paid_until__gte=now, paid_until__lte=most)
    return bool(within.update(paid_until=F("paid_until") + ONE_IN))


async def pay_for_start() -> None:
    """Raises Resting where too many sessions were begun lately."""
    if not await in_inbox(take_start):
        raise Resting("Discord allows a bot so many new sessions a day, and they are used up")


class Watch:
    """Cuts a socket that shows no sign of life; discord.py then resumes its session."""

    def __init__(self, client: discord.Client) -> None:
        self._client, self._heard, self._asked = client, time.monotonic(), 0.0

        async def on_socket_raw_receive(_: str) -> None:
            self._heard = time.monotonic()

        client.event(on_socket_raw_receive)

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY)
            silent = time.monotonic() - self._heard
            socket = getattr(self._client, "ws", None)
            if socket is None or not socket.open or silent < QUIET:
                continue
            if silent > DEAD:
                self._heard = time.monotonic()
                _cut(socket)
            elif time.monotonic() - self._asked > QUIET:
                self._asked = time.monotonic()
                await _soon(self._client.ws.send_heartbeat(_beat(socket)))


def _cut(socket: Any) -> None:
    """Without a farewell: discord.py would wait half a minute for the other side's."""
    connection = socket.socket.get_extra_info("socket")
    if connection is not None:
        with suppress(OSError):  # it broke just now
            connection.shutdown(SHUT_RDWR)


def _beat(socket: Any) -> Any:
    """A heartbeat as discord.py's own keeper sends it, which measures the time to its answer."""
    keeper = socket._keep_alive
    return keeper.beat() if keeper else {"op": socket.HEARTBEAT, "d": socket.sequence}


async def _soon(call: Awaitable[object]) -> None:
    """A dead socket may take no word."""
    try:
        async with asyncio.timeout(LOOK_EVERY):
            await call
    except (TimeoutError, OSError, discord.ConnectionClosed):
        return
