"""The Web API: which method needs what, who may call it, and how it is answered."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message as MimeHeaders
from typing import Any
from urllib.parse import parse_qsl

from tests.simulators.loopback import Request
from tests.simulators.slack import web_app, web_chat, web_files, web_read, web_stream
from tests.simulators.slack.core import Core
from tests.simulators.slack.errors import Refused
from tests.simulators.slack.rates import Call
from tests.simulators.slack.state import JSON

Handler = Callable[[Core, JSON], JSON]
Scope = str | Callable[[Core, JSON], str] | None


@dataclass(frozen=True)
class Method:
    handler: Handler
    tier: int
    scope: Scope = None


METHODS = {
    "auth.test": Method(web_app.auth_test, 4),
    "chat.postMessage": Method(web_chat.post_message, 4, "chat:write"),
    "chat.postEphemeral": Method(web_chat.post_ephemeral, 4, "chat:write"),
    "chat.update": Method(web_chat.update, 3, "chat:write"),
    "chat.delete": Method(web_chat.delete, 3, "chat:write"),
    "chat.getPermalink": Method(web_chat.permalink, 4),
    "chat.startStream": Method(web_stream.start, 2, "chat:write"),
    "chat.appendStream": Method(web_stream.append, 4, "chat:write"),
    "chat.stopStream": Method(web_stream.stop, 2, "chat:write"),
    "assistant.threads.setStatus": Method(web_stream.set_status, 4, "chat:write"),
    "assistant.threads.setSuggestedPrompts": Method(
        web_stream.set_suggested_prompts, 4, "assistant:write"
    ),
    "conversations.info": Method(web_read.info, 3, web_read.read_scope),
    "conversations.list": Method(web_read.list_channels, 2, web_read.list_scopes),
    "conversations.members": Method(web_read.members, 4, web_read.read_scope),
    "conversations.history": Method(web_read.history, 3, web_read.history_scope),
    "conversations.replies": Method(web_read.replies, 3, web_read.history_scope),
    "conversations.open": Method(web_read.open_conversation, 3, "im:write"),
    "users.info": Method(web_read.user_info, 4, "users:read"),
    "users.list": Method(web_read.list_users, 2, "users:read"),
    "users.conversations": Method(web_read.user_conversations, 3, web_read.list_scopes),
    "files.getUploadURLExternal": Method(web_files.upload_url, 4, "files:write"),
    "files.completeUploadExternal": Method(web_files.complete, 4, "files:write"),
    "files.info": Method(web_read.file_info, 4, "files:read"),
    "views.open": Method(web_app.open_view, 4),
    "views.update": Method(web_app.update_view, 4),
    "views.publish": Method(web_app.publish_view, 4),
    "reactions.add": Method(web_app.add_reaction, 3, "reactions:write"),
}


READING = ("conversations.", "users.", "files.")


@dataclass
class Answer:
    status: int
    body: JSON
    headers: dict[str, str]


def arguments(request: Request, method: str) -> JSON:
    """From the query, a form or JSON; forms carry structures as JSON strings. Methods that only
    read take no JSON."""
    args: JSON = dict(request.query)
    kind = request.headers.get("content-type", "")
    if not request.raw or (kind.startswith("application/json") and method.startswith(READING)):
        return args
    if kind.startswith("application/json"):
        if not isinstance(request.body, dict):
            raise Refused("invalid_json")
        args |= request.body
    elif kind.startswith("multipart/form-data"):
        args |= _multipart(request, kind)
    else:
        args |= dict(parse_qsl(request.raw.decode(errors="replace"), keep_blank_values=True))
    return args


def _multipart(request: Request, kind: str) -> JSON:
    header = MimeHeaders()
    header["content-type"] = kind
    boundary = str(header.get_param("boundary")).encode()
    found: JSON = {}
    for part in request.raw.split(b"--" + boundary)[1:-1]:
        head, _, value = part.partition(b"\r\n\r\n")
        name = head.decode(errors="replace").partition('name="')[2].partition('"')[0]
        found[name] = value.removesuffix(b"\r\n").decode(errors="replace")
    return found


def token_of(request: Request, args: JSON) -> str:
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else str(args.get("token") or "")


def check_token(core: Core, token: str, app_level: bool = False) -> None:
    app = core.world.app
    if not token:
        raise Refused("not_authed")
    if token not in (app.bot_token, app.app_token):
        raise Refused("invalid_auth")
    if token != (app.app_token if app_level else app.bot_token):
        raise Refused("not_allowed_token_type")
    refused = app.socket_refused if app_level else app.refused
    if refused:
        raise Refused(refused)


def check_scope(core: Core, method: Method, args: JSON) -> None:
    needed = method.scope(core, args) if callable(method.scope) else method.scope
    if needed and needed not in core.world.app.scopes:
        provided = ",".join(sorted(core.world.app.scopes))
        raise Refused("missing_scope", needed=needed, provided=provided)


def answer(core: Core, call: Call, request: Request, args: JSON) -> Answer:
    """Carries the call out. The caller holds the workspace's lock."""
    method = METHODS.get(call.method)
    headers = {"x-oauth-scopes": ",".join(sorted(core.world.app.scopes))}
    try:
        if method is None:
            raise Refused("unknown_method", req_method=call.method)
        check_token(core, token_of(request, args))
        wait = core.rates.check(call, method.tier)
        if wait is not None:
            call.error = "ratelimited"
            body = {"ok": False, "error": "ratelimited"}
            return Answer(429, body, headers | {"retry-after": str(wait)})
        check_scope(core, method, args)
        return Answer(200, {"ok": True} | method.handler(core, args), headers)
    except Refused as refused:
        call.error = refused.error
        return Answer(200, {"ok": False, "error": refused.error} | refused.fields, headers)


def recorded(args: Any) -> JSON:
    """The arguments without the token, structures decoded, for the record of calls."""
    kept = {name: value for name, value in args.items() if name != "token"}
    for name in ("blocks", "metadata", "view", "prompts", "chunks"):
        if isinstance(kept.get(name), str):
            try:
                kept[name] = json.loads(kept[name])
            except ValueError:
                continue
    return kept
