"""When a platform is read back: after each connection, and now and then."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from django.db import DatabaseError

from bot.errors import DeliveryError, Resting

logger = logging.getLogger(__name__)

# Seconds between two readings while everything seems well.
READ_BACK_EVERY = 600.0
# Before one that failed is tried again, and after a new connection: an event may have gone to the
# old one while the new one was made.
READ_BACK_AGAIN = 30.0


async def keep_reading(
    platform: str, read_back: Callable[[], Awaitable[bool]], anew: asyncio.Event
) -> None:
    """Read back until cancelled, whenever `anew` is set, and now and then. `read_back` tells
    whether all was read. Raises Resting."""
    wait: float | None = None
    while True:
        with suppress(TimeoutError):
            async with asyncio.timeout(wait):
                await anew.wait()
        connected = anew.is_set()
        anew.clear()
        try:
            whole = await read_back()
            wait = READ_BACK_EVERY if whole and not connected else READ_BACK_AGAIN
        except Resting:
            raise
        except (DeliveryError, DatabaseError) as error:
            logger.warning("%s could not be read back: %s", platform, error)
            wait = READ_BACK_AGAIN
