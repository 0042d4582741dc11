"""conversations.*, users.* and files.info: what the app may read."""

import base64
import binascii
from collections.abc import Sequence
from typing import Any, TypeVar

from tests.simulators.slack.core import Core
from tests.simulators.slack.errors import Refused
from tests.simulators.slack.shapes import (
    as_bool,
    channel_json,
    file_json,
    message_json,
    user_json,
)
from tests.simulators.slack.state import JSON, Channel, Message
from tests.simulators.slack.web_chat import required, visible_channel

Item = TypeVar("Item")
TYPES = {"public_channel", "private_channel", "mpim", "im"}


def page(items: Sequence[Item], args: JSON, default: int, most: int) -> tuple[list[Item], str]:
    """One page, and the cursor of the next ("" at the end)."""
    try:
        limit = int(args.get("limit") or default)
        cursor = base64.b64decode(str(args.get("cursor") or ""), validate=True).decode()
        start = int(cursor.removeprefix("next:")) if cursor else 0
    except (ValueError, binascii.Error):
        raise Refused("invalid_cursor" if args.get("cursor") else "invalid_limit") from None
    if not limit >= 1:
        raise Refused("invalid_limit")
    end = start + min(limit, most)
    cursor = base64.b64encode(f"next:{end}".encode()).decode() if end < len(items) else ""
    return list(items[start:end]), cursor


def _next(cursor: str) -> JSON:
    return {"response_metadata": {"next_cursor": cursor}}


def info(core: Core, args: JSON) -> JSON:
    required(args, "channel")
    channel = visible_channel(core, args["channel"])
    body = channel_json(core.world, channel)
    if as_bool(args.get("include_num_members")):
        body["num_members"] = len(channel.members)
    return {"channel": body}


def _kinds(args: JSON) -> set[str]:
    kinds = {kind.strip() for kind in (args.get("types") or "public_channel").split(",")}
    if not kinds <= TYPES:
        raise Refused("invalid_types")
    return kinds


def _listed(core: Core, args: JSON, member: str | None) -> tuple[list[Channel], str]:
    """Private channels are listed only where the app is a member."""
    app, kinds = core.world.app.user_id, _kinds(args)
    found = [
        channel
        for channel in core.world.channels.values()
        if channel.kind in kinds
        and (member is None or member in channel.members)
        and (not channel.is_private or app in channel.members)
        and not (channel.is_archived and as_bool(args.get("exclude_archived")))
    ]
    return page(found, args, 100, 999)


def list_channels(core: Core, args: JSON) -> JSON:
    found, cursor = _listed(core, args, None)
    return {"channels": [channel_json(core.world, c) for c in found]} | _next(cursor)


def user_conversations(core: Core, args: JSON) -> JSON:
    member = args.get("user") or core.world.app.user_id
    if member not in core.world.users:
        raise Refused("user_not_found")
    found, cursor = _listed(core, args, member)
    return {"channels": [channel_json(core.world, c) for c in found]} | _next(cursor)


def members(core: Core, args: JSON) -> JSON:
    required(args, "channel")
    channel = visible_channel(core, args["channel"])
    found, cursor = page(channel.members, args, 100, 999)
    return {"members": found} | _next(cursor)


def _within(messages: list[Message], args: JSON) -> list[Message]:
    oldest, latest = float(args.get("oldest") or 0), float(args.get("latest") or "inf")
    if as_bool(args.get("inclusive")):
        return [m for m in messages if oldest <= float(m.ts) <= latest]
    return [m for m in messages if oldest < float(m.ts) < latest]


def _readable(core: Core, args: JSON) -> Channel:
    channel = visible_channel(core, args["channel"])
    if core.world.app.user_id not in channel.members:
        raise Refused("not_in_channel")
    return channel


def history(core: Core, args: JSON) -> JSON:
    """Newest first, and of replies only those that were shown in the channel as well: the others
    come from conversations.replies."""
    required(args, "channel")
    channel = _readable(core, args)
    shown = ("thread_broadcast",)
    roots = [m for m in channel.messages.values() if not m.is_reply or m.subtype in shown]
    found, cursor = page(_within(roots, args)[::-1], args, 100, 999)
    return {
        "messages": _messages(core, found, args),
        "has_more": bool(cursor),
        "pin_count": 0,
    } | (_next(cursor) if cursor else {})


def replies(core: Core, args: JSON) -> JSON:
    """The parent and its replies, oldest first."""
    required(args, "channel", "ts")
    channel = _readable(core, args)
    asked = channel.messages.get(str(args["ts"]))
    if asked is None:
        raise Refused("thread_not_found")
    parent = channel.messages.get(asked.thread_ts or asked.ts, asked)
    thread = _within(list(core.world.replies(channel, parent.ts)), args)
    found, cursor = page([parent, *thread], args, 1000, 1000)
    if parent not in found:
        found = [parent, *found]  # every page begins with the parent
    return {
        "messages": _messages(core, found, args),
        "has_more": bool(cursor),
    } | (_next(cursor) if cursor else {})


def _messages(core: Core, found: list[Message], args: JSON) -> list[JSON]:
    for message in found:
        core.expire_stream(message)
    wanted = bool(as_bool(args.get("include_all_metadata")))
    return [message_json(core.world, m, core.origin, metadata=wanted) for m in found]


def open_conversation(core: Core, args: JSON) -> JSON:
    if args.get("channel"):
        channel = visible_channel(core, args["channel"])
    else:
        required(args, "users")
        users = [user for user in str(args["users"]).split(",") if user]
        if any(user not in core.world.users for user in users):
            raise Refused("user_not_found")
        if users == [core.world.app.user_id]:
            raise Refused("cannot_dm_bot")
        if any(core.world.users[user].deleted for user in users):
            raise Refused("user_disabled")
        channel = core.world.direct(*users, core.world.app.user_id)
    whole = as_bool(args.get("return_im"))
    return {"channel": channel_json(core.world, channel) if whole else {"id": channel.id}}


def user_info(core: Core, args: JSON) -> JSON:
    required(args, "user")
    user = core.world.users.get(str(args["user"]))
    if user is None:
        raise Refused("user_not_found")
    return {"user": user_json(core.world, user)}


def list_users(core: Core, args: JSON) -> JSON:
    found, cursor = page(list(core.world.users.values()), args, 200, 999)
    return {"members": [user_json(core.world, user) for user in found]} | _next(cursor)


def file_info(core: Core, args: JSON) -> JSON:
    required(args, "file")
    file = core.world.files.get(str(args["file"]))
    if file is not None and file.deleted:
        raise Refused("file_deleted")
    if file is None or not core.world.sees(file):
        raise Refused("file_not_found")
    return {"file": file_json(core.world, file, core.origin), "comments": []}


def history_scope(core: Core, args: JSON) -> str:
    return _scope_for(core, args, "history")


def read_scope(core: Core, args: JSON) -> str:
    return _scope_for(core, args, "read")


def list_scopes(core: Core, args: JSON) -> str:
    """The first scope that is missing for the kinds asked for."""
    names = {"public_channel": "channels", "private_channel": "groups"}
    scopes = [f"{names.get(kind, kind)}:read" for kind in sorted(_kinds(args))]
    return next((s for s in scopes if s not in core.world.app.scopes), scopes[0])


def _scope_for(core: Core, args: Any, what: str) -> str:
    """Each kind of conversation has a scope of its own."""
    channel = core.world.channels.get(str(args.get("channel")))
    kind = channel.kind if channel else "public_channel"
    names = {"public_channel": "channels", "private_channel": "groups"}
    return f"{names.get(kind, kind)}:{what}"
