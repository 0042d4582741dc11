"""The objects of the Web API and of events, as JSON."""

import re
import time
from typing import Any
from urllib.parse import quote

from tests.simulators.slack.state import JSON, Channel, File, Message, User, View, World


def user_json(world: World, user: User) -> JSON:
    profile = {"real_name": user.name.title(), "display_name": user.name, "team": user.team_id}
    if "users:read.email" in world.app.scopes and not user.is_bot:
        profile["email"] = f"{user.name}@example.org"
    body: JSON = {
        "id": user.id,
        "team_id": user.team_id,
        "name": user.name,
        "deleted": user.deleted,
        "profile": profile,
        "is_bot": user.is_bot,
        "is_app_user": False,
        "updated": int(time.time()),
    }
    if user.team_id != world.team_id:
        body["is_stranger"] = user.is_stranger
    if user.deleted:  # Slack leaves the rest out for those who are gone
        return body
    flags = {"is_restricted": user.is_restricted, "is_ultra_restricted": user.is_ultra_restricted}
    admin = {"is_admin": user.is_admin, "is_owner": user.is_admin, "is_primary_owner": False}
    return body | {"real_name": user.name.title(), "tz": "Etc/UTC"} | admin | flags


def channel_json(world: World, channel: Channel) -> JSON:
    common: JSON = {
        "id": channel.id,
        "created": 1700000000,
        "is_archived": channel.is_archived,
        "is_im": channel.kind == "im",
        "is_org_shared": False,
        "context_team_id": world.team_id,
    }
    if channel.kind == "im":
        other = next((m for m in channel.members if m != world.app.user_id), "")
        gone = other in world.users and world.users[other].deleted
        return common | {"user": other, "is_user_deleted": gone}
    teams = {world.users[m].team_id for m in channel.members if m in world.users}
    return common | {
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": channel.kind == "public_channel",
        "is_group": channel.kind == "private_channel",
        "is_mpim": channel.kind == "mpim",
        "is_private": channel.is_private,
        "is_general": channel.name == "general",
        "is_shared": channel.is_ext_shared,
        "is_ext_shared": channel.is_ext_shared,
        "is_pending_ext_shared": False,
        "shared_team_ids": sorted(teams | {world.team_id}),
        "is_member": world.app.user_id in channel.members,
        "topic": {"value": "", "creator": "", "last_set": 0},
        "purpose": {"value": "", "creator": "", "last_set": 0},
    }


def channel_type(channel: Channel) -> str:
    """How events name the kind of a channel."""
    kinds = {"public_channel": "channel", "private_channel": "group"}
    return kinds.get(channel.kind, channel.kind)


# What only files.info says.
SHARING = ("shares", "channels", "groups")


def shared_json(world: World, channel: Channel, file: File, base: str) -> JSON:
    """A file in a message. Where other organisations read along, only files.info says more."""
    if file.deleted:
        return {"id": file.id, "mode": "tombstone"}
    if channel.is_ext_shared:
        unknown = {"created": 0, "timestamp": 0, "user": ""}
        return {"id": file.id, "mode": "file_access", "file_access": "check_file_info"} | unknown
    whole = file_json(world, file, base)
    return {name: value for name, value in whole.items() if name not in SHARING}


def file_json(world: World, file: File, base: str) -> JSON:
    path, name = f"{base}/files-pri/{world.team_id}-{file.id}", quote(file.name)
    url = file.external_url or f"{path}/{name}"
    shares: JSON = {}
    for channel, entries in file.shares.items():
        kind = "private" if world.channels[channel].is_private else "public"
        shares.setdefault(kind, {})[channel] = entries
    kinds = {"public": "channels", "private": "groups"}
    where = {name: list(shares.get(kind, {})) for kind, name in kinds.items()}
    return where | {
        "id": file.id,
        "created": int(time.time()),
        "name": file.name,
        "title": file.name,
        "mimetype": file.mimetype,
        "filetype": file.name.rpartition(".")[2],
        "user": file.user,
        "size": len(file.data),
        "mode": "external" if file.is_external else "hosted",
        "is_external": file.is_external,
        "external_type": "gdrive" if file.is_external else "",
        "is_public": bool(shares.get("public")),
        "url_private": url,
        "url_private_download": file.external_url or f"{path}/download/{name}",
        "shares": shares,
        "file_access": "visible",
    }


