"""Messages over REST: what Discord takes, refuses, repeats, and whom it pings."""

import io
import random

import pytest

from tests.simulators.discord.conftest import Bot
from tests.simulators.discord.library import discord
from tests.simulators.discord.simulator import DiscordSimulator

pytestmark = pytest.mark.asyncio


@pytest.fixture
def general(simulator: DiscordSimulator, bot: Bot) -> discord.TextChannel:
    found = bot.get_channel(int(simulator.general.id))
    assert isinstance(found, discord.TextChannel)
    return found


async def refused(call: object) -> int:
    with pytest.raises(discord.HTTPException) as caught:
        await call  # type: ignore[misc]
    return caught.value.code


async def test_content_stays_hidden_unless_the_bot_is_meant(
    simulator: DiscordSimulator, bot: Bot, general: discord.TextChannel
) -> None:
    simulator.say("ana", "general", "not for you", attachments=[("a.txt", b"a", "text/plain")])
    simulator.say("ana", "general", "@askwell for you")
    simulator.dm("ana", "privately")
    await simulator.until(lambda: len(bot.heard) == 3)
    assert [m.content for m in bot.heard] == ["", f"{simulator.mention} for you", "privately"]
    assert bot.heard[0].attachments == []
    history = [message.content async for message in general.history()]
    assert history == [f"{simulator.mention} for you", ""]


async def test_a_repeated_nonce_gives_the_first_message(
    simulator: DiscordSimulator, general: discord.TextChannel
) -> None:
    first = await general.send("once", nonce="n1")
    again = await general.send("twice", nonce="n1")
    assert again.id == first.id
    assert [m.text for m in simulator.messages("general")] == ["once"]
    await first.delete()
    assert await refused(general.send("thrice", nonce="n1")) == 10008
    simulator.settings.nonce_life = 0
    assert (await general.send("later", nonce="n1")).id != first.id


async def test_impossible_messages_are_refused(
    simulator: DiscordSimulator, general: discord.TextChannel
) -> None:
    assert await refused(general.send("x" * 2001)) == 50035
    assert await refused(general.send(" ")) == 50006
    view = discord.ui.View()
    view.add_item(discord.ui.Button(label="a", custom_id="same"))
    view.add_item(discord.ui.Button(label="b", custom_id="same"))
    assert await refused(general.send("x", view=view)) == 50035
    simulator.say("ana", "general", "hers")
    hers = await anext(general.history())
    assert await refused(hers.edit(content="mine")) == 50005
    assert await refused(hers.delete()) == 50013
    assert await refused(general.fetch_message(1)) == 10008


async def test_missing_permissions_and_access_are_told_apart(
    simulator: DiscordSimulator, general: discord.TextChannel
) -> None:
    simulator.deny("general", "askwell", "send_messages", "create_public_threads")
    assert await refused(general.send("x")) == 50013
    simulator.say("ana", "general", "@askwell hi")
    message = await anext(general.history())
    assert await refused(message.create_thread(name="x")) == 50013
    simulator.deny("general", "@everyone", "view_channel")
    assert await refused(general.send("x")) == 50001
    simulator.delete_channel("general")
    assert await refused(general.send("x")) == 10003


async def test_a_message_has_one_thread(
    simulator: DiscordSimulator, bot: Bot, general: discord.TextChannel
) -> None:
    asked = simulator.say("ana", "general", "@askwell hi")
    message = await general.fetch_message(int(asked.id))
    thread = await message.create_thread(name="hi")
    assert str(thread.id) == asked.id
    assert await refused(message.create_thread(name="again")) == 160004
    await thread.send("hello")
    first = await anext(thread.history(oldest_first=True))
    assert first.type == discord.MessageType.thread_starter_message
    simulator.archive(simulator.world.channel("hi"))
    simulator.say("ana", "hi", "and?")
    await simulator.until(lambda: bot.events.count("THREAD_UPDATE") == 2)


