"""What tests/bot/crashing.py needs to know of Discord."""

from discord.http import HTTPClient

from bot import reading_back
from bot.discord import gateway, listen, pacing, rest
from tests.bot.hurrying import Hurried

CALLER = (HTTPClient, "request")


def hurried(request: float) -> list[Hurried]:
    return [
        (rest, "REQUEST_TIMEOUT", request),
        (reading_back, "READ_BACK_AGAIN", 0.5),
        (pacing, "EDIT_EVERY", 0.05),
        (gateway, "AT_ONCE", 100_000),
        (listen, "SERVERS_KNOWN", 0.1),
    ]


def earlier(mark: str, seconds: float) -> str:
    return str(int(mark) - (int(seconds * 1000) << 22))
