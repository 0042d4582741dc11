"""Tell people in their direct messages what they did not ask for, each once."""

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from bot.errors import DeliveryError
from bot.incoming import Key
from bot.models import InboxItem, Kind
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


def message_of(kind: Kind, about: int) -> str:
    """What stands in an item for the id of a message that nobody said."""
    return f"{kind}-{about}"


def plan(kind: Kind, one: Untold, direct: Key) -> None:
    """Have them told in their direct messages, which are the key's channel. Safe to repeat."""
    item = InboxItem(
        kind=kind,
        platform=direct.platform,
        installation=direct.installation,
        channel=direct.channel,
        message=message_of(kind, one.about),
        sender=one.person,
        direct=True,
        request_id=one.about if kind == Kind.REQUEST else None,
        route={"installation": one.installation},
    )
    InboxItem.objects.bulk_create([item], ignore_conflicts=True)


async def keep_telling(
    kind: Kind,
    untold: Callable[[Collection[str]], list[Untold]],
    platforms: Callable[[], Mapping[str, Platform]],
    wake: Callable[[], None],
) -> None:
    """Have everybody told by an item of this kind whom these platforms know, until cancelled."""
    unreachable: dict[Untold, float] = {}
    while True:
        await asyncio.sleep(EVERY)
        try:
            for one in await in_following(untold, list(platforms())):
                if time.monotonic() > unreachable.get(one, 0.0):
                    unreachable[one] = time.monotonic() + AGAIN
                    direct = await platforms()[one.platform].direct(one.person)
                    await in_inbox(plan, kind, one, direct)
                    wake()
        except (DeliveryError, KeyError) as error:
            logger.info("Somebody was not told yet: %s", error)
        except Exception:
            # The outermost loop: whom this look missed the next one finds.
            logger.exception("Telling goes on after a fault")
