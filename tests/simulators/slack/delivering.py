"""Brings a delivery to the app, again where it was not acknowledged, and takes its response."""

import asyncio
from collections.abc import Awaitable, Callable

from tests.simulators.slack import web_app
from tests.simulators.slack.core import Core, Delivery
from tests.simulators.slack.errors import Refused
from tests.simulators.slack.limits import checked_view
from tests.simulators.slack.state import JSON
from tests.simulators.slack.web_chat import new_message

Try = Callable[[Delivery, int, str | None], Awaitable[str | None]]


async def deliver(core: Core, delivery: Delivery, attempt: Try) -> None:
    """Events are tried four times; commands and clicks once, and the person sees the failure."""
    delays = core.settings.retry_delays if delivery.kind == "events_api" else ()
    reason = await attempt(delivery, 0, None)
    if reason == "no_connection":
        delivery.outcome = "lost"
    else:
        for retry, delay in enumerate(delays, start=1):
            if reason in (None, "no_retry"):
                break
            await asyncio.sleep(delay)
            reason = await attempt(delivery, retry, reason)
        delivery.outcome = "acked" if reason is None else "given_up"
    with core.world.lock:
        if delivery.outcome == "acked":
            _take_response(core, delivery)
        elif delivery.kind != "events_api":
            tell_failure(core, delivery)


def tell_failure(core: Core, delivery: Delivery) -> None:
    """What Slack shows the person whose command or click the app did not take in time."""
    who = delivery.payload.get("user_id") or delivery.payload.get("user", {}).get("id", "")
    name = delivery.payload.get("command", "This action")
    what = "dispatch_failed" if delivery.outcome == "lost" else "operation_timeout"
    notice = (who, f'{name} failed with the error "{what}"')
    core.notices.append(notice)
    core.world.tell("notice", notice)


def _take_response(core: Core, delivery: Delivery) -> None:
    """An acknowledgement may carry a reply to a command, or what a modal does next."""
    response = delivery.response
    if not isinstance(response, dict) or delivery.kind == "events_api":
        return
    if delivery.kind == "slash_commands":
        try:
            _reply(core, delivery.payload, response)
        except Refused as refused:
            core.notices.append((delivery.payload["user_id"], refused.error))
    elif response.get("response_action") in ("update", "push"):
        user = delivery.payload["user"]["id"]
        web_app.make_view(core, user, checked_view(response["view"], "modal"))


def _reply(core: Core, command: JSON, response: JSON) -> None:
    channel = core.world.channels[command["channel_id"]]
    message = new_message(core, channel, response)
    if response.get("response_type") == "in_channel":
        core.world.put(message)
        core.shown("posted", message)
    else:
        message.to = command["user_id"]
        channel.ephemeral.append(message)
        core.shown("ephemeral", message)
