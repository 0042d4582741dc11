"""Deliveries to a request URL, signed (https://docs.slack.dev/authentication/
verifying-requests-from-slack)."""

import hashlib
import hmac
import json
import time
from urllib.parse import urlencode

import httpx2

from tests.simulators.slack.core import Attempt, Core, Delivery
from tests.simulators.slack.state import JSON


def sign(secret: str, timestamp: int, body: bytes) -> str:
    base = f"v0:{timestamp}:".encode() + body
    return "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()


def encoded(delivery: Delivery) -> tuple[bytes, str]:
    """Events are JSON; commands are forms; interactions are a form with one field."""
    if delivery.kind == "events_api":
        return json.dumps(delivery.payload).encode(), "application/json"
    form = "application/x-www-form-urlencoded"
    if delivery.kind == "slash_commands":
        return urlencode(delivery.payload).encode(), form
    return urlencode({"payload": json.dumps(delivery.payload)}).encode(), form


class HttpDelivery:
    """Posts to `url` once it is set, instead of using Socket Mode."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.url = ""

    def headers(
        self, body: bytes, kind: str, secret: str | None = None, age: float = 0.0
    ) -> dict[str, str]:
        """`secret` and `age` (seconds) are for forgeries."""
        timestamp = int(time.time() - age)
        secret = self._core.world.app.signing_secret if secret is None else secret
        return {
            "content-type": kind,
            "user-agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "x-slack-request-timestamp": str(timestamp),
            "x-slack-signature": sign(secret, timestamp, body),
        }

    async def post(self, body: bytes, headers: dict[str, str]) -> httpx2.Response:
        timeout = self._core.settings.ack_timeout
        # No TLS is used; making its context would take longer than the request.
        async with httpx2.AsyncClient(verify=False, trust_env=False, timeout=timeout) as client:
            return await client.post(self.url, content=body, headers=headers)

    async def verify_url(self, challenge: str = "simulated-challenge") -> bool:
        """The handshake when a request URL is entered in the app's settings."""
        fields: JSON = {"type": "url_verification", "challenge": challenge, "token": "simulated"}
        body = json.dumps(fields).encode()
        reply = await self.post(body, self.headers(body, "application/json"))
        return reply.status_code == 200 and challenge in reply.text

    async def attempt(self, delivery: Delivery, retry: int, reason: str | None) -> str | None:
        body, kind = encoded(delivery)
        headers = self.headers(body, kind)
        if retry:
            headers |= {"x-slack-retry-num": str(retry), "x-slack-retry-reason": reason or ""}
        attempt = Attempt("http", retry, reason, headers=headers, body=body)
        delivery.attempts.append(attempt)
        try:
            reply = await self.post(body, headers)
        except httpx2.TimeoutException:
            return "http_timeout"
        except httpx2.HTTPError:
            return "connection_failed"
        attempt.status = reply.status_code
        if reply.status_code // 100 != 2:
            return "no_retry" if reply.headers.get("x-slack-no-retry") == "1" else "http_error"
        attempt.acked = time.monotonic()
        if reply.headers.get("content-type", "").startswith("application/json") and reply.text:
            delivery.response = reply.json()
        elif reply.text:
            delivery.response = {"text": reply.text}
        return None
