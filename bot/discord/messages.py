"""Calls to Discord about messages, for every kind of reply."""

from bot.discord.rest import GONE, JSON, DiscordApi
from bot.errors import Refused

LOOK_THROUGH = 100


async def since(api: DiscordApi, channel: str, after: str) -> list[JSON]:
    """The first messages of the channel after the one of this id, oldest first."""
    try:
        found: list[JSON] = await api.call(
            "GET",
            "/channels/{channel_id}/messages",
            channel_id=channel,
            after=after,
            limit=LOOK_THROUGH,
        )
    except Refused:
        return []
    return sorted(found, key=lambda message: int(message["id"]))


async def edit(api: DiscordApi, message: str, body: JSON) -> None:
    """Change a message of ours. Safe to repeat."""
    channel, _, number = message.partition("/")
    await api.call(
        "PATCH",
        "/channels/{channel_id}/messages/{message_id}",
        body=body,
        channel_id=channel,
        message_id=number,
    )


async def remove(api: DiscordApi, message: str) -> None:
    """Delete a message of ours. Safe to repeat."""
    channel, _, number = message.partition("/")
    try:
        await api.call(
            "DELETE",
            "/channels/{channel_id}/messages/{message_id}",
            channel_id=channel,
            message_id=number,
        )
    except Refused as error:
        if error.code not in GONE:
            raise
