"""Bolt's application in the web process."""

from functools import lru_cache

from django.http import HttpRequest
from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest

from backend.accounts.people import installation_of
from bot.slack.api import SlackApi
from bot.slack.events import PLATFORM
from bot.slack.listen import make_app
from bot.slack.people import People
from bot.slack.service import make_client
from bot.threads import in_inbox


async def answer(request: HttpRequest) -> BoltResponse:
    """What Bolt answers to one request of Slack's, whose signature it checks first."""
    # Bolt reads both before it checks the signature, and takes neither for granted.
    if not request.headers.get("X-Slack-Request-Timestamp", "").isdecimal():
        return BoltResponse(status=401, body="")
    try:
        sent = AsyncBoltRequest(
            body=request.body.decode(errors="replace"),
            query=request.META.get("QUERY_STRING", ""),
            headers={name: [value] for name, value in request.headers.items()},
        )
    except (ValueError, AttributeError, TypeError):
        return BoltResponse(status=400, body="")
    return await application().async_dispatch(sent)


@lru_cache
def application() -> AsyncApp:
    client = make_client()
    api = SlackApi(client)
    made: list[People] = []

    async def people() -> People:
        if not made:
            us = await api.call("auth.test")
            installation = await in_inbox(installation_of, PLATFORM, us["team_id"])
            made.append(People(api, installation, us["user_id"]))
        return made[0]

    # Nobody answers in this process: the bot looks into the inbox by itself.
    return make_app(client, people, lambda heard: None, lambda reason: None)
