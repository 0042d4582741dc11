"""Files shared in Discord become knowledge of whoever is there, and their cards say so."""

import pytest
from asgiref.sync import sync_to_async
from pytest_django import Settings

from backend.accounts.models import Channel as ChannelRow
from backend.accounts.models import Identity, Role
from backend.accounts.roles import set_role
from bot import wording
from bot.discord.registering import ADD
from bot.models import InboxItem, Kind
from knowledge.models import Document
from tests.bot.discord.running import (
    ANSWER,
    OFFICES,
    QUESTION,
    answered,
    buttons,
    custom_id,
    running,
    settled,
)
from tests.bot.working import working
from tests.simulators.discord.core import Interaction
from tests.simulators.discord.simulator import DiscordSimulator
from tests.simulators.discord.state import Channel, Message

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("home", "closing_clients"),
]
HOURS = ("hours.txt", OFFICES.encode(), "text/plain")
THERE = "hours.txt: 1 passage, searchable by: this channel"


def share(
    discord: DiscordSimulator,
    who: str = "ana",
    where: Channel | str = "general",
    text: str = "@askwell",
) -> Message:
    return discord.say(who, where, text, attachments=[HOURS])


async def card(discord: DiscordSimulator, said: Message, words: str = "searchable by") -> Message:
    """The card below a message, once it says this."""

    def found() -> Message | None:
        return next((m for m in discord.answers(said) if words in m.text), None)

    message = await discord.until(found, timeout=20)
    assert message is not None
    return message


async def knows(discord: DiscordSimulator, who: str, where: Channel | str | None) -> bool:
    """Whether an answer there tells when the office opens."""
    if where is None:
        asked = discord.dm(who, QUESTION)
    else:
        asked = discord.say(who, where, f"@askwell {QUESTION}")
    return any(ANSWER in answer.text for answer in await answered(discord, asked))


async def with_role(discord: DiscordSimulator, who: str, role: Role) -> None:
    await knows(discord, who, None)
    identities = Identity.objects.select_related("user", "installation__workspace")
    identity = await identities.aget(external_id=discord.world.user(who).id)
    await sync_to_async(set_role)(identity.user, identity.installation.workspace, role)


async def private_card(discord: DiscordSimulator, made: Interaction) -> Message:
    await discord.until(
        lambda: any("searchable" in message.text for message in made.messages), timeout=20
    )
    return next(message for message in made.messages if "searchable" in message.text)


async def test_a_file_shared_with_a_mention_is_known_in_the_channel(
    discord: DiscordSimulator,
) -> None:
    async with running(discord), working():
        said = share(discord)
        there = await card(discord, said)
        assert await knows(discord, "ben", "general")
        assert await knows(discord, "ben", None)
        await settled()
    assert discord.answers(said) == [there]
    assert there.text == THERE
    assert buttons(there) == [wording.PROMOTE, wording.REMOVE]


async def test_a_file_in_a_direct_message_is_known_to_its_sender_alone(
    discord: DiscordSimulator,
) -> None:
    async with running(discord), working():
        said = discord.dm("ana", "", attachments=[HOURS])
        there = await card(discord, said)
        assert await knows(discord, "ana", None)
        assert not await knows(discord, "ben", None)
        assert not await knows(discord, "ana", "general")
    assert "searchable by: you alone" in there.text


async def test_a_question_that_comes_with_a_file_is_answered_from_it(
    discord: DiscordSimulator,
) -> None:
    async with running(discord):
        said = share(discord, text=f"@askwell {QUESTION}")
        await card(discord, said, "Reading hours.txt…")
        async with working():
            await answered(discord, said)
            await card(discord, said)
            await settled()
    answers = [message.text for message in discord.answers(said)]
    assert len(answers) == 2
    assert any(ANSWER in text and "[1] hours.txt" in text for text in answers)


async def test_a_private_thread_has_files_of_its_own(discord: DiscordSimulator) -> None:
    async with running(discord), working():
        thread = discord.start_thread("ana", "general", "talks", private=True)
        discord.join_thread(discord.world.bot, thread)
        said = share(discord, where=thread)
        await card(discord, said)
        assert await knows(discord, "ana", thread)
        assert not await knows(discord, "ben", "general")
        await settled()


async def test_a_channel_that_collects_knows_every_file(
    discord: DiscordSimulator, settings: Settings
) -> None:
    settings.DISCORD_MESSAGE_CONTENT = discord.message_content_allowed = True
    async with running(discord), working():
        await with_role(discord, "ana", Role.ADMIN)
        made = discord.command("ana", "general", "knowledge collect", state="on")
        await discord.until(lambda: made.messages and made.messages[0].text, timeout=20)
        assert made.messages[0].text == wording.COLLECT_ON
        said = share(discord, "ben", text="have a look")
        await card(discord, said)
        assert await knows(discord, "ana", "general")
        await settled()
    assert await ChannelRow.objects.aget(collects=True)


async def test_without_the_intent_collecting_says_what_it_lacks(discord: DiscordSimulator) -> None:
    async with running(discord):
        await with_role(discord, "ana", Role.ADMIN)
        made = discord.command("ana", "general", "knowledge collect", state="on")
        await discord.until(lambda: made.messages and made.messages[0].text, timeout=20)
    assert wording.COLLECT_NEEDS_CONTENT in made.messages[0].text


