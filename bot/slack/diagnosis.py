"""What `doctor` says of Slack: whether its tokens fit, it can be reached, and the app may do
what it has to. No line holds a token."""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from urllib.parse import urlsplit

import aiohttp
from django.conf import settings
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.slack.scopes import SCOPES

# "ok", "note" (works, but should be known) or "fail", and a sentence that says what to do.
Line = tuple[str, str]

TIMEOUT = 10
BOT_TOKEN, APP_TOKEN = "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"
_WHERE = {
    BOT_TOKEN: "copy the bot token (xoxb-…) of your Slack app from OAuth & Permissions",
    APP_TOKEN: "make an app-level token (xapp-…) with the scope connections:write under Basic "
    "Information",
}
_GONE = (
    "the app was taken out of the workspace or its token revoked; install it again and copy the "
    "new token"
)
_BOT_REFUSALS = {"account_inactive": _GONE, "token_revoked": _GONE, "token_expired": _GONE}
_APP_REFUSALS = {"missing_scope": "it lacks the scope connections:write; make one that has it"}
_PASSING = {"ratelimited", "internal_error", "fatal_error", "service_unavailable"}
# What aiohttp and slack_sdk raise where nobody answers, or somebody who isn't Slack.
_UNREACHABLE = (OSError, aiohttp.ClientError, ValueError, AttributeError)
# slack_sdk logs what it raises, and that may hold a token.
_SILENT = logging.Logger("slack_sdk in doctor", logging.CRITICAL + 1)


class _Refused(Exception):
    """Slack refuses a token. The message says why, and what to do."""


class _OutOfReach(Exception):
    """Slack itself doesn't answer: another call would wait as long for nothing."""


def findings() -> Iterator[Line]:
    """Every check, in the order in which a failing one would make the next ones fail."""
    if not (settings.SLACK_BOT_TOKEN or settings.SLACK_APP_TOKEN or settings.SLACK_SIGNING_SECRET):
        yield "note", "Slack is not set up; see “Slack” in README.md"
    elif troubles := list(_troubles_of_settings()):
        yield from (("fail", trouble) for trouble in troubles)
    else:
        try:
            yield from _bot_token()
            yield _delivery()
        except _OutOfReach as error:
            yield "fail", str(error)


def _troubles_of_settings() -> Iterator[str]:
    bot, app = settings.SLACK_BOT_TOKEN, settings.SLACK_APP_TOKEN
    if bot.startswith("xapp-") and app.startswith("xoxb-"):
        yield f"{BOT_TOKEN} and {APP_TOKEN} are swapped; xoxb-… is the bot token, xapp-… the app's"
        return
    if not bot:
        yield f"{BOT_TOKEN} is not set, and Slack needs it; {_WHERE[BOT_TOKEN]}"
    elif not re.fullmatch(r"xoxb-[\w-]+", bot, re.ASCII):
        yield _another_kind(BOT_TOKEN, bot)
    if app and not re.fullmatch(r"xapp-[\w-]+", app, re.ASCII):
        yield _another_kind(APP_TOKEN, app)
    if not app and not settings.SLACK_SIGNING_SECRET:
        yield (
            f"nothing brings Slack's events here; set {APP_TOKEN} (Socket Mode), or "
            "SLACK_SIGNING_SECRET (Slack sends to your address)"
        )


def _another_kind(name: str, value: str) -> str:
    held = {"xapp-": "an app-level token", "xoxb-": "a bot token", "xoxp-": "a user's token"}
    what = held.get(value[:5], "something else")
    if value.startswith("xoxb-" if name == BOT_TOKEN else "xapp-"):
        what = "characters that no token has"
    return f"{name} holds {what}; {_WHERE[name]}"


def _bot_token() -> Iterator[Line]:
    try:
        me = _asked(BOT_TOKEN, lambda slack: slack.auth_test(), _BOT_REFUSALS)
    except _Refused as error:
        yield "fail", str(error)
        return
    yield "ok", f"Slack answers as @{_printable(me.get('user'))} in {_printable(me.get('team'))}"
    if missing := _missing_scopes(me):
        yield (
            "fail",
            f"the Slack app lacks {', '.join(missing)}; add them under OAuth & Permissions and "
            "reinstall the app",
        )


def _missing_scopes(answer: AsyncSlackResponse) -> list[str]:
    """Those of SCOPES that the token hasn't got. Slack tells in a header with every answer."""
    headers = {str(name).lower(): str(value) for name, value in answer.headers.items()}
    if (granted := headers.get("x-oauth-scopes")) is None:
        return []
    return sorted(SCOPES - {scope.strip() for scope in granted.split(",")})


def _delivery() -> Line:
    """How events come: over a socket that can be asked for, or to an address of one's own."""
    if not settings.SLACK_APP_TOKEN:
        return "note", "Slack has to reach /slack/events at your address; that can't be tried here"
    try:
        _asked(APP_TOKEN, _open_socket, _APP_REFUSALS)
    except _Refused as error:
        return "fail", str(error)
    return "ok", "Slack opens a socket for events (Socket Mode)"


async def _open_socket(slack: AsyncWebClient) -> AsyncSlackResponse:
    return await slack.apps_connections_open(app_token=settings.SLACK_APP_TOKEN)


def _asked(
    name: str,
    call: Callable[[AsyncWebClient], Awaitable[AsyncSlackResponse]],
    refusals: Mapping[str, str],
) -> AsyncSlackResponse:
    """Slack's answer to one call with the token of this name. Raises _Refused and _OutOfReach."""
    host = urlsplit(settings.SLACK_API_URL).hostname

    async def ask() -> AsyncSlackResponse:
        # The synchronous client would take the token along wherever it is sent on to.
        slack = AsyncWebClient(
            getattr(settings, name),
            base_url=settings.SLACK_API_URL,
            timeout=TIMEOUT,
            retry_handlers=[],
            logger=_SILENT,
        )
        return await call(slack)

    try:
        return asyncio.run(ask())
    except SlackApiError as error:
        code = str(error.response.get("error"))
        if trouble := _own_trouble(int(error.response.status_code), code):
            raise _OutOfReach(f"{host} {trouble}") from None
        raise _Refused(
            f"Slack refuses {name} ({code}): {refusals.get(code, _WHERE[name])}"
        ) from None
    except _UNREACHABLE:
        raise _OutOfReach(
            f"Slack can't be reached at {host}; check the network, proxies and SLACK_API_URL"
        ) from None


def _own_trouble(status: int, code: str) -> str:
    """What is wrong with the server rather than with the token; "" where nothing is."""
    if status == 429 or status >= 500 or code in _PASSING:
        return f"has trouble of its own (HTTP {status}); try again in a while"
    if status != 200 or not re.fullmatch(r"[a-z_]{1,60}", code):
        return f"answers as Slack wouldn't (HTTP {status}); check SLACK_API_URL and proxies"
    return ""


def _printable(value: object) -> str:
    """What Slack says of itself, without what could steer a terminal."""
    return "".join(c for c in str(value) if c.isprintable())
