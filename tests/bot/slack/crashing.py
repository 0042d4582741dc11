"""What tests/bot/crashing.py needs to know of Slack."""

import inspect

from slack_sdk.web.async_client import AsyncWebClient

from bot import reading_back
from bot.slack import api, send, service

CALLER = (AsyncWebClient, "api_call")

inspect.stack()  # Bolt calls it at each start; what it reads is kept


def hurry(seconds: float) -> None:
    api.REQUEST_TIMEOUT = service.REQUEST_TIMEOUT = seconds  # type: ignore[attr-defined]
    reading_back.READ_BACK_AGAIN = 0.5
    send.APPEND_EVERY = send.UPDATE_EVERY = 0.05
