"""The bot process: which platforms it connects."""

import logging

import pytest
from pytest_django import Settings

from bot import running
from bot.slack import service


@pytest.mark.parametrize(
    ("tokens", "missing"),
    [
        ({}, "SLACK_BOT_TOKEN, SLACK_APP_TOKEN or SLACK_SIGNING_SECRET"),
        ({"BOT_TOKEN": "xoxb-1"}, "SLACK_APP_TOKEN or SLACK_SIGNING_SECRET"),
        ({"APP_TOKEN": "xapp-1"}, "SLACK_BOT_TOKEN"),
        ({"SIGNING_SECRET": "secret"}, "SLACK_BOT_TOKEN"),
    ],
)
def test_a_platform_that_lacks_something_is_left_out_and_what_it_lacks_is_said(
    settings: Settings, caplog: pytest.LogCaptureFixture, tokens: dict[str, str], missing: str
) -> None:
    for name in ("BOT_TOKEN", "APP_TOKEN", "SIGNING_SECRET"):
        setattr(settings, f"SLACK_{name}", tokens.get(name, ""))
    with caplog.at_level(logging.INFO):
        assert running._set_up({"slack": service}) == {}
    assert [r.getMessage() for r in caplog.records] == [
        f"slack is not set up: {missing} is missing"
    ]


@pytest.mark.parametrize("way", ["APP_TOKEN", "SIGNING_SECRET"])
def test_a_platform_that_has_what_it_needs_is_connected(
    settings: Settings, caplog: pytest.LogCaptureFixture, way: str
) -> None:
    settings.SLACK_BOT_TOKEN = "xoxb-1"
    settings.SLACK_APP_TOKEN = settings.SLACK_SIGNING_SECRET = ""
    setattr(settings, f"SLACK_{way}", "given")
    assert running._set_up({"slack": service}) == {"slack": service}
    assert not caplog.records
