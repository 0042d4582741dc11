"""Tell people in their direct messages what they did not ask for, each once."""

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from bot.errors import DeliveryError
from bot.incoming import Key
from bot.platforms import Platform
from bot.threads import in_following, in_inbox

logger = logging.getLogger(__name__)

# Seconds between two looks for somebody to tell, and until one who can't be reached is tried again.
EVERY, AGAIN = 1.0, 60.0


@dataclass(frozen=True)
class Untold:
    """Who has not been told of the row with this id yet, as their platform knows them."""

    about: int
    platform: str
    installation: str
    person: str


async def keep_telling(
    untold: Callable[[Collection[str]], list[Untold]],
    tell: Callable[[Untold, Key], None],
    platforms: Callable[[], Mapping[str, Platform]],
    wake: Callable[[], None],
) -> None:
    """Have everybody told whom these platforms know, until cancelled. `tell` is safe to repeat; it
    gets the key of their direct messages."""
    unreachable: dict[Untold, float] = {}
    while True:
        await asyncio.sleep(EVERY)
        try:
            for one in await in_following(untold, list(platforms())):
                if time.monotonic() > unreachable.get(one, 0.0):
                    unreachable[one] = time.monotonic() + AGAIN
                    direct = await platforms()[one.platform].direct(one.person)
                    await in_inbox(tell, one, direct)
                    wake()
        except (DeliveryError, KeyError) as error:
            logger.info("Somebody was not told yet: %s", error)
        except Exception:
            # The outermost loop: whom this look missed the next one finds.
            logger.exception("Telling goes on after a fault")
