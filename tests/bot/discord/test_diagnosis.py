"""What `doctor` says of Discord."""

import pytest
from pytest_django import Settings

from backend.accounts.claiming import claim
from bot.discord.diagnosis import findings
from tests.simulators.discord.simulator import DiscordSimulator

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pointed")]


def test_an_unset_token_is_a_note(settings: Settings) -> None:
    settings.DISCORD_TOKEN = ""
    assert [level for level, _ in findings()] == ["note"]


def test_a_claimed_server_is_ok_and_another_says_how(discord: DiscordSimulator) -> None:
    claim("discord", discord.home.id)
    other = discord.add_guild("other")
    said = {what: level for level, what in findings()}
    assert said["the Discord server “home” belongs to home"] == "ok"
    assert (
        said[f"nobody claimed the Discord server “other”: manage.py claim discord {other.id}"]
        == "note"
    )


def test_a_team_role_that_nobody_can_have_fails(discord: DiscordSimulator) -> None:
    claim("discord", discord.home.id, "Staff")
    discord.add_role("staff")
    [fails] = [what for level, what in findings() if level == "fail"]
    assert "“home” is called “Staff”" in fails and "--team-role" in fails
    discord.add_role("Staff")
    assert "fail" not in [level for level, _ in findings()]


def test_permissions_that_the_bot_lacks_are_named(discord: DiscordSimulator) -> None:
    claim("discord", discord.home.id)
    assert [level for level, _ in findings()] == ["ok", "ok"]
    discord.set_role("@everyone", "view_channel", "send_messages", "read_message_history")
    [lacks] = [what for level, what in findings() if level == "note"]
    assert "Send Messages in Threads, Create Public Threads" in lacks


def test_a_gateway_where_nobody_is_fails(settings: Settings) -> None:
    settings.DISCORD_GATEWAY_URL = "ws://127.0.0.1:9/"
    [fails] = [what for level, what in findings() if level == "fail"]
    assert "DISCORD_GATEWAY_URL" in fails


def test_a_wrong_token_fails_without_showing_it(settings: Settings) -> None:
    settings.DISCORD_TOKEN = "wrong-canary"
    [(level, what)] = findings()
    assert level == "fail" and "DISCORD_TOKEN" in what and "canary" not in what


def test_an_intent_that_is_off_fails(discord: DiscordSimulator, settings: Settings) -> None:
    settings.DISCORD_MESSAGE_CONTENT = True
    assert "fail" in [level for level, _ in findings()]
    discord.message_content_allowed = True
    assert "fail" not in [level for level, _ in findings()]


def test_an_address_where_nobody_is_fails(settings: Settings) -> None:
    settings.DISCORD_API_URL = "http://127.0.0.1:9/api/v10"
    [(level, what)] = findings()
    assert level == "fail" and "can't be reached" in what
