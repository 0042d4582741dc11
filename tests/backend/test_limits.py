"""Bodies are refused for their size before anything keeps them."""

from collections.abc import Iterator
from typing import Any

from backend.limits import LimitedBodies

MOST = 100


async def reads_all(scope: Any, receive: Any, send: Any) -> None:
    """An application that answers with the number of bytes that it was sent."""
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body += message["body"]
        if not message.get("more_body"):
            break
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(len(body)).encode()})


async def sent(headers: list[tuple[bytes, bytes]], parts: list[bytes]) -> list[Any]:
    """What comes back for a request of these parts."""
    messages: Iterator[dict[str, Any]] = (
        {"type": "http.request", "body": part, "more_body": number < len(parts)}
        for number, part in enumerate(parts, start=1)
    )

    async def receive() -> dict[str, Any]:
        return next(messages)

    answers: list[Any] = []

    async def send(message: Any) -> None:
        answers.append(message)

    scope = {"type": "http", "headers": headers}
    await LimitedBodies(reads_all, MOST)(scope, receive, send)
    return answers


async def test_what_is_small_enough_passes() -> None:
    answers = await sent([(b"content-length", b"100")], [b"x" * 60, b"x" * 40])
    assert answers[0]["status"] == 200
    assert answers[1]["body"] == b"100"


async def test_an_announced_size_above_the_limit_is_refused_unread() -> None:
    answers = await sent([(b"content-length", b"101")], [])
    assert answers[0]["status"] == 413
    assert b"25 MB" in answers[1]["body"]


async def test_a_body_that_grows_beyond_the_limit_is_cut_off() -> None:
    assert await sent([], [b"x" * 60, b"x" * 60, b"x" * 60]) == []
