"""The bot in the test's own event loop, connected to a simulated Slack."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pytest_django import Settings

from bot.models import InboxItem
from bot.responder import Responder
from bot.slack import service
from tests.simulators.slack.simulator import SlackSimulator
from tests.simulators.slack.state import Message
from tests.simulators.slack.transcript import shown_text


def point_to(slack: SlackSimulator, settings: Settings) -> None:
    settings.SLACK_API_URL = slack.url
    settings.SLACK_BOT_TOKEN = slack.app.bot_token
    settings.SLACK_APP_TOKEN = slack.app.app_token


@asynccontextmanager
async def running(slack: SlackSimulator) -> AsyncIterator[Responder]:
    """Connected, and stopped as SIGTERM stops it."""
    stop, responder = asyncio.Event(), Responder()
    before = slack.sockets.live()  # a bot that was stopped may not have left yet
    answering = asyncio.create_task(responder.run(stop))
    serving = asyncio.create_task(service.serve(responder, stop))
    try:
        await slack.until(
            lambda: any(s not in before for s in slack.sockets.live()) or serving.done(),
            timeout=10,
        )
        if serving.done():
            serving.result()
        yield responder
    finally:
        stop.set()
        await asyncio.wait_for(asyncio.gather(serving, answering, return_exceptions=True), 20)


async def answered(slack: SlackSimulator, asked: Message, timeout: float = 20) -> Message:
    """The last message of the reply to `asked`, once the reply is whole."""
    item = InboxItem.objects.filter(channel=asked.channel, message=asked.ts, settled=True)
    async with asyncio.timeout(timeout):
        while not await item.aexists():
            await asyncio.sleep(0.02)
    return slack.answers(asked)[-1]


def shown(message: Message) -> str:
    """What a reader sees of it."""
    return shown_text(message)
