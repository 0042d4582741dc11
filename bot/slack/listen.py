"""What Slack sends: kept in the inbox before it is acknowledged, or handed to who answers it."""

import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any

from django.conf import settings
from django.core.cache import cache
from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot import inbox, wording
from bot.errors import Resting
from bot.incoming import Heard
from bot.slack.actions import Actions
from bot.slack.api import SlackApi
from bot.slack.commands import Commands
from bot.slack.events import read_event
from bot.slack.people import People
from bot.slack.private import tell_who_did
from bot.slack.suggesting import suggest
from bot.threads import in_inbox

logger = logging.getLogger(__name__)

ANY = re.compile(".*")
TAKEN = BoltResponse(status=200)
# After these Slack lets us in no more.
REMOVED = ("app_uninstalled", "tokens_revoked")
MESSAGES = ("message", "app_mention", "file_deleted")
# Seconds in which a command or click is known again; signatures are good for five minutes.
KNOWN_FOR = 600

# Called with what was taken into the inbox.
Taken = Callable[[Heard], None]
# Gives the people of a body's installation, connected on first use.
PeopleOf = Callable[[], Awaitable[People]]


def make_app(
    client: AsyncWebClient, people: PeopleOf, taken: Taken, rest: Callable[[str], None]
) -> AsyncApp:
    """Bolt's application, for Socket Mode and for signed HTTP."""
    app = AsyncApp(
        client=client,
        logger=logging.getLogger("bot.slack.bolt"),
        # In Socket Mode nothing is signed; over HTTP the view refuses to go without.
        signing_secret=settings.SLACK_SIGNING_SECRET or "none",
        before_authorize=_keeping(taken),
        raise_error_for_unhandled_request=False,
    )
    api = SlackApi(client)
    Commands(people, taken, api).listen(app)
    Actions(people, taken, api).listen(app)
    _listen(app, api, people, rest)
    return app


def _keeping(taken: Taken) -> Callable[..., Awaitable[Any]]:
    """What comes after the signature and before Bolt asks Slack who we are: that may fail, and
    Bolt acknowledges all the same."""

    async def keep(body: dict[str, Any], next_: Callable[[], Awaitable[None]]) -> Any:
        """Commit what was said. Raises where that fails, and then Slack sends it again."""
        event = body.get("event")
        event = event if isinstance(event, dict) else {}
        if body.get("type") != "event_callback" or event.get("type") not in MESSAGES:
            return TAKEN if await _replayed(body) else await next_()
        heard = read_event(body)
        if heard is not None and await in_inbox(inbox.take, heard):
            taken(heard)
        return TAKEN

    return keep


def _listen(app: AsyncApp, api: SlackApi, people: PeopleOf, rest: Callable[[str], None]) -> None:
    """Hear of everything but messages, commands and clicks, and of what broke off."""

    @app.event("app_home_opened")
    async def opened(event: dict[str, Any]) -> None:
        if event.get("tab") == "messages":
            await suggest(api, await people(), event["user"], event["channel"])

    @app.event(ANY)
    async def told(event: dict[str, Any]) -> None:
        """Everything else; Bolt would not acknowledge what nobody listens to."""
        if event.get("type") in REMOVED:
            rest(f"Slack says {event['type']}; install the app again, then set its new token")
        else:
            await (await people()).told(event)

    @app.error
    async def failed(error: Exception, body: dict[str, Any]) -> None:
        is_resting = isinstance(error, Resting)
        if not is_resting:
            logger.error("Slack: something that was sent here broke off", exc_info=error)
        await tell_who_did(api, body, wording.NOT_LET_IN if is_resting else wording.NOT_DONE)
        if isinstance(error, Resting):
            rest(error.detail)


async def _replayed(body: dict[str, Any]) -> bool:
    """Whether this command or click came before; Slack itself sends each once."""
    trigger = body.get("trigger_id")
    if not trigger:
        return False
    return not await in_inbox(cache.add, f"slack-trigger-{trigger}", True, KNOWN_FOR)
