"""What tests/bot/crashing.py needs to know of Slack."""

import inspect

from slack_sdk.web.async_client import AsyncWebClient

from bot import reading_back
from bot.slack import api, send, service
from tests.bot.hurrying import Hurried

CALLER = (AsyncWebClient, "api_call")

inspect.stack()  # Bolt calls it at each start; what it reads is kept


def hurried(request: float) -> list[Hurried]:
    return [
        (api, "REQUEST_TIMEOUT", request),
        (service, "REQUEST_TIMEOUT", request),
        (api, "REST", 0.0),
        (reading_back, "READ_BACK_AGAIN", 0.5),
        (send, "APPEND_EVERY", 0.05),
        (send, "UPDATE_EVERY", 0.05),
    ]


def earlier(mark: str, seconds: float) -> str:
    return f"{float(mark) - seconds:.6f}"
