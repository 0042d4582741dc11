"""The REST API: which function answers which route, the token, the body."""

import email.parser
import email.policy
import json
import mimetypes
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.simulators.discord.core import Core, as_json
from tests.simulators.discord.errors import Refused, invalid
from tests.simulators.discord.rates import Call
from tests.simulators.discord.state import JSON, Attachment
from tests.simulators.loopback import Request

FILE_BYTES, REQUEST_BYTES = 10 * 2**20, 25 * 2**20


@dataclass
class Answer:
    status: int
    body: Any = None  # None: nothing (204)
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Ask:
    """One call, understood."""

    core: Core
    path: list[str]  # the route's parameters
    query: dict[str, str]
    body: Any
    files: list[Attachment]

    @property
    def json(self) -> JSON:
        return as_json(self.body)


Handler = Callable[[Ask], Answer]
ROUTES: list[tuple[str, re.Pattern[str], str, Handler]] = []


def route(method: str, path: str) -> Callable[[Handler], Handler]:
    """Registers a handler for `POST /channels/{}/messages` and the like."""
    pattern = re.compile(re.escape(path).replace(r"\{\}", r"([^/]+)") + r"\Z")

    def register(handler: Handler) -> Handler:
        ROUTES.append((method, pattern, f"{method} {path}", handler))
        return handler

    return register


def find(method: str, path: str) -> tuple[str, Handler | None, list[str]]:
    """The route's name, its function, its parameters."""
    for known, pattern, name, handler in ROUTES:
        if known == method and (match := pattern.match(path)):
            return name, handler, list(match.groups())
    return f"{method} {path}", None, []


def needs_token(name: str) -> bool:
    """Webhooks and interactions carry their own in the path."""
    return not name.split(" ")[1].startswith(("/webhooks/", "/interactions/"))


def answer(core: Core, call: Call, request: Request, handler: Handler | None) -> Answer:
    """Does what was asked, or refuses as Discord does."""
    path = find(call.method, call.path)[2]
    try:
        if needs_token(call.route) and request.headers.get("authorization") != f"Bot {core.token}":
            raise Refused(0)
        if handler is None:
            return Answer(404, {"message": "404: Not Found", "code": 0})
        body, files = parse(core, request)
        call.body = as_json(body)
        return handler(Ask(core, path, request.query, body, files))
    except Refused as refused:
        call.code = refused.code
        return Answer(refused.status, refused.body)


def parse(core: Core, request: Request) -> tuple[Any, list[Attachment]]:
    """The JSON, and the files where they came along in a multipart form."""
    kind = request.headers.get("content-type", "")
    if len(request.raw) > REQUEST_BYTES:
        raise Refused(40005, status=413)
    if not kind.startswith("multipart/form-data"):
        if request.raw and not kind.startswith("application/json"):
            raise invalid("_misc", "CONTENT_TYPE_INVALID", "Expected application/json.")
        if request.raw and request.body is None and request.raw != b"null":
            raise Refused(50109)
        return request.body, []
    return _multipart(core, kind, request.raw)


def _multipart(core: Core, kind: str, raw: bytes) -> tuple[Any, list[Attachment]]:
    parser = email.parser.BytesParser(policy=email.policy.HTTP)
    form = parser.parsebytes(b"content-type: " + kind.encode() + b"\r\n\r\n" + raw)
    body: Any = None
    files: list[Attachment] = []
    for part in form.iter_parts():
        name = part.get_param("name", header="content-disposition")
        data = bytes(part.get_payload(decode=True) or b"")
        if name == "payload_json":
            body = json.loads(data)
        elif str(name).startswith("files["):
            if len(data) > FILE_BYTES:
                raise Refused(40005, status=413)
            filename = part.get_filename() or "file"
            guessed = mimetypes.guess_type(filename)[0] or "application/octet-stream"
            files.append(Attachment(core.world.new_id(), filename, data, guessed))
    return body, files
