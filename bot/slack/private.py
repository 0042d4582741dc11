"""A reply that only the asker sees: whole, and at most once, for nobody can look it up."""

import asyncio
import logging
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from django.conf import settings
from django.utils import timezone
from slack_sdk.errors import SlackClientError
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot import wording
from bot.errors import DeliveryError, NotNow, Refused, Unclear, Unreachable
from bot.models import InboxItem, Kind, ReplyPart
from bot.platforms import Closing
from bot.slack import render
from bot.slack.api import SlackApi
from bot.slack.markdown import markdown
from bot.slack.send import LIMIT, NO_FLAGS
from knowledge.prompts import Turn

logger = logging.getLogger(__name__)

# Seconds until what a command is acknowledged with is there, as a rule; Slack tells nobody when.
ACKNOWLEDGED = 0.3


class PrivateOutlet:
    """Shows a reply to the asker alone, whole, and at most once."""

    limit = LIMIT
    streams = False

    def __init__(self, api: SlackApi, item: InboxItem, *, is_member: bool) -> None:
        self._api, self._item, self._is_member = api, item, is_member

    def rendered(self, text: str, *, final: bool) -> str:
        return markdown(text, final=final)

    def pace(self) -> float:
        return 0.0

    async def open(self, part: ReplyPart, text: str) -> str:
        raise NotNow()

    async def show(self, message: str, text: str) -> None:
        raise NotNow()

    async def turn(self, message: str) -> None:
        await acknowledged(self._item)

    async def post(self, part: ReplyPart, text: str, closing: Closing | None) -> str:
        await self._show(text, closing)
        return _private_id(part)

    async def _show(self, text: str, closing: Closing | None) -> None:
        if closing is not None and self._item.channel.startswith("D"):
            closing = replace(closing, shared=None)  # nobody else is there
        below = render.closing_blocks(closing)
        if not self._is_member and self._item.kind == Kind.QUESTION:
            below.append(render.notice_block(wording.NOT_A_MEMBER))
        message = {
            "text": render.fallback(text),
            "blocks": render.whole_blocks(text, below),
            **NO_FLAGS,
        }
        try:
            await self._send(message)
        except Unclear as error:
            # At most once: it may be there already.
            logger.warning("%s may not have seen its reply: %s", self._item, error)

    async def _send(self, message: dict[str, Any]) -> None:
        url = self._item.route.get("response_url", "")
        if url and _is_slacks(url) and await _responded(url, message):
            return
        to: dict[str, Any] = {"channel": self._item.channel, "user": self._item.sender}
        try:
            await self._api.call("chat.postEphemeral", **to, **message)
        except Refused:
            # Not in the channel: the asker's direct messages are left.
            await self._api.call("chat.postMessage", channel=self._item.sender, **message)

    async def finish(self, message: str, text: str, closing: Closing | None) -> None:
        """What only one person sees can't be edited; a card is shown to them again."""
        if self._item.kind == Kind.FILE:
            await self._show(text, closing)

    async def remove(self, message: str) -> None:
        return

    async def own_messages(self, part: ReplyPart) -> list[str]:
        return [_private_id(part)]

    async def earlier(self) -> list[Turn]:
        return []

    def close(self) -> None:
        return


async def acknowledged(item: InboxItem) -> None:
    """Wait until who gave a command was told what is searched for: that is to stand above the
    answer, and Bolt or another process sends it."""
    if item.route.get("response_url"):
        since = (timezone.now() - item.received_at).total_seconds()
        await asyncio.sleep(min(ACKNOWLEDGED, ACKNOWLEDGED - since))


def _private_id(part: ReplyPart) -> str:
    return f"private-{part.pk}"


def _is_slacks(url: str) -> bool:
    """Whether a response URL leads to Slack."""
    theirs, ours = urlsplit(url), urlsplit(settings.SLACK_API_URL)
    if ours.hostname == "slack.com":
        return theirs.scheme == "https" and theirs.hostname == "hooks.slack.com"
    return (theirs.hostname, theirs.port) == (ours.hostname, ours.port)


async def tell_alone(url: str, text: str) -> None:
    """Tell whoever gave the command or click of this response URL. Raises nothing."""
    try:
        if _is_slacks(url):
            await _responded(url, {"text": text, "replace_original": False, **NO_FLAGS})
    except DeliveryError as error:
        logger.warning("Somebody was not told: %s", error)


async def tell_who_did(api: SlackApi, body: dict[str, Any], text: str) -> None:
    """Tell whoever this command, click or form is from, and nobody of an event. Raises nothing."""
    if body.get("type") != "view_submission":
        await tell_alone(str(body.get("response_url") or ""), text)
        return
    try:  # a form has no response URL
        await api.call("chat.postMessage", channel=body["user"]["id"], text=text, **NO_FLAGS)
    except DeliveryError as error:
        logger.warning("Somebody was not told: %s", error)


async def _responded(url: str, message: dict[str, Any]) -> bool:
    """Whether the response URL took it; it does five times, for half an hour."""
    try:
        answer = await AsyncWebhookClient(url, retry_handlers=[], timeout=5).send_dict(
            message | {"response_type": "ephemeral"}
        )
    except aiohttp.ClientConnectorError:
        raise Unreachable("Slack's response URL can't be reached") from None
    except (aiohttp.ClientError, SlackClientError, OSError) as error:
        raise Unclear(f"Slack's response URL: {type(error).__name__}") from None
    if answer.status_code >= 500:
        raise Unclear(f"Slack's response URL: HTTP {answer.status_code}")
    return answer.status_code == 200
