"""Thumbs, reasons and sharing in Discord, before and after a restart, and forged clicks."""

import pytest
from asgiref.sync import sync_to_async

from backend.chat.models import Feedback
from bot import wording
from bot.models import InboxItem
from tests.bot.discord.running import (
    ANSWER,
    QUESTION,
    ask,
    buttons,
    custom_id,
    one_answer,
    running,
    settled,
)
from tests.simulators.discord.core import Interaction
from tests.simulators.discord.simulator import DiscordSimulator
from tests.simulators.discord.state import Message

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("home", "offices", "closing_clients"),
]


def thumbs() -> list[tuple[bool, str]]:
    return list(Feedback.objects.values_list("helpful", "reason"))


async def asked_privately(discord: DiscordSimulator) -> Message:
    asked = discord.command("ana", "general", "ask", question=QUESTION)
    await discord.until(lambda: asked.messages and buttons(asked.messages[0]), timeout=20)
    await settled()
    return discord.ephemeral_to("ana")[0]


async def told(discord: DiscordSimulator, click: Interaction) -> str:
    await discord.until(lambda: click.messages and click.messages[0].text, timeout=10)
    return click.messages[0].text


async def test_a_thumb_works_after_a_restart(discord: DiscordSimulator) -> None:
    async with running(discord):
        answer = await one_answer(discord, ask(discord))
    async with running(discord):
        click = discord.click("ben", answer, custom_id(answer, "Helpful"))
        assert await told(discord, click) == wording.THANKS
    assert await sync_to_async(thumbs)() == [(True, "")]


async def test_a_thumb_down_asks_why(discord: DiscordSimulator) -> None:
    async with running(discord):
        answer = await one_answer(discord, ask(discord))
        click = discord.click("ana", answer, custom_id(answer, "Not helpful"))
        await discord.until(lambda: click.modal, timeout=10)
        sent = discord.submit_modal("ana", click, {"reason": "x" * 4_000})
        assert await told(discord, sent) == wording.THANKS
    [(helpful, reason)] = await sync_to_async(thumbs)()
    assert not helpful and reason == "x" * 4_000 and not click.failed


@pytest.mark.parametrize(
    "forged", ["thumb:up:999", "thumb:up:", "thumb:sideways:1", "share:1", "x", "thumb:up:1:2"]
)
async def test_a_forged_click_changes_nothing(discord: DiscordSimulator, forged: str) -> None:
    async with running(discord):
        answer = await one_answer(discord, ask(discord))
        click = discord.click("ana", answer, forged, forged=True)
        assert await told(discord, click) == wording.UNKNOWN_BUTTON
    assert await sync_to_async(thumbs)() == []


async def test_nobody_rates_or_shares_what_only_another_saw(discord: DiscordSimulator) -> None:
    async with running(discord):
        await asked_privately(discord)
        item = await InboxItem.objects.aget()
        said = discord.say("ben", "general", "hello")
        for custom in (f"thumb:up:{item.pk}", f"share:{item.pk}"):
            click = discord.click("ben", said, custom, forged=True)
            assert await told(discord, click) == wording.UNKNOWN_BUTTON
    assert await sync_to_async(thumbs)() == []


async def test_sharing_asks_again_for_all_to_see_and_once(discord: DiscordSimulator) -> None:
    async with running(discord):
        answer = await asked_privately(discord)
        for _ in range(2):
            discord.click("ana", answer, custom_id(answer, "Share"))
        await discord.until(lambda: discord.messages("general"), timeout=20)
        await settled()
    [shared] = discord.messages("general")
    assert QUESTION in shared.text and ANSWER in shared.text
    assert "asked by Ana" in shared.text and discord.pinged == []
