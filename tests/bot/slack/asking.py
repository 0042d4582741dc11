"""Questions asked in a simulated Slack, and what their one answer must look like."""

import asyncio

from asgiref.sync import sync_to_async

from bot.models import InboxItem, ReplyPart
from tests.bot.slack.running import answered, shown
from tests.simulators.slack.simulator import SlackSimulator
from tests.simulators.slack.state import Message

OFFICES = "The office in Lisbon opens at nine o'clock."
QUESTION = "When does the office in Lisbon open?"
THUMBS = "[Helpful"


def words(count: int) -> str:
    """An answer of so many words, all of them different, that cites its passage."""
    return " ".join(f"word{number}" for number in range(count)) + " [1]."


def ask(slack: SlackSimulator, channel: str = "general", who: str = "ana") -> Message:
    return slack.say(who, channel, f"@askwell {QUESTION}")


async def one_answer(
    slack: SlackSimulator,
    asked: Message,
    text: str,
    source: str = "offices.txt",
    timeout: float = 60,
) -> None:
    """Wait for the answer; then there is one, whole, with its sources and buttons once."""
    await answered(slack, asked, timeout)
    check_one_answer(slack, asked, text, source)


def check_one_answer(
    slack: SlackSimulator, asked: Message, text: str, source: str = "offices.txt"
) -> None:
    replies = slack.answers(asked)
    assert len(replies) == 1, [shown(reply) for reply in replies]
    seen = shown(replies[0])
    line = f"[1] {source}"
    body, _, below = seen.partition(f"\n{line}")
    assert body.count(text.split(" [1]")[0]) == 1, seen
    assert below.count(THUMBS) == 1 and line not in below, seen


def all_settled() -> bool:
    return not InboxItem.objects.filter(settled=False).exists()


async def until_settled(timeout: float = 120) -> None:
    """Nothing is left to do for any item."""
    async with asyncio.timeout(timeout):
        while not await sync_to_async(all_settled)():
            await asyncio.sleep(0.05)


def states() -> list[str]:
    """What became of the items and of their messages, for asserting and for reading."""
    items = [f"{item.text} {item.state} {item.reason}" for item in InboxItem.objects.all()]
    return items + [f"{part} {part.state} {part.message}" for part in ReplyPart.objects.all()]


def item_of(asked: Message) -> InboxItem:
    return InboxItem.objects.get(channel=asked.channel, message=asked.ts)
