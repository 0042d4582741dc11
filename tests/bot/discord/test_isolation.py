"""Nobody reaches what is another's: every click and every command is tried with another's ids
(promise 20)."""

import re
from itertools import product

import pytest
from asgiref.sync import sync_to_async

from backend.accounts.claiming import claim
from backend.accounts.models import Identity
from backend.accounts.spaces import home as home_workspace
from backend.accounts.spaces import personal_key, space_for
from backend.chat.models import Feedback
from bot import wording
from bot.clicks import CLICKS
from bot.models import InboxItem
from knowledge.models import Document
from tests.bot.discord.running import (
    QUESTION,
    answered,
    ask,
    custom_id,
    one_answer,
    running,
    settled,
)
from tests.bot.discord.test_commands import told
from tests.conftest import AddText
from tests.simulators.discord.core import Interaction
from tests.simulators.discord.simulator import DiscordSimulator
from tests.simulators.discord.state import Message

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("home", "offices", "closing_clients"),
]

REFUSED = {wording.UNKNOWN_BUTTON, wording.NO_FILE_ANY_MORE, wording.INVITE_TO_SHARE}
FORGED = ["thumb:up:{}", "thumb:down:{}", "share:{}", *(f"{action}:{{}}" for action in CLICKS)]


async def said_of(discord: DiscordSimulator, click: Interaction) -> str:
    await discord.until(lambda: click.messages and click.messages[-1].text, timeout=10)
    return click.messages[-1].text


async def anas(discord: DiscordSimulator) -> list[int]:
    """The items of what ana asked where ben can't look: alone, by a command, in a private thread
    and in another server."""
    thread = discord.start_thread("ana", "general", "plans", private=True)
    discord.join_thread("askwell", thread)
    other = discord.add_guild("Other", "ana")
    lobby = discord.add_channel("lobby", other)
    await sync_to_async(claim)("discord", other.id)
    for where in (thread, lobby):
        await answered(discord, ask(discord, where))
    await answered(discord, discord.dm("ana", "home"))
    await answered(discord, discord.dm("ana", QUESTION))
    asked = discord.command("ana", "general", "ask", question=QUESTION)
    await discord.until(lambda: asked.messages and asked.messages[0].components, timeout=20)
    await settled()
    return [item.pk async for item in InboxItem.objects.all()]


async def test_no_click_reaches_what_another_asked_elsewhere(discord: DiscordSimulator) -> None:
    async with running(discord):
        items = await anas(discord)
        bens = await one_answer(discord, ask(discord, "general", "ben"))
        tried = 0
        for custom, number in product(FORGED, items):
            click = discord.click("ben", bens, custom.format(number), forged=True)
            assert await said_of(discord, click) in REFUSED and click.modal is None, custom
            tried += 1
        for number in items:
            await try_form(discord, bens, number)
        own = await InboxItem.objects.aget(message=discord.messages("general")[0].id)
    assert {one.message_id async for one in Feedback.objects.all()} <= {own.answer_id}
    assert len(discord.messages("general")) == 1  # nothing was shared
    print(f"{tried + len(items)} clicks and forms with another's ids: all refused")


async def try_form(discord: DiscordSimulator, bens: Message, number: int) -> None:
    """A reason for an answer that its giver never saw, in place of the one for their own."""
    asked = discord.click("ben", bens, custom_id(bens, "Not helpful"))
    await discord.until(lambda: asked.modal, timeout=10)
    form = discord.submit_modal("ben", asked, {"reason": "x"}, custom_id=f"reason:{number}")
    assert await said_of(discord, form) == wording.UNKNOWN_BUTTON


async def exported(discord: DiscordSimulator, who: str, where: str | None) -> bytes:
    made = discord.command(who, where, "mydata")
    await discord.until(lambda: made.messages and made.messages[0].attachments, timeout=20)
    return made.messages[0].attachments[0].data


async def test_no_command_reaches_what_is_anothers(
    discord: DiscordSimulator, add_text: AddText
) -> None:
    def keep() -> None:
        ana = Identity.objects.select_related("user").get(external_id=discord.ana.id)
        add_text(
            "Ana's salary is 4711.",
            "salary.txt",
            space_for(personal_key(home_workspace(), ana.user)),
        )

    async with running(discord):
        await answered(discord, discord.dm("ana", "What about ospreyquokka?"))
        await sync_to_async(keep)()
        assert "salary" in await told(discord, "ana", None, "knowledge list")
        for where in ("general", None):
            assert "salary" not in await told(discord, "ben", where, "knowledge list")
            said = await told(discord, "ben", where, "knowledge remove", name="salary.txt")
            assert said == wording.NO_SUCH_DOCUMENT.format(name="salary.txt")
            given = {"person": discord.ben, "role": "admin"}
            said = await told(discord, "ben", where, "knowledge role", **given)
            assert said == wording.ADMINS_ONLY
            said = await told(discord, "ben", where, "knowledge guests", state="on")
            assert said == wording.ADMINS_ONLY
            data = await exported(discord, "ben", where)
            assert b"ospreyquokka" not in data and discord.ana.id.encode() not in data
        [code] = re.findall(r"/link (\S+?)`", await told(discord, "ana", "general", "link"))
        assert "Ana" in await told(discord, "ben", "general", "link", code=code)  # asked once more
        assert await Identity.objects.values("user").distinct().acount() == 2
        assert await told(discord, "ben", "general", "forget") == wording.FORGOTTEN
        assert await InboxItem.objects.filter(sender=discord.ana.id).aexists()
        assert await Document.objects.filter(name="salary.txt").aexists()