def message_json(
    world: World, message: Message, base: str, metadata: bool = False, thread: bool = True
) -> JSON:
    """`metadata` as `include_all_metadata` asks; `thread` adds what a parent knows of replies."""
    user = world.users.get(message.user)
    body: JSON = {
        "type": "message",
        "user": message.user,
        "ts": message.ts,
        "text": message.text,
        "team": user.team_id if user else world.team_id,
    }
    if message.subtype:
        body["subtype"] = message.subtype
    if message.bot_id:
        body |= {"bot_id": message.bot_id, "app_id": message.by_app}
        body["bot_profile"] = {"id": message.bot_id, "app_id": message.by_app, "name": "bot"}
    if message.blocks:
        body["blocks"] = message.blocks
    if message.attachments:
        body["attachments"] = message.attachments
    if message.files:
        where = world.channels[message.channel]
        files = [shared_json(world, where, file, base) for file in message.files]
        body |= {"files": files, "upload": False}
    if message.edited:
        body["edited"] = {"user": message.user, "ts": message.edited}
    if metadata and message.metadata:
        body["metadata"] = message.metadata
    if message.stream:
        live = message.stream.state == "in_progress"
        body["streaming_state"] = "in_progress" if live else "completed"
    if message.thread_ts:
        body["thread_ts"] = message.thread_ts
        body |= _reply_fields(world, message) if message.is_reply else {}
        body |= _parent_fields(world, message) if thread and not message.is_reply else {}
    return body


def _reply_fields(world: World, message: Message) -> JSON:
    parent = world.channels[message.channel].messages.get(message.thread_ts or "")
    return {"parent_user_id": parent.user} if parent else {}


def _parent_fields(world: World, message: Message) -> JSON:
    replies = list(world.replies(world.channels[message.channel], message.ts))
    users = list(dict.fromkeys(reply.user for reply in replies))
    fields = {"reply_count": len(replies), "reply_users": users, "is_locked": False}
    return fields | ({"latest_reply": replies[-1].ts} if replies else {})


def view_json(world: World, view: View) -> JSON:
    given = {"private_metadata": "", "callback_id": "", "external_id": ""} | view.body
    ids = {"id": view.id, "root_view_id": view.id, "previous_view_id": None, "hash": view.hash}
    app = {"app_id": world.app.app_id, "bot_id": world.app.bot_id, "team_id": world.team_id}
    return given | ids | app | {"app_installed_team_id": world.team_id}


def rich_text(text: str) -> list[JSON]:
    """The block that Slack's own clients send with what a person typed."""
    elements: list[JSON] = []
    for part in re.split(r"(<[@!][^>]+>)", text):
        if part.startswith("<@"):
            elements.append({"type": "user", "user_id": part[2:-1].partition("|")[0]})
        elif part.startswith("<!"):
            elements.append({"type": "broadcast", "range": part[2:-1].partition("|")[0]})
        elif part:
            plain = part.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
            elements.append({"type": "text", "text": plain})
    section = {"type": "rich_text_section", "elements": elements}
    return [{"type": "rich_text", "block_id": "typed", "elements": [section]}]


_CODE = re.compile(r"(```.*?(?:```|\Z)|`[^`\n]*`)", re.DOTALL)


def as_mrkdwn(markdown: str) -> str:
    """How `text` reads back what was written as Markdown; code stays as it is."""
    parts = _CODE.split(markdown)
    parts[::2] = [_without_code(part) for part in parts[::2]]
    return "".join(parts)


def _without_code(markdown: str) -> str:
    linked = re.sub(r"\[([^\]]*)\]\(([^)\s]+)\)", r"<\2|\1>", markdown)
    bold = re.sub(r"\*\*([^\n]+?)\*\*", r"*\1*", linked)
    return re.sub(r"(?m)^#+ ", "", re.sub(r"(?m)^[-*] ", "• ", bold))


def as_bool(value: Any) -> bool | None:
    """Forms say true, 1, false or 0; None where nothing was said."""
    if value is None or value == "":
        return None
    return str(value).lower() in ("true", "1")
