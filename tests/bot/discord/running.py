"""The bot in the test's own event loop, connected to a simulated Discord, and what it answers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pytest_django import Settings

from bot.discord import service
from bot.models import InboxItem
from bot.responder import Responder
from tests.simulators.discord.simulator import DiscordSimulator
from tests.simulators.discord.state import Channel, Message

OFFICES = "The office in Lisbon opens at nine o'clock."
QUESTION = "When does the office in Lisbon open?"
ANSWER = "opens at nine"


def point_to(discord: DiscordSimulator, settings: Settings) -> None:
    settings.DISCORD_API_URL = discord.api_url
    settings.DISCORD_GATEWAY_URL = discord.gateway_url
    settings.DISCORD_TOKEN = discord.token


@asynccontextmanager
async def running(discord: DiscordSimulator) -> AsyncIterator[Responder]:
    """Connected, and stopped as SIGTERM stops it."""
    stop, responder = asyncio.Event(), Responder()
    answering = asyncio.create_task(responder.run(stop))
    drained = asyncio.Event()
    answering.add_done_callback(lambda _: drained.set())
    serving = asyncio.create_task(service.serve(responder, drained))
    try:
        ready = lambda: "ask" in discord.commands or serving.done()  # noqa: E731
        await discord.until(ready, timeout=10)
        if serving.done():
            serving.result()
        await discord.until(lambda: responder._platforms, timeout=10)
        yield responder
    finally:
        stop.set()
        await asyncio.wait_for(asyncio.gather(serving, answering, return_exceptions=True), 20)


async def settled(timeout: float = 20) -> None:
    """Nothing is left to do for any item."""
    async with asyncio.timeout(timeout):
        while await InboxItem.objects.filter(settled=False).aexists():
            await asyncio.sleep(0.02)


async def answered(discord: DiscordSimulator, asked: Message, timeout: float = 20) -> list[Message]:
    """The bot's messages that answer this one, once the reply is whole."""
    item = InboxItem.objects.filter(message=asked.id, settled=True)
    async with asyncio.timeout(timeout):
        while not await item.aexists():
            await asyncio.sleep(0.02)
    return discord.answers(asked) if asked.channel in discord.world.channels else []


async def one_answer(
    discord: DiscordSimulator, asked: Message, text: str = ANSWER, timeout: float = 20
) -> Message:
    """There is one answer, with its source and its buttons."""
    replies = await answered(discord, asked, timeout)
    assert len(replies) == 1, discord._state()
    assert text in replies[0].text and "[1] offices.txt" in replies[0].text, replies[0].text
    assert buttons(replies[0])[:2] == ["Helpful", "Not helpful"]
    return replies[0]


def buttons(message: Message) -> list[str]:
    rows = [row["components"] for row in message.components]
    return [button["label"] for row in rows for button in row]


def custom_id(message: Message, label: str) -> str:
    rows = [row["components"] for row in message.components]
    [found] = [b["custom_id"] for row in rows for b in row if b["label"] == label]
    return str(found)


def ask(discord: DiscordSimulator, where: Channel | str = "general", who: str = "ana") -> Message:
    return discord.say(who, where, f"@askwell {QUESTION}")
