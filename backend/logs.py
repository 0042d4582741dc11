"""Log lines without secrets."""

import logging
import re

from django.conf import settings

SECRETS = (
    "SECRET_KEY",
    "GOOGLE_API_KEY",
    "OPENAI_API_KEY",
    "OPENROUTER_API_KEY",
    "SLACK_BOT_TOKEN",
    "SLACK_APP_TOKEN",
    "SLACK_SIGNING_SECRET",
)
_SIGN_IN_TOKEN = re.compile(r"(/sign-in/)[\w-]+")


class RedactingFormatter(logging.Formatter):
    """Formats records, tracebacks included, and takes keys and sign-in tokens out."""

    def format(self, record: logging.LogRecord) -> str:
        line = _SIGN_IN_TOKEN.sub(r"\1…", super().format(record))
        for name in SECRETS:
            if secret := getattr(settings, name, ""):
                line = line.replace(secret, f"<{name}>")
        return line
