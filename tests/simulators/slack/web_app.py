"""auth.test, views.*, reactions.add and the response URLs."""

import json
import time

from tests.simulators.slack import events, limits
from tests.simulators.slack.core import Core, ResponseUrl
from tests.simulators.slack.errors import Refused
from tests.simulators.slack.shapes import view_json
from tests.simulators.slack.state import JSON, View
from tests.simulators.slack.web_chat import content, new_message, required, visible_channel

RESPONSE_USES, RESPONSE_LIFE = 5, 1800


def auth_test(core: Core, args: JSON) -> JSON:
    world = core.world
    return {
        "url": f"https://{world.domain}.slack.com/",
        "team": world.team_name,
        "user": world.app.name,
        "team_id": world.team_id,
        "user_id": world.app.user_id,
        "bot_id": world.app.bot_id,
        "is_enterprise_install": False,
    }


def _use_trigger(core: Core, trigger: str) -> None:
    if trigger not in core.triggers:
        raise Refused("invalid_trigger_id")
    made, core.triggers[trigger] = core.triggers[trigger], None
    if made is None:
        raise Refused("exchanged_trigger_id")
    if time.monotonic() > made + core.settings.trigger_life:
        raise Refused("expired_trigger_id")


def make_view(core: Core, user: str, body: JSON) -> View:
    view = View(core.world.new_id("V"), user, body, core.world.new_ts())
    core.world.views[view.id] = view
    core.world.tell("view", view)
    return view


def open_view(core: Core, args: JSON) -> JSON:
    required(args, "trigger_id", "view")
    body = limits.checked_view(args["view"], "modal")
    trigger = str(args["trigger_id"])
    _use_trigger(core, trigger)
    return {"view": view_json(core.world, make_view(core, _owner(core, trigger), body))}


def _owner(core: Core, trigger: str) -> str:
    """Whose click or command gave this trigger_id."""
    for delivery in reversed(core.deliveries):
        if delivery.payload.get("trigger_id") == trigger:
            user = delivery.payload.get("user") or {}
            return str(user.get("id") or delivery.payload.get("user_id"))
    return ""


def update_view(core: Core, args: JSON) -> JSON:
    required(args, "view")
    view = core.world.views.get(str(args.get("view_id")))
    if view is None or not view.open:
        raise Refused("not_found")
    if args.get("hash") and args["hash"] != view.hash:
        raise Refused("hash_conflict")
    view.body = limits.checked_view(args["view"], str(view.body["type"]))
    view.hash = core.world.new_ts()
    core.world.tell("view", view)
    return {"view": view_json(core.world, view)}


def publish_view(core: Core, args: JSON) -> JSON:
    required(args, "user_id", "view")
    if args["user_id"] not in core.world.users:
        raise Refused("user_not_found")
    body = limits.checked_view(args["view"], "home")
    core.home_tabs[args["user_id"]] = body
    return {"view": view_json(core.world, make_view(core, args["user_id"], body))}


def add_reaction(core: Core, args: JSON) -> JSON:
    required(args, "channel", "timestamp", "name")
    channel = visible_channel(core, args["channel"])
    message = channel.messages.get(str(args["timestamp"]))
    if message is None:
        raise Refused("message_not_found")
    if channel.is_archived:
        raise Refused("is_archived")
    reaction = (core.world.app.user_id, str(args["name"]))
    if reaction in message.reactions:
        raise Refused("already_reacted")
    message.reactions.append(reaction)
    core.world.tell("reaction", (message, args["name"]))
    return {}


def respond(core: Core, secret: str, raw: bytes) -> tuple[int, str]:
    """A post to a response URL: HTTP status and text, which is all that Slack says there."""
    url = core.response_urls.get(secret)
    if url is None:
        return 404, "no_team"
    if time.monotonic() > url.made + RESPONSE_LIFE:
        return 404, "expired_url"
    if url.uses >= RESPONSE_USES:
        return 404, "used_url"
    try:
        args = json.loads(raw)
        url.uses += 1
        _apply(core, url, args)
    except (ValueError, AttributeError):
        return 400, "invalid_payload"
    except Refused as refused:
        return 400, refused.error
    return 200, "ok"


def _apply(core: Core, url: ResponseUrl, args: JSON) -> None:
    channel = core.world.channels[url.channel]
    hidden = [m for m in channel.ephemeral if m.ts == url.message]
    shown = hidden or [m for m in channel.messages.values() if m.ts == url.message]
    if args.get("delete_original"):
        for message in shown:
            if hidden:
                channel.ephemeral.remove(message)
            else:
                core.world.drop(message)
            core.world.tell("deleted", message)
        return
    if args.get("replace_original") and shown:
        given = content(args)
        shown[0].text, shown[0].blocks = given["text"] or "", given["blocks"] or []
        core.shown("changed", shown[0])
        return
    message = new_message(core, channel, args)
    if args.get("response_type") == "in_channel":
        core.world.put(message)
        core.shown("posted", message)
        events.posted(core, message)
    else:
        message.to = url.user
        channel.ephemeral.append(message)
        core.shown("ephemeral", message)