async def test_a_private_thread_is_for_its_members(simulator: DiscordSimulator, bot: Bot) -> None:
    thread = simulator.start_thread("ana", "general", "secret", private=True)
    simulator.say("ana", thread, "@askwell psst")
    assert await refused(bot.fetch_channel(int(thread.id))) == 50001
    assert bot.heard == []
    simulator.join_thread("askwell", thread)
    found = await simulator.until(lambda: bot.get_channel(int(thread.id)))
    assert isinstance(found, discord.Thread)
    assert found.is_private()


async def test_direct_messages_can_be_refused(simulator: DiscordSimulator, bot: Bot) -> None:
    ana = await bot.fetch_user(int(simulator.ana.id))
    await ana.send("hi")
    simulator.block("ana")
    assert await refused(ana.send("still there?")) == 50007
    eve = await bot.fetch_user(int(simulator.eve.id))
    assert await refused(eve.send("hi")) == 50007


async def test_pings_follow_allowed_mentions(
    simulator: DiscordSimulator, general: discord.TextChannel
) -> None:
    simulator.set_role(
        "@everyone", "view_channel", "send_messages", "mention_everyone", "read_message_history"
    )
    asked = simulator.say("ana", "general", "@askwell hi")
    message = await general.fetch_message(int(asked.id))
    ben = simulator.ben.id
    none = discord.AllowedMentions.none()
    sent = await message.reply(f"<@{ben}> @everyone", allowed_mentions=none)
    assert simulator.pinged == []
    await sent.edit(content=f"<@{ben}> @everyone")
    assert simulator.pinged == ["ben", "ana", "everyone"]
    users = discord.AllowedMentions(users=[discord.Object(ben)], everyone=False)
    await general.send(f"<@{ben}> <@{simulator.ana.id}> @here", allowed_mentions=users)
    assert simulator.pinged[3:] == ["ben"]


async def test_attachments_expire_and_come_fresh_with_the_message(
    simulator: DiscordSimulator, bot: Bot, general: discord.TextChannel
) -> None:
    data = random.Random(1).randbytes(70_000)
    said = simulator.say("ana", "general", "@askwell", attachments=[("a.bin", data, "text/plain")])
    await simulator.until(lambda: bot.heard)
    assert await bot.heard[0].attachments[0].read() == data
    simulator.expire_attachments()
    with pytest.raises(discord.NotFound):
        await bot.heard[0].attachments[0].read()
    fresh = await general.fetch_message(int(said.id))
    assert await fresh.attachments[0].read() == data


async def test_a_file_of_the_bot_arrives_whole(
    simulator: DiscordSimulator, general: discord.TextChannel
) -> None:
    data = random.Random(2).randbytes(70_000) + b"\r\n\r"
    await general.send("here", file=discord.File(io.BytesIO(data), "export.json"))
    sent = simulator.messages("general")[0].attachments[0]
    assert (sent.filename, sent.data, sent.content_type) == (
        "export.json",
        data,
        "application/json",
    )


async def test_history_is_paged_from_either_end(
    simulator: DiscordSimulator, general: discord.TextChannel
) -> None:
    said = [simulator.say("ana", "general", f"@askwell {n}") for n in range(7)]
    after = discord.Object(said[1].id)
    found = [m.content[-1] async for m in general.history(after=after, limit=3)]
    assert found == ["2", "3", "4"]
    before = discord.Object(said[5].id)
    assert [m.content[-1] async for m in general.history(before=before, limit=2)] == ["4", "3"]
    around = [m.content[-1] async for m in general.history(around=before, limit=3)]
    assert around == ["6", "5", "4"]
    simulator.deny("general", "askwell", "read_message_history")
    assert [m async for m in general.history()] == []


async def test_edits_and_deletions_are_heard(simulator: DiscordSimulator, bot: Bot) -> None:
    said = simulator.dm("ana", "one")
    simulator.edit(said, "two")
    simulator.delete(said)
    await simulator.until(lambda: "MESSAGE_DELETE" in bot.events)
    assert [text for _, text in said.seen] == ["one", "two"]
    assert simulator.messages(simulator.dm_of("ana")) == []