async def test_a_file_of_ask_is_the_askers_alone(discord: DiscordSimulator) -> None:
    async with running(discord), working():
        made = discord.command("ana", "general", "ask", file=HOURS)
        there = await private_card(discord, made)
        assert await knows(discord, "ana", None)
        assert not await knows(discord, "ben", "general")
        await settled()
    assert made.ephemeral and len(made.messages) == 1
    assert "searchable by: you alone" in there.text


async def test_ask_answers_its_question_from_its_file(discord: DiscordSimulator) -> None:
    async with running(discord), working():
        made = discord.command("ana", "general", "ask", question=QUESTION, file=HOURS)
        await private_card(discord, made)
        await discord.until(lambda: any(ANSWER in m.text for m in made.messages), timeout=20)
        await settled()
    assert made.ephemeral and len(made.messages) == 2
    assert not discord.messages(discord.general)


async def test_the_menu_adds_the_files_of_a_message(discord: DiscordSimulator) -> None:
    async with running(discord), working():
        said = share(discord, text="have a look")
        made = discord.context_menu("ben", said, ADD)
        there = await card(discord, said)
        assert await knows(discord, "ana", "general")
        again = discord.context_menu("ana", said, ADD)
        await discord.until(lambda: again.messages and again.messages[0].text, timeout=10)
        await settled()
    assert [m.messages[0].text for m in (made, again)] == [wording.ADDING, wording.ADDED_ALREADY]
    assert discord.answers(said) == [there]


async def test_a_member_asks_and_a_curator_approves(discord: DiscordSimulator) -> None:
    async with running(discord), working():
        await with_role(discord, "ana", Role.CURATOR)
        there = await card(discord, share(discord, "ben"))
        discord.click("ben", there, custom_id(there, wording.PROMOTE))
        await discord.until(lambda: wording.PROMOTION_ASKED in there.text, timeout=20)

        def asked() -> Message | None:
            said = discord.messages(discord.dm_of("ana"))
            return next((m for m in said if "asks to make hours.txt" in m.text), None)

        request = await discord.until(asked, timeout=20)
        assert request is not None
        assert "Ben asks to make hours.txt, shared in #general on Discord," in request.text
        discord.click("ana", request, custom_id(request, wording.APPROVE))
        await discord.until(lambda: "Approved" in request.text, timeout=20)
        await discord.until(lambda: "the whole team" in there.text, timeout=20)
        await settled()
    assert buttons(request) == []
    assert buttons(there) == [wording.REMOVE]


async def test_only_who_brought_a_file_and_curators_remove_it(discord: DiscordSimulator) -> None:
    async with running(discord), working():
        there = await card(discord, share(discord, "ben"))
        click = discord.click("ana", there, custom_id(there, wording.REMOVE))
        await discord.until(lambda: click.messages, timeout=20)
        assert click.messages[0].text == wording.NOT_YOURS_TO_REMOVE
        discord.click("ben", there, custom_id(there, wording.REMOVE))
        await discord.until(lambda: "is removed" in there.text, timeout=20)
        assert not await knows(discord, "ana", "general")


async def test_forged_clicks_do_nothing(discord: DiscordSimulator) -> None:
    async with running(discord), working():
        await with_role(discord, "ana", Role.ADMIN)
        private = discord.dm("ben", "", attachments=[HOURS])
        await card(discord, private)
        item = await InboxItem.objects.aget(kind=Kind.FILE)
        said = discord.say("ben", "general", f"@askwell {QUESTION}")
        [answer] = await answered(discord, said)
        for action in ("promote", "remove", "approve", "decline"):
            for value in (str(item.pk), "0", "", "x"):
                click = discord.click("ana", answer, f"{action}:{value}", forged=True)
                await discord.until(lambda c=click: c.messages, timeout=10)  # type: ignore[misc]
                assert click.messages[0].text == wording.NO_FILE_ANY_MORE
        assert await knows(discord, "ben", None)


async def test_a_file_that_nobody_mentioned_the_bot_with_goes_when_it_is_taken_off(
    discord: DiscordSimulator, settings: Settings
) -> None:
    settings.DISCORD_MESSAGE_CONTENT = discord.message_content_allowed = True
    async with running(discord), working():
        said = share(discord, text="look at this")
        discord.context_menu("ben", said, ADD)
        await card(discord, said)
        await settled()
        discord.remove_attachments(said)
        await discord.until(lambda: not discord.answers(said), timeout=20)
        await settled()
    assert not await Document.objects.filter(purged_at=None).aexists()


async def test_taking_the_file_off_a_mention_asks_nothing(discord: DiscordSimulator) -> None:
    async with running(discord), working():
        said = share(discord)
        await card(discord, said)
        await settled()
        discord.remove_attachments(said)
        await discord.until(lambda: not discord.answers(said), timeout=20)
        later = discord.dm("ben", QUESTION)
        await answered(discord, later)
        assert discord.answers(said) == []
    assert not await InboxItem.objects.filter(kind=Kind.QUESTION, message=said.id).aexists()


async def test_a_deleted_message_and_a_file_that_is_taken_off_go_with_what_they_brought(
    discord: DiscordSimulator,
) -> None:
    async with running(discord), working():
        first, second = share(discord), discord.dm("ben", "hello", attachments=[HOURS])
        await card(discord, first)
        await card(discord, second)
        await settled()
        discord.delete(first)
        discord.remove_attachments(second)
        await discord.until(
            lambda: not [m for m in discord.answers(second) if "hours.txt" in m.text], timeout=20
        )
        await settled()
        assert not await knows(discord, "ana", "general")
    assert not await Document.objects.filter(purged_at=None).aexists()
