"""Hand a file to one person, in their direct messages."""

import asyncio

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError

from backend.chat.export import Export
from bot.errors import Refused, Unclear
from bot.slack.api import SlackApi

# Seconds for all three calls that a file takes.
TIMEOUT = 30.0


async def hand_over(api: SlackApi, user: str, export: Export, comment: str) -> None:
    """Send the file. Raises DeliveryError."""
    opened = await api.call("conversations.open", users=user)
    try:
        async with asyncio.timeout(TIMEOUT):
            await api.client.files_upload_v2(
                channel=opened["channel"]["id"],
                filename=export.name,
                content=export.data,
                initial_comment=comment,
            )
    except SlackApiError as error:
        code = str(error.response.get("error") or "unknown")
        raise Refused(code, code) from None
    except (SlackClientError, aiohttp.ClientError, OSError, ValueError) as error:
        raise Unclear(f"Slack took no file: {type(error).__name__}") from None
