"""The app manifest that an admin pastes into Slack: what Slack would refuse, and what is needed.

The limits are those of https://docs.slack.dev/reference/app-manifest.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from bot.slack.events import ADD, ASK_ABOUT
from bot.slack.scopes import SCOPES
from tests.simulators.slack.state import SCOPES as KNOWN_SCOPES

MANIFEST = Path(__file__).parents[3] / "docs" / "slack-app-manifest.json"
COMMANDS = {"/ask", "/knowledge", "/link", "/unlink", "/mydata", "/forget"}
EVENTS = {  # and what the app has to be allowed for Slack to accept the subscription
    "app_home_opened": "",
    "app_mention": "app_mentions:read",
    "app_uninstalled": "",
    "channel_archive": "channels:read",
    "channel_shared": "channels:read",
    "channel_unshared": "channels:read",
    "file_deleted": "files:read",
    "file_shared": "files:read",
    "group_archive": "groups:read",
    "member_joined_channel": "channels:read",
    "member_left_channel": "channels:read",
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "message.im": "im:history",
    "message.mpim": "mpim:history",
    "team_join": "users:read",
    "tokens_revoked": "",
    "user_change": "users:read",
}


@pytest.fixture
def manifest() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(MANIFEST.read_text())
    return loaded


def test_it_holds_only_what_slack_knows(manifest: dict[str, Any]) -> None:
    """Slack refuses a manifest with a property that it doesn't know."""
    assert set(manifest) == {"display_information", "features", "oauth_config", "settings"}
    assert set(manifest["display_information"]) == {"name", "description"}
    assert set(manifest["oauth_config"]) == {"scopes"}
    assert set(manifest["oauth_config"]["scopes"]) == {"bot"}
    names = {"app_home", "bot_user", "agent_view", "shortcuts", "slash_commands"}
    assert set(manifest["features"]) == names
    assert set(manifest["settings"]) == {
        "event_subscriptions",
        "interactivity",
        "org_deploy_enabled",
        "socket_mode_enabled",
        "token_rotation_enabled",
    }


def test_its_texts_are_no_longer_than_slack_takes(manifest: dict[str, Any]) -> None:
    shown, features = manifest["display_information"], manifest["features"]
    assert 1 <= len(shown["name"]) <= 35
    assert 1 <= len(shown["description"]) <= 140
    assert 1 <= len(features["agent_view"]["agent_description"]) <= 300
    for command in features["slash_commands"]:
        assert len(command["command"]) <= 32
        assert 1 <= len(command["description"]) <= 2000
        assert 1 <= len(command.get("usage_hint", "none")) <= 1000
    for shortcut in features["shortcuts"]:
        assert 1 <= len(shortcut["name"]) <= 24
        assert 1 <= len(shortcut["description"]) <= 150


def test_people_can_write_to_the_bot_and_it_is_there(manifest: dict[str, Any]) -> None:
    features = manifest["features"]
    assert manifest["display_information"]["name"] == "Askwell"
    assert features["bot_user"] == {"display_name": "askwell", "always_online": True}
    assert features["app_home"] == {
        "home_tab_enabled": False,
        "messages_tab_enabled": True,
        "messages_tab_read_only_enabled": False,
    }
    # New apps get the agent view only; Slack refuses both side by side.
    assert "assistant_view" not in features


def test_it_asks_for_the_scopes_that_the_code_needs_and_no_other(manifest: dict[str, Any]) -> None:
    asked = manifest["oauth_config"]["scopes"]["bot"]
    assert len(asked) == len(set(asked))
    assert set(asked) == SCOPES
    assert set(KNOWN_SCOPES) >= SCOPES


def test_it_has_the_commands_and_mentions_in_them_can_be_told(manifest: dict[str, Any]) -> None:
    commands = manifest["features"]["slash_commands"]
    assert [command["command"] for command in commands] == list(
        dict.fromkeys(command["command"] for command in commands)
    )
    assert {command["command"] for command in commands} == COMMANDS
    for command in commands:
        assert command["should_escape"] is True
        assert set(command) <= {"command", "description", "usage_hint", "should_escape"}


def test_it_has_the_message_shortcuts(manifest: dict[str, Any]) -> None:
    shortcuts = manifest["features"]["shortcuts"]
    assert {shortcut["type"] for shortcut in shortcuts} == {"message"}
    names = {shortcut["callback_id"]: shortcut["name"] for shortcut in shortcuts}
    assert names == {ASK_ABOUT: "Ask about this", ADD: "Add to knowledge"}
    assert manifest["settings"]["interactivity"] == {"is_enabled": True}


def test_it_subscribes_to_events_that_its_scopes_allow(manifest: dict[str, Any]) -> None:
    events = manifest["settings"]["event_subscriptions"]
    assert set(events) == {"bot_events"}
    assert sorted(events["bot_events"]) == sorted(EVENTS)
    assert {scope for scope in EVENTS.values() if scope} <= SCOPES


def test_it_works_behind_a_firewall_in_one_workspace(manifest: dict[str, Any]) -> None:
    switches = manifest["settings"]
    assert switches["socket_mode_enabled"] is True
    assert switches["org_deploy_enabled"] is False
    assert switches["token_rotation_enabled"] is False
