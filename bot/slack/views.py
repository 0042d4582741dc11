"""Slack over signed HTTP: the web process keeps what is said, the bot process answers it."""

from importlib import import_module

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.views.decorators.csrf import csrf_exempt

# Imported on first use: it loads Slack's SDKs.
HTTP = "bot.slack.http"


@csrf_exempt
async def events(request: HttpRequest) -> HttpResponse:
    """Events, commands and clicks, each checked by its signature and at most five minutes old."""
    if not (settings.SLACK_SIGNING_SECRET and settings.SLACK_BOT_TOKEN):
        return HttpResponseNotFound("Slack is not set up here.")
    answer = await import_module(HTTP).answer(request)
    kind = answer.first_headers().get("content-type")
    return HttpResponse(answer.body, status=answer.status, content_type=kind)
