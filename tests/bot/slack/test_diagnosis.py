"""What `doctor` says of Slack, against a simulated one."""

import socket
import time
from collections.abc import Iterator

import pytest
from pytest_django import Settings

from bot.slack import diagnosis
from bot.slack.diagnosis import findings
from bot.slack.scopes import SCOPES
from management.diagnosis import diagnose
from tests.simulators.loopback import Exchange, LoopbackServer
from tests.simulators.slack.faults import Drop, Error, Fault, Hang, Status
from tests.simulators.slack.simulator import SlackSimulator


@pytest.fixture
def slack(settings: Settings) -> Iterator[SlackSimulator]:
    """A Slack that the settings point to, with Socket Mode."""
    with SlackSimulator() as simulator:
        settings.SLACK_API_URL = simulator.url
        settings.SLACK_BOT_TOKEN = simulator.app.bot_token
        settings.SLACK_APP_TOKEN = simulator.app.app_token
        yield simulator


@pytest.fixture
def nobody(settings: Settings) -> None:
    """Tokens for a Slack that would fail the test if it were called."""
    settings.SLACK_API_URL = "http://127.0.0.1:1/api/"


def failing() -> list[str]:
    return [what for level, what in findings() if level == "fail"]


def only_failure() -> str:
    (failure,) = failing()
    return failure


def test_without_any_token_slack_is_not_set_up(nobody: None) -> None:
    assert list(findings()) == [("note", "Slack is not set up; see “Slack” in README.md")]


def test_a_sound_app_answers_by_name(slack: SlackSimulator) -> None:
    assert list(findings()) == [
        ("ok", "Slack answers as @askwell in Simulated"),
        ("ok", "Slack opens a socket for events (Socket Mode)"),
    ]


@pytest.mark.django_db(transaction=True)
def test_doctor_tells_of_slack(slack: SlackSimulator) -> None:
    assert ("ok", "Slack answers as @askwell in Simulated") in [
        (finding.level, finding.what) for finding in diagnose()
    ]
    slack.app.refused = "token_revoked"
    assert any(f.level == "fail" and "token_revoked" in f.what for f in diagnose())


def test_over_http_nothing_can_be_tried_from_here(
    slack: SlackSimulator, settings: Settings
) -> None:
    settings.SLACK_APP_TOKEN, settings.SLACK_SIGNING_SECRET = "", slack.app.signing_secret
    assert [level for level, _ in findings()] == ["ok", "note"]
    assert not any(call.method == "apps.connections.open" for call in slack.calls)


@pytest.mark.parametrize(
    ("bot", "app", "secret", "said"),
    [
        ("xoxb-1", "", "", ["set SLACK_APP_TOKEN (Socket Mode), or SLACK_SIGNING_SECRET"]),
        ("", "xapp-1", "", ["SLACK_BOT_TOKEN is not set"]),
        ("", "", "secret", ["SLACK_BOT_TOKEN is not set"]),
        ("xapp-1", "xoxb-1", "", ["are swapped"]),
        ("xapp-1", "", "secret", ["SLACK_BOT_TOKEN holds an app-level token"]),
        ("xapp-1", "xapp-2", "", ["SLACK_BOT_TOKEN holds an app-level token"]),
        ("xoxb-1", "xoxb-1", "", ["SLACK_APP_TOKEN holds a bot token"]),
        ("xoxp-1", "xapp-1", "", ["SLACK_BOT_TOKEN holds a user's token"]),
        ("hello", "xapp-1", "", ["SLACK_BOT_TOKEN holds something else"]),
        ("xoxb-…", "xapp-1", "", ["SLACK_BOT_TOKEN holds characters that no token has"]),
        ("xoxb-1\n2", "xapp-1 2", "", ["SLACK_BOT_TOKEN holds char", "SLACK_APP_TOKEN holds char"]),
    ],
)
def test_tokens_that_do_not_fit_are_named_before_slack_is_asked(
    nobody: None, settings: Settings, bot: str, app: str, secret: str, said: list[str]
) -> None:
    settings.SLACK_BOT_TOKEN, settings.SLACK_APP_TOKEN = bot, app
    settings.SLACK_SIGNING_SECRET = secret
    assert all(level == "fail" for level, _ in findings())
    for failure, part in zip(failing(), said, strict=True):
        assert part in failure


