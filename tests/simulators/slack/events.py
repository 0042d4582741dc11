"""What the app is told of: events, commands and interactions, as Slack words them."""

import time
from typing import Any

from tests.simulators.slack.core import Core, Delivery, DeliveryKind
from tests.simulators.slack.shapes import (
    channel_json,
    channel_type,
    file_json,
    message_json,
    user_json,
    view_json,
)
from tests.simulators.slack.state import JSON, Channel, File, Message, User, View


def emit(core: Core, event: JSON, shared: bool = False) -> Delivery:
    """Wraps an event of the Events API and sends it."""
    world = core.world
    event = {"event_ts": world.new_ts()} | event
    who = {"team_id": world.team_id, "user_id": world.app.user_id, "is_bot": True}
    return dispatch(
        core,
        "events_api",
        {
            "token": "simulated-verification-token",
            "team_id": world.team_id,
            "context_team_id": world.team_id,
            "context_enterprise_id": None,
            "api_app_id": world.app.app_id,
            "event": event,
            "type": "event_callback",
            "event_id": world.new_id("Ev"),
            "event_time": int(time.time()),
            "authorizations": [
                {"enterprise_id": None, **who, "is_enterprise_install": False},
            ],
            "is_ext_shared_channel": shared,
            "event_context": world.new_id("4-"),
        },
    )


def dispatch(core: Core, kind: DeliveryKind, payload: JSON) -> Delivery:
    delivery = Delivery(kind, payload)
    core.deliveries.append(delivery)
    core.send(delivery)
    return delivery


def hears(core: Core, channel: Channel) -> bool:
    """The app gets the events of the channels that it is in."""
    return core.world.app.user_id in channel.members


def posted(core: Core, message: Message) -> None:
    """A new message: `message`, and `app_mention` with the same ts but an event_id of its own."""
    world, channel = core.world, core.world.channels[message.channel]
    own = message.by_app == world.app.app_id
    if own and not core.settings.echo:
        return
    body = message_json(world, message, core.origin, metadata=True, thread=False)
    where = {"channel": channel.id, "event_ts": message.ts}
    if f"<@{world.app.user_id}>" in message.text and channel.kind != "im" and not own:
        left_out = {"subtype"} if core.settings.mention_files else {"files", "upload", "subtype"}
        mention = {name: value for name, value in body.items() if name not in left_out}
        # It comes for public channels too that the app isn't in.
        if hears(core, channel) or channel.kind == "public_channel":
            emit(core, mention | where | {"type": "app_mention"}, channel.is_ext_shared)
    if hears(core, channel):
        event = body | where | {"channel_type": channel_type(channel)}
        emit(core, event, channel.is_ext_shared)


def changed(core: Core, message: Message, before: JSON) -> None:
    world, channel = core.world, core.world.channels[message.channel]
    if not hears(core, channel) or (message.by_app == world.app.app_id and not core.settings.echo):
        return
    now = message_json(world, message, core.origin, metadata=True)
    _hidden(core, channel, "message_changed", {"message": now, "previous_message": before})


def deleted(core: Core, message: Message) -> None:
    """Where replies are left, Slack tells of a change into the tombstone."""
    channel = core.world.channels[message.channel]
    if not hears(core, channel):
        return
    before = {"previous_message": message_json(core.world, message, core.origin, metadata=True)}
    tombstone = channel.messages.get(message.ts)
    if tombstone is None:
        _hidden(core, channel, "message_deleted", before | {"deleted_ts": message.ts})
    else:
        now = {"message": message_json(core.world, tombstone, core.origin) | {"hidden": True}}
        _hidden(core, channel, "message_changed", now | before)


def _hidden(core: Core, channel: Channel, subtype: str, more: JSON) -> None:
    event = {
        "type": "message",
        "subtype": subtype,
        "hidden": True,
        "channel": channel.id,
        "ts": core.world.new_ts(),
        "channel_type": channel_type(channel),
    }
    emit(core, event | more, channel.is_ext_shared)


def member(core: Core, user: User, channel: Channel, joined: bool, inviter: str | None) -> None:
    if not hears(core, channel) and user.id != core.world.app.user_id:
        return
    kind = {"public_channel": "C"}.get(channel.kind, "G")
    event = {
        "type": "member_joined_channel" if joined else "member_left_channel",
        "user": user.id,
        "channel": channel.id,
        "channel_type": kind,
        "team": user.team_id,
    }
    emit(core, event | ({"inviter": inviter} if inviter else {}), channel.is_ext_shared)


