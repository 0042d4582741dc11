"""Cloudinary on loopback: one cloud's raw files of the type “authenticated”.

Rules: https://cloudinary.com/documentation/image_upload_api_reference (upload, destroy, download),
https://cloudinary.com/documentation/admin_api (resources) and
https://cloudinary.com/documentation/authentication_signatures
"""

import base64
import hashlib
import json
import time
from dataclasses import dataclass
from email import message_from_bytes
from urllib.parse import parse_qsl

from tests.simulators.loopback import Exchange, LoopbackServer, Request

DATE = "2026-11-28T04:00:00Z"
# Seconds that a signed request holds, and bytes of a raw file on the free plan.
STALE_AFTER, RAW_LIMIT = 3600, 10 * 1024**2
# What is sent beside a request and not signed.
UNSIGNED = {"file", "api_key", "signature", "cloud_name", "resource_type"}
Fields = dict[str, bytes]


@dataclass
class Refusal(Exception):
    status: int
    message: str


class CloudinarySimulator(LoopbackServer):
    """Stands in for Cloudinary's API; `url` goes into CLOUDINARY_API_URL. `objects` are the files
    by their public ids."""

    def __init__(self, cloud: str, key: str, secret: str) -> None:
        super().__init__()
        self.objects: dict[str, bytes] = {}
        self.page = 500
        self._cloud, self._key, self._secret = cloud, key, secret

    async def handle(self, exchange: Exchange) -> bool:
        try:
            status, kind, body = 200, *self._answer(exchange.request)
        except Refusal as refusal:
            told = {"error": {"message": refusal.message}}
            status, kind, body = refusal.status, "application/json", json.dumps(told).encode()
        await exchange.start(status, {"Content-Type": kind, "Content-Length": str(len(body))})
        await exchange.send(body)
        return await exchange.finish()

    def _answer(self, request: Request) -> tuple[str, bytes]:
        if request.path.startswith(f"/{self._cloud}/raw/authenticated/"):  # where files are shown
            raise Refusal(401, "unauthorized")
        if not request.path.startswith(f"/v1_1/{self._cloud}/"):
            raise Refusal(401, f"cloud_name mismatch, {request.path}")
        action = request.path.removeprefix(f"/v1_1/{self._cloud}/")
        if action.startswith("resources/raw/authenticated"):
            self._check_basic(request)
            name = action.removeprefix("resources/raw/authenticated").removeprefix("/")
            return "application/json", json.dumps(
                self._details(name) if name else self._list(request.query)
            ).encode()
        fields = _fields(request)
        self._check_signature(fields)
        name = fields["public_id"].decode()
        if fields.get("type") != b"authenticated":
            raise Refusal(404, f"Resource not found - {name}")
        if (request.method, action) == ("GET", "raw/download"):
            return "application/octet-stream", self._download(name, fields)
        done = {"raw/upload": self._upload, "raw/destroy": self._destroy}[action](name, fields)
        return "application/json", json.dumps(done).encode()

    def _upload(self, name: str, fields: Fields) -> object:
        data = fields["file"]
        if len(data) > RAW_LIMIT:
            raise Refusal(
                400,
                f"File size too large. Got {len(data)}. Maximum is {RAW_LIMIT}. Upgrade your plan "
                "to enjoy higher limits https://www.cloudinary.com/pricing/upgrades/file-limit",
            )
        self.objects[name] = data
        return self._details(name)

    def _destroy(self, name: str, fields: Fields) -> object:
        return {"result": "not found" if self.objects.pop(name, None) is None else "ok"}

    def _download(self, name: str, fields: Fields) -> bytes:
        if float(fields.get("expires_at", b"inf")) < time.time():
            raise Refusal(401, "Link is expired")
        self._details(name)
        return self.objects[name]

    def _details(self, name: str) -> dict[str, object]:
        if name not in self.objects:
            raise Refusal(404, f"Resource not found - {name}")
        size = len(self.objects[name])
        return {
            "public_id": name,
            "resource_type": "raw",
            "type": "authenticated",
            "bytes": size,
            "created_at": DATE,
        }

    def _list(self, query: dict[str, str]) -> dict[str, object]:
        names = sorted(name for name in self.objects if name.startswith(query.get("prefix", "")))
        first = int(query.get("next_cursor", "0"))
        last = first + min(self.page, int(query.get("max_results", "10")))
        found: dict[str, object] = {"resources": [self._details(n) for n in names[first:last]]}
        return found | ({"next_cursor": str(last)} if last < len(names) else {})

    def _check_basic(self, request: Request) -> None:
        told = base64.b64encode(f"{self._key}:{self._secret}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {told}":
            raise Refusal(401, "Invalid credentials")

    def _check_signature(self, fields: Fields) -> None:
        key = fields.get("api_key", b"").decode()
        if key != self._key:
            raise Refusal(401, f"Invalid api_key {key}")
        signed = {n: v.decode() for n, v in fields.items() if n not in UNSIGNED and v}
        told = "&".join(f"{n}={v.replace('&', '%26')}" for n, v in sorted(signed.items()))
        right = hashlib.sha1((told + self._secret).encode(), usedforsecurity=False).hexdigest()
        if fields.get("signature", b"").decode() != right:
            raise Refusal(401, f"Invalid Signature. String to sign - '{told}'.")
        if abs(time.time() - int(signed.get("timestamp", "0"))) > STALE_AFTER:
            raise Refusal(400, "Stale request - reported time is more than 1 hour ago")


def _fields(request: Request) -> Fields:
    kind = request.headers.get("content-type", "")
    if request.method == "GET":
        return {name: value.encode() for name, value in request.query.items()}
    if not kind.startswith("multipart/form-data"):
        return {name: value.encode() for name, value in parse_qsl(request.raw.decode())}
    parts = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + request.raw)
    found: Fields = {}
    for part in parts.walk():
        name = part.get_param("name", header="content-disposition")
        data = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(data, bytes):
            found[name] = data
    return found
