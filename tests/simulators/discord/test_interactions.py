"""Commands, menus, clicks and modals, and how long they may be answered."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.simulators.discord.conftest import Bot
from tests.simulators.discord.library import app_commands, discord
from tests.simulators.discord.simulator import DiscordSimulator

pytestmark = pytest.mark.asyncio
Client = discord.Client
Taken = Callable[[], "discord.Interaction[Client] | None"]


def last(bot: Bot) -> Taken:
    return lambda: bot.taken[-1] if bot.taken else None


async def noop(interaction: discord.Interaction[Client]) -> None:
    """The tests answer themselves."""


@pytest.fixture
async def commands(simulator: DiscordSimulator, bot: Bot) -> None:
    group = app_commands.Group(name="knowledge", description="Documents")

    @group.command(name="remove", description="Remove")
    async def remove(interaction: discord.Interaction[Client], document: str) -> None:
        pass

    @remove.autocomplete("document")
    async def offers(
        interaction: discord.Interaction[Client], current: str
    ) -> list[app_commands.Choice[str]]:
        names = ["hr.txt", "it.txt"]
        return [app_commands.Choice(name=n, value=n) for n in names if n.startswith(current)]

    @app_commands.command(name="ask", description="Ask")
    async def ask(
        interaction: discord.Interaction[Client],
        question: str,
        private: bool = False,
        file: discord.Attachment | None = None,
    ) -> None:
        pass

    @app_commands.context_menu(name="Ask about this")
    @app_commands.allowed_installs(guilds=True, users=True)
    async def about(interaction: discord.Interaction[Client], message: discord.Message) -> None:
        pass

    made: tuple[Any, ...] = (group, ask, about)
    for command in made:
        bot.tree.add_command(command)
    await bot.tree.sync()


async def refused(call: object) -> int:
    with pytest.raises(discord.HTTPException) as caught:
        await call  # type: ignore[misc]
    return caught.value.code


async def test_only_what_is_registered_can_be_typed(
    simulator: DiscordSimulator, commands: None
) -> None:
    assert simulator.commands == ["knowledge", "ask", "Ask about this"]
    with pytest.raises(AssertionError, match="not registered"):
        simulator.command("ana", "general", "nothing")
    with pytest.raises(AssertionError, match="needs"):
        simulator.command("ana", "general", "ask")
    with pytest.raises(AssertionError, match="takes bool"):
        simulator.command("ana", "general", "ask", question="x", private="yes")
    with pytest.raises(AssertionError, match="no option"):
        simulator.command("ana", "general", "ask", question="x", loud=True)
    with pytest.raises(AssertionError, match="can't see"):
        simulator.command("eve", "general", "ask", question="x")


async def test_a_command_can_be_kept_from_people(
    simulator: DiscordSimulator, commands: None
) -> None:
    simulator.deny("general", "ana", "use_application_commands")
    with pytest.raises(AssertionError, match="may not use"):
        simulator.command("ana", "general", "ask", question="x")


async def test_an_option_is_completed(
    simulator: DiscordSimulator, bot: Bot, commands: None
) -> None:
    made = simulator.autocomplete("ana", "general", "knowledge remove", "document", "h")
    await simulator.until(lambda: made.choices)
    assert made.choices == [{"name": "hr.txt", "value": "hr.txt"}]


async def test_options_subcommands_and_files_arrive(
    simulator: DiscordSimulator, bot: Bot, commands: None
) -> None:
    simulator.command("ana", "general", "knowledge remove", document="hr.txt")
    await simulator.until(last(bot))
    assert bot.taken[0].data["options"][0]["options"][0]["value"] == "hr.txt"  # type: ignore[index, typeddict-item]
    file = ("a.txt", b"hello", "text/plain")
    simulator.command("ana", None, "ask", question="why?", file=file)
    await simulator.until(lambda: len(bot.taken) == 2)
    namespace = bot.taken[1].namespace
    assert namespace.question == "why?"
    assert await namespace.file.read() == b"hello"
    assert bot.taken[1].guild is None


async def test_too_late_and_twice_are_refused(
    simulator: DiscordSimulator, bot: Bot, commands: None
) -> None:
    made = simulator.command("ana", "general", "ask", question="x")
    taken = await simulator.until(last(bot))
    await taken.response.defer()
    assert (
        await refused(
            bot.http.request(
                discord.http.Route("POST", f"/interactions/{made.id}/{made.token}/callback"),
                json={"type": 5},
            )
        )
        == 40060
    )
    simulator.settings.answer_within = 0.0
    late = simulator.command("ana", "general", "ask", question="x")
    await simulator.until(lambda: len(bot.taken) == 2)
    assert await refused(bot.taken[1].response.defer()) == 10062
    assert late.failed and not made.failed


async def test_a_token_lives_its_time(
    simulator: DiscordSimulator, bot: Bot, commands: None
) -> None:
    made = simulator.command("ana", "general", "ask", question="x")
    taken = await simulator.until(last(bot))
    assert await refused(taken.followup.send("too early")) == 10015
    await taken.response.defer(ephemeral=True)
    made.token_life = 0.0
    assert await refused(taken.edit_original_response(content="x")) == 50027
    assert made.text == ""


async def test_the_first_followup_takes_the_deferred_messages_place(
    simulator: DiscordSimulator, bot: Bot, commands: None
) -> None:
    made = simulator.command("ana", "general", "ask", question="x")
    taken = await simulator.until(last(bot))
    await taken.response.defer()
    assert simulator.messages("general")[0].is_loading
    await taken.followup.send("25")
    assert [m.text for m in simulator.messages("general")] == ["25"]
    await taken.delete_original_response()
    assert await refused(taken.edit_original_response(content="x")) == 10008
    assert made.followups == []


async def test_an_ephemeral_answer_is_one_persons_and_comes_back_without_a_guild(
    simulator: DiscordSimulator, bot: Bot, commands: None
) -> None:
    simulator.command("ana", "general", "ask", question="x")
    taken = await simulator.until(last(bot))
    await taken.response.send_message("25", ephemeral=True)
    assert [m.text for m in simulator.ephemeral_to("ana")] == ["25"]
    assert simulator.ephemeral_to("ben") == []
    heard = await simulator.until(lambda: next(iter(bot.heard), None))
    assert heard.guild is None and heard.flags.ephemeral
    assert "askwell: 25 (only for ana)" in simulator.transcript("general", "ana")


async def test_a_context_menu_brings_the_content(
    simulator: DiscordSimulator, bot: Bot, commands: None
) -> None:
    said = simulator.say("ben", "general", "the printer is broken")
    simulator.context_menu("ana", said, "Ask about this")
    taken = await simulator.until(last(bot))
    messages = taken.data["resolved"]["messages"]  # type: ignore[index, typeddict-item]
    assert messages[said.id]["content"] == "the printer is broken"


async def test_who_installed_the_app_uses_it_where_the_bot_is_not(
    simulator: DiscordSimulator, bot: Bot, commands: None
) -> None:
    simulator.add_guild("club", "eve", "ana", bot=False)
    said = simulator.say("ana", simulator.add_channel("chess", "club"), "e4")
    with pytest.raises(AssertionError, match="not installed"):
        simulator.context_menu("eve", said, "Ask about this")
    simulator.eve.installed = True
    made = simulator.context_menu("eve", said, "Ask about this")
    taken = await simulator.until(last(bot))
    await taken.response.send_message("e5", ephemeral=True)
    assert made.text == "e5"
    assert not taken.is_guild_integration() and taken.is_user_integration()
    for number in range(5):
        await taken.followup.send(str(number), ephemeral=True)
    assert await refused(taken.followup.send("6", ephemeral=True)) == 40094


class Why(discord.ui.Modal, title="Why?"):
    reason: discord.ui.TextInput["Why"] = discord.ui.TextInput(label="Reason", custom_id="reason")

    async def on_submit(self, interaction: discord.Interaction[Client]) -> None:
        await interaction.response.send_message(f"because {self.reason.value}", ephemeral=True)


async def test_a_click_opens_a_modal_that_is_sent_off(
    simulator: DiscordSimulator, bot: Bot
) -> None:
    view = discord.ui.View(timeout=None)
    view.add_item(discord.ui.Button(emoji="👎", custom_id="bad:1"))
    general = bot.get_channel(int(simulator.general.id))
    assert isinstance(general, discord.TextChannel)
    await general.send("25", view=view)
    answer = simulator.messages("general")[0]
    clicked = simulator.click("ana", answer, "bad:1")
    taken = await simulator.until(last(bot))
    await taken.response.send_modal(Why())
    assert clicked.modal is not None
    with pytest.raises(AssertionError, match="too long"):
        simulator.submit_modal("ana", clicked, {"reason": "x" * 4001})
    sent = simulator.submit_modal("ana", clicked, {"reason": "it is wrong"})
    await simulator.until(lambda: sent.messages)
    assert sent.text == "because it is wrong"


async def test_a_forged_click_arrives_as_it_is(simulator: DiscordSimulator, bot: Bot) -> None:
    said = simulator.say("ana", "general", "x")
    with pytest.raises(AssertionError, match="nothing with"):
        simulator.click("ana", said, "good:999")
    simulator.click("ana", said, "good:999", forged=True)
    taken = await simulator.until(last(bot))
    assert taken.data["custom_id"] == "good:999"  # type: ignore[index, typeddict-item]


async def test_a_click_can_change_its_message(simulator: DiscordSimulator, bot: Bot) -> None:
    view = discord.ui.View(timeout=None)
    view.add_item(discord.ui.Button(label="Share", custom_id="share"))
    await (await bot.fetch_user(int(simulator.ana.id))).send("25", view=view)
    answer = simulator.messages(simulator.dm_of("ana"))[0]
    simulator.click("ana", answer, "share")
    taken = await simulator.until(last(bot))
    await taken.response.edit_message(content="shared", view=None)
    assert (answer.text, answer.components) == ("shared", [])


async def test_too_many_modal_fields_are_refused(
    simulator: DiscordSimulator, bot: Bot, commands: None
) -> None:
    simulator.command("ana", "general", "ask", question="x")
    taken = await simulator.until(last(bot))
    route = discord.http.Route("POST", f"/interactions/{taken.id}/{taken.token}/callback")
    fields = [
        {"type": 1, "components": [{"type": 4, "custom_id": str(n), "label": "a", "style": 1}]}
        for n in range(6)
    ]
    data = {"custom_id": "m", "title": "M", "components": fields}
    assert await refused(bot.http.request(route, json={"type": 9, "data": data})) == 50035
    data["components"] = fields[:5]
    await bot.http.request(route, json={"type": 9, "data": data})