@pytest.mark.parametrize(
    ("refused", "advice"),
    [
        ("invalid_auth", "copy the bot token (xoxb-…)"),
        ("account_inactive", "install it again"),
        ("token_revoked", "install it again"),
        ("some_new_error", "copy the bot token (xoxb-…)"),
    ],
)
def test_a_refused_bot_token_fails_with_what_to_do(
    slack: SlackSimulator, refused: str, advice: str
) -> None:
    slack.app.refused = refused
    assert f"Slack refuses SLACK_BOT_TOKEN ({refused})" in only_failure()
    assert advice in only_failure()


@pytest.mark.parametrize(
    ("refused", "advice"),
    [("invalid_auth", "make an app-level token"), ("missing_scope", "connections:write")],
)
def test_a_refused_app_token_fails_with_what_to_do(
    slack: SlackSimulator, refused: str, advice: str
) -> None:
    slack.app.socket_refused = refused
    assert f"Slack refuses SLACK_APP_TOKEN ({refused})" in only_failure()
    assert advice in only_failure()


def test_both_tokens_are_tried_in_one_go(slack: SlackSimulator) -> None:
    slack.app.refused = slack.app.socket_refused = "invalid_auth"
    assert len(failing()) == 2


def test_missing_scopes_are_listed(slack: SlackSimulator) -> None:
    slack.app.scopes -= {"users:read", "im:write"}
    assert "lacks im:write, users:read; add them under OAuth & Permissions" in only_failure()


def test_more_scopes_than_needed_are_no_fault(slack: SlackSimulator) -> None:
    slack.app.scopes |= {"reactions:write"}
    assert failing() == []
    slack.app.scopes.clear()
    assert all(scope in only_failure() for scope in SCOPES)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Drop(), "can't be reached at 127.0.0.1;"),
        (Hang(), "can't be reached at 127.0.0.1;"),
        (Status(503), "127.0.0.1 has trouble of its own (HTTP 503)"),
        (Status(429, retry_after=30), "127.0.0.1 has trouble of its own (HTTP 429)"),
        (Status(404), "127.0.0.1 answers as Slack wouldn't (HTTP 404)"),
        (Status(200), "127.0.0.1 answers as Slack wouldn't (HTTP 200)"),
        (Error("internal_error"), "127.0.0.1 has trouble of its own (HTTP 200)"),
    ],
)
def test_a_slack_out_of_reach_is_asked_once_and_named_by_its_host(
    slack: SlackSimulator, monkeypatch: pytest.MonkeyPatch, fault: Fault, said: str
) -> None:
    monkeypatch.setattr(diagnosis, "TIMEOUT", 0.5)
    slack.faults.always("*", fault)
    begun = time.monotonic()
    assert said in only_failure()
    assert time.monotonic() - begun < 5
    assert len(slack.calls) == 1
    assert "/api" not in only_failure()


class Odd(LoopbackServer):
    """Answers every call with JSON that isn't Slack's."""

    async def handle(self, exchange: Exchange) -> bool:
        await exchange.start(200, {"content-type": "application/json"})
        await exchange.send(b'["xoxb-echoed"]')
        return await exchange.finish()


def test_another_server_than_slack_is_no_crash(settings: Settings) -> None:
    settings.SLACK_BOT_TOKEN, settings.SLACK_APP_TOKEN = "xoxb-1", "xapp-1"
    with Odd() as server:
        settings.SLACK_API_URL = server.url
        assert "can't be reached at 127.0.0.1;" in only_failure()


def test_a_closed_port_is_out_of_reach(settings: Settings) -> None:
    settings.SLACK_BOT_TOKEN, settings.SLACK_APP_TOKEN = "xoxb-1", "xapp-1"
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        settings.SLACK_API_URL = f"http://127.0.0.1:{closed.getsockname()[1]}/api/"
        assert "can't be reached at 127.0.0.1;" in only_failure()


@pytest.mark.parametrize("fault", [None, Drop(), Status(500), Error("invalid_auth")])
def test_no_line_and_no_log_holds_a_token(
    slack: SlackSimulator,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    fault: Fault | None,
) -> None:
    slack.world.team_name = "Sim\x1b[31mulated"
    if fault:
        slack.faults.always("*", fault)
    settings.SLACK_SIGNING_SECRET = slack.app.signing_secret
    said = "".join(what for _, what in findings())
    assert not caplog.records
    said += "".join(capfd.readouterr())
    for secret in (slack.app.bot_token, slack.app.app_token, slack.app.signing_secret):
        assert secret not in said
    assert "\x1b" not in said