def shared_file(core: Core, message: Message) -> None:
    if "files:read" not in core.world.app.scopes:
        return
    for file in message.files:
        if hears(core, core.world.channels[message.channel]):
            event = {"type": "file_shared", "file_id": file.id, "user_id": file.user}
            emit(core, event | {"file": {"id": file.id}, "channel_id": message.channel})


def deleted_file(core: Core, file: File) -> None:
    if "files:read" in core.world.app.scopes and core.world.sees(file):
        emit(core, {"type": "file_deleted", "file_id": file.id})


def user_event(core: Core, kind: str, user: User) -> Delivery:
    """team_join or user_change."""
    return emit(core, {"type": kind, "user": user_json(core.world, user)})


def _common(core: Core, user: User) -> JSON:
    world = core.world
    # The team that it comes from: in a shared channel not always the one with the app.
    domain = world.domain if user.team_id == world.team_id else "elsewhere"
    team = {"id": user.team_id, "domain": domain}
    name = {"username": user.name, "name": user.name}
    return {
        "user": {"id": user.id, "team_id": user.team_id} | name,
        "api_app_id": world.app.app_id,
        "token": "simulated-verification-token",
        "trigger_id": core.new_trigger(),
        "team": team,
        "enterprise": None,
        "is_enterprise_install": False,
    }


def block_action(core: Core, user: User, message: Message, action: JSON) -> JSON:
    """The payload of a click on something in a message."""
    channel = core.world.channels[message.channel]
    ephemeral = message.to is not None
    container = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": channel.id,
        "is_ephemeral": ephemeral,
    }
    if message.thread_ts:
        container["thread_ts"] = message.thread_ts
    body: JSON = {"type": "block_actions"} | _common(core, user)
    if not ephemeral:
        body["message"] = message_json(core.world, message, core.origin, metadata=True)
    return body | {
        "container": container,
        "channel": {"id": channel.id, "name": _channel_name(channel)},
        "state": {"values": {}},
        "response_url": core.new_response_url(channel.id, user.id, message.ts),
        "actions": [{"action_ts": core.world.new_ts()} | action],
    }


def view_action(core: Core, user: User, view: View, action: JSON) -> JSON:
    """The payload of a click in a modal or on the home tab."""
    container = {"type": "view", "view_id": view.id}
    body = {"type": "block_actions", "container": container, "actions": [action]}
    return body | _common(core, user) | {"view": view_json(core.world, view)}


def submission(core: Core, user: User, view: View, values: JSON) -> JSON:
    state = {"state": {"values": values}}
    body = {"type": "view_submission", "response_urls": []}
    return body | _common(core, user) | {"view": view_json(core.world, view) | state}


def shortcut(core: Core, user: User, callback_id: str, message: Message) -> JSON:
    channel = core.world.channels[message.channel]
    return {
        "type": "message_action",
        "callback_id": callback_id,
        "action_ts": core.world.new_ts(),
        "message_ts": message.ts,
        "channel": {"id": channel.id, "name": _channel_name(channel)},
        "message": message_json(core.world, message, core.origin),
        "response_url": core.new_response_url(channel.id, user.id),
    } | _common(core, user)


def command(core: Core, user: User, channel: Channel, name: str, text: str) -> JSON:
    world = core.world
    return {
        "token": "simulated-verification-token",
        "team_id": world.team_id,
        "team_domain": world.domain,
        "channel_id": channel.id,
        "channel_name": _channel_name(channel),
        "user_id": user.id,
        "user_name": user.name,
        "command": name,
        "text": text,
        "api_app_id": world.app.app_id,
        "is_enterprise_install": "false",
        "response_url": core.new_response_url(channel.id, user.id),
        "trigger_id": core.new_trigger(),
    }


def _channel_name(channel: Channel) -> str:
    names = {"im": "directmessage", "private_channel": "privategroup", "mpim": channel.name}
    return names.get(channel.kind, channel.name)


def describe(core: Core, thing: Any) -> JSON:
    """Any of the workspace's things as JSON, for a test that compares."""
    if isinstance(thing, Channel):
        return channel_json(core.world, thing)
    if isinstance(thing, User):
        return user_json(core.world, thing)
    if isinstance(thing, Message):
        return message_json(core.world, thing, core.origin, metadata=True)
    return file_json(core.world, thing, core.origin)
