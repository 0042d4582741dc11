"""Take a shared file to its card: fetch it, bring it to where it was shared, tell what became of
it; and take away again what a deleted message brought.

Reading it is the worker's part. Once the file is kept, its card is told and the item let go of;
bot/following.py has the card told anew as the reading goes on, and whenever something else becomes
of the document.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from weakref import WeakValueDictionary

from backend import db
from backend.accounts.audience import Place, key_to_bring_to
from backend.accounts.models import User
from bot import cards, kept_files, ledger, wording
from bot.cards import Card
from bot.errors import DownloadFailed, DownloadThrottled, FileWithheld, Refused
from bot.leases import Held
from bot.models import InboxItem, ItemState
from bot.platforms import Closing, Platform
from bot.reply import Reply, check_nothing
from bot.respond import place_of, still_there
from bot.shared_files import leave_out_card, told_before
from bot.threads import in_files, in_inbox
from knowledge.errors import FileRefused, LeaseLost, StorageFault

logger = logging.getLogger(__name__)

# Files that this process fetches and stores at once; each is held in memory as a whole meanwhile,
# however slow the platform or the storage is.
AT_ONCE = 4


class Files:
    """What the files in hand share: how many are held at once, and whose card comes first."""

    def __init__(self) -> None:
        self._holding = asyncio.Semaphore(AT_ONCE)
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def respond(self, held: Held, platform: Platform) -> None:
        """Take a claimed item to its end. Raises LeaseLost, DeliveryError and DownloadFailed."""
        item = held.item
        if item.state == ItemState.CLAIMED:
            await still_there(item, platform)
        async with AsyncExitStack() as turn:
            await turn.enter_async_context(self._turn(item))
            place, words = await place_of(item, platform)
            with closing(platform.outlet(item, place)) as outlet:
                reply = Reply(held, outlet, await in_inbox(ledger.parts_of, item))
                if item.state == ItemState.CLAIMED:
                    await reply.adopt()
                    if place is not None:
                        await reply.begin(cards.begun(item.text))
                await turn.aclose()
                card = await self._card(held, platform, place, words)
                below = await tell(reply, card) if card is not None else None
                parts = await in_inbox(ledger.parts_of, item)
                await reply.deliver(parts, below, check_nothing)

    @asynccontextmanager
    async def _turn(self, item: InboxItem) -> AsyncGenerator[None]:
        """The cards of one message are opened in the order of its files."""
        message = f"{item.platform}/{item.channel}/{item.said_in}"
        async with self._turns.setdefault(message, asyncio.Lock()):
            yield

    async def _card(
        self, held: Held, platform: Platform, place: Place | None, words: str
    ) -> Card | None:
        """What is to be told now; None where that is decided already."""
        item = held.item
        if item.state == ItemState.CLAIMED:
            if place is None:
                return await in_inbox(_of_nothing, item, words)
            return await self._bring(held, platform, place)
        if item.state == ItemState.VOID:
            await in_files(kept_files.take_away, item)
        elif item.state == ItemState.ANSWERED and item.version_id:
            return await in_inbox(cards.card_of, item)
        return None

    async def _bring(self, held: Held, platform: Platform, place: Place) -> Card:
        item = held.item
        key = await in_inbox(key_to_bring_to, place)
        if key is None:
            return cards.failed(item.text, wording.MAY_BRING_NOTHING)
        try:
            if item.version_id is None:  # an earlier attempt may have kept it
                await self._keep(held, platform, key, place.asker)
        except FileRefused as error:
            return cards.failed(item.text, str(error))
        except (DownloadFailed, StorageFault) as error:
            if not error.permanent and item.attempts < db.MAX_ATTEMPTS:
                raise
            return cards.failed(item.text, str(error))
        return await in_inbox(cards.card_of, item)

    async def _keep(self, held: Held, platform: Platform, key: str, user: User | None) -> None:
        """Fetch the file and keep it in the space of this key."""
        while True:
            try:
                async with self._holding:
                    file = await held.while_ours(platform.fetch(held.item))
                    await in_files(kept_files.keep, held.item, key, file, user)
                    return
            except DownloadThrottled as asked:
                await held.pause(asked.seconds)
            except Refused as error:
                logger.warning("%s can't be fetched: %s", held.item, error)
                raise FileWithheld() from None


def _of_nothing(item: InboxItem, words: str) -> Card:
    """The card of a file where nothing can be known, for the reason that these words give. Where
    another reply to the same message says it, the card is left out, which is noted."""
    earlier = told_before(item)
    if earlier is not None:
        leave_out_card(item, earlier)
        words = ""
    return Card(words, cards.FAILED)


async def tell(reply: Reply, card: Card) -> Closing | None:
    """Commit what the card says, if anything; what stands below it."""
    texts = reply.texts(card.text) if card.text else []
    if not await in_inbox(cards.tell, reply.item, card, texts):
        raise LeaseLost()
    return card.closing
