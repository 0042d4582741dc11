"""What tests/bot/crashing.py needs to know of Discord."""

from discord.http import HTTPClient

from bot import reading_back
from bot.discord import gateway, listen, rest, send, service

CALLER = (HTTPClient, "request")


def hurry(seconds: float) -> None:
    rest.REQUEST_TIMEOUT = seconds  # type: ignore[attr-defined]
    reading_back.READ_BACK_AGAIN = 0.5
    send.EDIT_EVERY = 0.05
    gateway.AT_ONCE = 100_000
    service.make_client = make_client  # type: ignore[attr-defined]


def make_client() -> listen.Client:
    """discord.py waits for two seconds after the last server that it is told of."""
    client = listen.make_client()
    client._connection.guild_ready_timeout = 0.1
    return client
