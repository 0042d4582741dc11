"""Slack over signed HTTP: the web process keeps what is said, the bot process answers it."""

from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.views.decorators.csrf import csrf_exempt
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest

from backend.accounts.people import installation_of
from bot.slack.api import SlackApi
from bot.slack.events import PLATFORM
from bot.slack.listen import make_app
from bot.slack.people import People
from bot.slack.service import make_client
from bot.threads import in_inbox


@csrf_exempt
async def events(request: HttpRequest) -> HttpResponse:
    """Events, commands and clicks, each checked by its signature and at most five minutes old."""
    if not (settings.SLACK_SIGNING_SECRET and settings.SLACK_BOT_TOKEN):
        return HttpResponseNotFound("Slack is not set up here.")
    answer = await _app().async_dispatch(
        AsyncBoltRequest(
            body=request.body.decode(errors="replace"),
            query=request.META.get("QUERY_STRING", ""),
            headers={name: [value] for name, value in request.headers.items()},
        )
    )
    return HttpResponse(
        answer.body, status=answer.status, content_type=answer.first_headers().get("content-type")
    )


@lru_cache
def _app() -> AsyncApp:
    client = make_client()
    made: list[People] = []

    async def people() -> People:
        if not made:
            us = await client.auth_test()
            installation = await in_inbox(installation_of, PLATFORM, us["team_id"])
            made.append(People(SlackApi(client), installation, us["user_id"]))
        return made[0]

    # Nobody answers in this process: the bot looks into the inbox by itself.
    return make_app(client, people, lambda heard: None, lambda reason: None)
