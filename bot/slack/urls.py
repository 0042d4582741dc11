"""What Slack sends to over HTTP."""

from django.urls import path

from bot.slack.views import events

urlpatterns = [path("slack/events", events)]
