import logging
import sys

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
    assert line.startswith("Gone: /sign-in/…/\n")
    assert "ValueError: refused <GOOGLE_API_KEY>" in line
