"""`/knowledge`, `/link`, `/unlink`, `/mydata` and `/forget` in Discord."""

import json
import re
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from backend.accounts.models import Identity, Role
from backend.accounts.roles import set_role
from backend.accounts.spaces import home as home_workspace
from backend.chat.models import Message as Turn
from bot import wording
from bot.models import InboxItem
from tests.bot.discord.running import QUESTION, ask, one_answer, running, settled
from tests.simulators.discord.simulator import DiscordSimulator
from tests.simulators.faults import Answer
from tests.simulators.gemini import GeminiSimulator

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("home", "offices", "closing_clients"),
]


async def told(
    discord: DiscordSimulator, who: str, where: str | None, command: str, /, **given: Any
) -> str:
    """What a command answers; nobody else sees it."""
    made = discord.command(who, where, command, **given)
    await discord.until(lambda: made.messages and made.messages[0].text, timeout=20)
    assert made.ephemeral and not made.failed
    return made.messages[0].text


async def make_admin(who: str, discord: DiscordSimulator) -> None:
    identity = await Identity.objects.select_related("user").aget(
        external_id=discord.world.user(who).id
    )
    await sync_to_async(set_role)(identity.user, await sync_to_async(home_workspace)(), Role.ADMIN)


async def test_the_documents_are_listed(discord: DiscordSimulator) -> None:
    async with running(discord):
        assert "offices.txt" in await told(discord, "ana", "general", "knowledge list")
        assert "offices.txt" in await told(discord, "ana", None, "knowledge list")


async def test_an_admin_gives_roles_and_nobody_else(discord: DiscordSimulator) -> None:
    async with running(discord):
        given = {"person": discord.ben, "role": "curator"}
        said = await told(discord, "ana", "general", "knowledge role", **given)
        assert said == wording.ADMINS_ONLY
        await make_admin("ana", discord)
        said = await told(discord, "ana", "general", "knowledge role", **given)
        assert said == wording.ROLE_SET.format(role="curator")
        assert "• backup: " in await told(discord, "ana", "general", "knowledge status")
        said = await told(discord, "ben", "general", "knowledge remove", name="offices.txt")
        assert said == wording.REMOVED.format(name="offices.txt")


async def test_an_admin_lets_guests_read_along(discord: DiscordSimulator) -> None:
    async with running(discord):
        await told(discord, "ana", "general", "knowledge list")
        await make_admin("ana", discord)
        said = await told(discord, "ana", "general", "knowledge guests", state="on")
        assert said == wording.GUESTS_ON
        said = await told(discord, "ana", None, "knowledge guests", state="on")
        assert said == wording.GUESTS_WHERE


async def test_two_identities_become_one_person_and_part_again(discord: DiscordSimulator) -> None:
    async with running(discord):
        text = await told(discord, "ana", "general", "link")
        [code] = re.findall(r"/link (\S+?)`", text)
        assert "Ana" in await told(discord, "ben", "general", "link", code=code)
        assert await told(discord, "ben", "general", "link", code=code) == wording.LINKED
        users = {i.user_id async for i in Identity.objects.all()}
        assert len(users) == 1
        assert await told(discord, "ben", None, "unlink") == wording.UNLINKED
        users = {i.user_id async for i in Identity.objects.all()}
        assert len(users) == 2


async def test_a_person_gets_what_is_stored_about_them(discord: DiscordSimulator) -> None:
    async with running(discord):
        await one_answer(discord, discord.dm("ana", QUESTION))
        made = discord.command("ana", "general", "mydata")
        await discord.until(lambda: made.messages and made.messages[0].attachments, timeout=20)
    [file] = made.messages[0].attachments
    kept = json.loads(file.data)
    assert made.ephemeral and QUESTION in json.dumps(kept["conversations"])
    assert discord.previewed == []


async def test_whatever_is_said_discord_previews_no_link(
    discord: DiscordSimulator, gemini: GeminiSimulator
) -> None:
    gemini.faults.always(Answer("word " * 40 + "[1]", delay=0.03), on="chat")
    async with running(discord):
        for private in (True, False):
            discord.command("ana", "general", "ask", question=QUESTION, private=private)
        await told(discord, "ana", "general", "knowledge list")
        await one_answer(discord, ask(discord), "word word")
        await settled()
    assert discord.calls_to("PATCH /webhooks/{}/{}/messages/{}")
    assert discord.previewed == []


async def test_a_forgotten_person_leaves_nothing_behind(discord: DiscordSimulator) -> None:
    async with running(discord):
        asked = discord.dm("ana", QUESTION)
        await one_answer(discord, asked)
        await one_answer(discord, ask(discord, "general", "ben"))
        said = await told(discord, "ana", "general", "forget")
        assert said == wording.FORGOTTEN
        item = await InboxItem.objects.aget(message=asked.id)
        assert (item.state, item.text, item.sender) == ("void", "", "")
    async with running(discord):  # the same messages are read back
        await one_answer(discord, ask(discord, "general", "ben"))
    assert await Turn.objects.acount() == 4  # ben's
    assert len(discord.messages(discord.dm_of("ana"))) == 2
