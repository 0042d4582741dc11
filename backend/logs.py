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
    "DISCORD_TOKEN",
    "S3_SECRET_ACCESS_KEY",
    "CLOUDINARY_API_SECRET",
)
# What lets somebody in: sign-in links, the addresses that Slack and Discord give out for a socket
# and for the reply to a command, and signed addresses.
_TICKET = re.compile(
    r"(/sign-in/|[?&](?:ticket|signature)=|hooks\.slack\.com/\w+/|/(?:webhooks|interactions)/\d+/)[\w%./-]+"
)


class RedactingFormatter(logging.Formatter):
    """Formats records, tracebacks included, and takes keys and sign-in tokens out."""

    def format(self, record: logging.LogRecord) -> str:
        line = _TICKET.sub(r"\1…", super().format(record))
        for name in SECRETS:
            if secret := getattr(settings, name, ""):
                line = line.replace(secret, f"<{name}>")
        return line
