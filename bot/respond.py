"""Answer one item of the inbox: who hears it, ask, show the answer while it comes, decide, deliver.

What was decided before a crash is only delivered; what was not is asked anew, in the messages that
are open already.
"""

import asyncio
import time
from collections.abc import Awaitable
from contextlib import aclosing
from datetime import timedelta

from django.utils import timezone

from backend.accounts.audience import Place, readable_spaces
from backend.chat.asking import Answered, Begun, Question, ask, may_go_on
from backend.chat.errors import BadQuestion
from backend.chat.history import shown_to
from backend.chat.models import Message
from bot import claims, inbox, ledger, wording
from bot.closings import closing_of
from bot.errors import DeliveryError, Nowhere
from bot.leases import Held
from bot.models import InboxItem, ItemState, ReplyPart
from bot.platforms import Closing, Outlet, Platform
from bot.reply import Reply
from bot.shared_files import documents_with
from bot.talks import conversation_of
from bot.threads import in_inbox
from knowledge.answering import Delta, Restart
from knowledge.errors import LeaseLost

# So long after it was asked, a question may be gone.
LONG = timedelta(minutes=1)
# For so many seconds after its commit an answer may be shown without looking at its readers again.
JUST_CHECKED = 1.0
HELP_WORDS = ("", "help")
# What is left to do for a decided item: its parts, and what stands below the last of them.
Ending = tuple[list[ReplyPart], Closing | None]


class Reopened(LeaseLost):
    """The readers of a decided answer became fewer; it is asked anew."""


async def respond(held: Held, platform: Platform) -> None:
    """Take a claimed item to its end. Raises LeaseLost and DeliveryError."""
    item = held.item
    if item.state == ItemState.CLAIMED:
        await still_there(item, platform)
    status = asyncio.create_task(_show_status(item, platform))
    try:
        await _reply(held, platform, status)
    finally:
        await status


async def _show_status(item: InboxItem, platform: Platform) -> None:
    if item.state == ItemState.CLAIMED:
        await platform.status(item)


async def _reply(held: Held, platform: Platform, status: Awaitable[None]) -> None:
    item = held.item
    place, words = await place_of(item, platform)
    parts, conversation = await in_inbox(_known_of, item, place)
    outlet = platform.outlet(item, place)
    reply = Reply(held, outlet, parts, before=status)
    checked = -JUST_CHECKED

    async def check() -> None:
        nonlocal checked
        if item.answer_id and time.monotonic() - checked > JUST_CHECKED:
            if await in_inbox(_reopened, item, (await place_of(item, platform))[0]):
                raise Reopened()
            checked = time.monotonic()

    try:
        if item.state == ItemState.CLAIMED:
            await reply.adopt()
            if place is None:
                ending = await _decide(item, reply.texts(words))
            else:
                ending = await _answer(held, place, conversation, outlet, reply)
            checked = time.monotonic()
        else:
            ending = await in_inbox(_ending, item, place)
        await reply.deliver(*ending, check)
    finally:
        outlet.close()


def _known_of(item: InboxItem, place: Place | None) -> tuple[list[ReplyPart], str | None]:
    """The messages that show its reply already, and the conversation that a question goes on."""
    parts = ledger.parts_of(item)
    if place is None or item.state != ItemState.CLAIMED:
        return parts, None
    found = conversation_of(item)
    return parts, str(found.pk) if found and may_go_on(found, place) else None


def _ending(item: InboxItem, place: Place | None) -> Ending:
    return ledger.parts_of(item), closing_of(item, place)


async def still_there(item: InboxItem, platform: Platform) -> None:
    """What waited may have been deleted while nobody listened, and a reply to it would stand in
    the open: then raises LeaseLost."""
    waited = timezone.now() - item.received_at > LONG or item.attempts > 1
    if waited and not await platform.is_there(item):
        await in_inbox(inbox.void_all_of, item)
        raise LeaseLost()


async def place_of(item: InboxItem, platform: Platform) -> tuple[Place | None, str]:
    """Who reads the reply; where that can't be anybody, None and what is said instead."""
    if item.state == ItemState.VOID:  # its reply is only taken away
        return None, ""
    try:
        return await platform.place(item), ""
    except Nowhere as nowhere:
        return None, nowhere.words


async def _answer(
    held: Held, place: Place, conversation: str | None, outlet: Outlet, reply: Reply
) -> Ending:
    """Decide what the reply says."""
    item = held.item
    if (words := _said_at_once(item)) is not None:
        return await _decide(item, reply.texts(words))
    question = Question(
        item.text,
        place,
        conversation,
        await outlet.earlier(),
        await in_inbox(documents_with, item) if item.with_files else (),
        asked_for=item.pk,
    )
    answered = None
    try:
        async with reply.growing():
            answered = await held.while_ours(_ask(item, question, reply))
    except BadQuestion as error:
        return await _decide(item, reply.texts(str(error)))
    except DeliveryError:
        if answered is not None:  # nobody was shown it, and it is asked again
            await in_inbox(inbox.forget_turns, [answered.message])
        raise
    texts = reply.texts(answered.answer.text)
    ending = await in_inbox(_decided, item, texts, place, answered.message)
    if ending is None:
        await in_inbox(inbox.forget_turns, [answered.message])
        raise LeaseLost()
    return ending


def _said_at_once(item: InboxItem) -> str | None:
    """What is said without asking anybody."""
    if item.route.get("hidden"):
        return wording.HIDDEN_DISCORD
    return wording.HELP if item.text.strip().lower() in HELP_WORDS else None


async def _decide(item: InboxItem, texts: list[str]) -> Ending:
    """Say what nobody had to be asked for."""
    ending = await in_inbox(_decided, item, texts, None)
    if ending is None:
        raise LeaseLost()
    return ending


def _decided(
    item: InboxItem, texts: list[str], place: Place | None, answer: int | None = None
) -> Ending | None:
    if not claims.decide(item, ItemState.ANSWERED, texts, answer):
        return None
    return _ending(item, place)


async def _ask(item: InboxItem, question: Question, reply: Reply) -> Answered:
    async with aclosing(ask(question)) as events:
        async for event in events:
            match event:
                case Begun(conversation, message):
                    if not await in_inbox(claims.begun, item, conversation, message):
                        await in_inbox(inbox.forget_turns, [message])
                        raise LeaseLost()
                case Delta(text):
                    reply.write(text)
                case Restart(text):
                    reply.restart(text)
                case Answered():
                    return event
    raise LeaseLost()  # ask() ends with Answered, unless it is closed


def _reopened(item: InboxItem, place: Place | None) -> bool:
    """Whether the answer's readers are fewer than those that it was made for; then it is asked
    anew."""
    answer = Message.objects.filter(pk__in=[item.answer_id])
    audience = readable_spaces(place) if place is not None else []
    if shown_to(answer, audience).exists():
        return False
    claims.reopen(item)
    return True
