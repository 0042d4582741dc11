"""Refuse request bodies that are too large before anything keeps them."""

import json
from typing import Any

TOO_LARGE = {"error": "This is more than Askwell takes at once; a file may have 25 MB."}


class LimitedBodies:
    """An ASGI application around `application` that takes at most `most` bytes a request.

    Django would spool a body to disk before it looks at who sent it.
    """

    def __init__(self, application: Any, most: int) -> None:
        self._application = application
        self._most = most

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        if _announced(scope) > self._most:
            await _refuse(send)
            return
        received = 0

        async def counted() -> Any:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            return message if received <= self._most else {"type": "http.disconnect"}

        await self._application(scope, counted, send)


def _announced(scope: Any) -> int:
    length = dict(scope["headers"]).get(b"content-length", b"0")
    return int(length) if length.isdigit() else 0


async def _refuse(send: Any) -> None:
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(TOO_LARGE).encode()})
