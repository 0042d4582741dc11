import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings as configured
from pytest_django import Settings

from backend.logs import RedactingFormatter


def test_keys_and_sign_in_tokens_are_taken_out_of_lines_and_tracebacks(settings: Settings) -> None:
    settings.GOOGLE_API_KEY = "canary-key"
    try:
        raise ValueError("refused canary-key")
    except ValueError:
        record = logging.LogRecord(
            "web", logging.WARNING, "", 0, "Gone: %s", ("/sign-in/abc-DEF_1/",), sys.exc_info()
        )
    line = RedactingFormatter().format(record)
    assert "canary-key" not in line
    assert "abc-DEF_1" not in line
    assert line.startswith("Gone: /sign-in/…\n")
    assert "ValueError: refused <GOOGLE_API_KEY>" in line


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("url='wss://wss.slack.com/link/?ticket=canary-1&app_id=2'", "url='wss://wss.slack.com"),
        ("no answer from https://hooks.slack.com/commands/T1/2/canary", "hooks.slack.com/commands"),
        ("open http://127.0.0.1:8000/sign-in/canary_x/ now", "/sign-in/…"),
    ],
)
def test_what_lets_somebody_in_is_taken_out(said: str, kept: str) -> None:
    record = logging.LogRecord("bot", logging.ERROR, "", 0, said, (), None)
    line = RedactingFormatter().format(record)
    assert "canary" not in line
    assert kept in line


WITHOUT_ACCESS_LOG = """
import logging, uvicorn
uvicorn.Config("backend.asgi:application", access_log=False).load()
assert not logging.getLogger("uvicorn.access").hasHandlers()
assert logging.getLogger("uvicorn.error").hasHandlers()
"""


def test_addresses_are_not_logged_where_no_access_log_is_wanted(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_ACCESS_LOG],
        cwd=configured.BASE_DIR,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "backend.settings", "DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
