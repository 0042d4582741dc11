"""Signed deliveries to the real slack-bolt behind an HTTP server."""

import json
from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp

from tests.simulators.slack.simulator import SlackSimulator

pytestmark = pytest.mark.asyncio
Event = dict[str, Any]


async def test_an_event_a_command_and_a_click_arrive_signed(
    slack: SlackSimulator, bolt: AsyncApp, http: str
) -> None:
    seen: list[str] = []

    @bolt.event("message")
    async def message(event: Event, say: Any) -> None:
        seen.append(event["text"])

    @bolt.command("/ask")
    async def ask(ack: Any, command: Event) -> None:
        seen.append(command["text"])
        button: Any = {"type": "button", "action_id": "share", "value": "1"}
        button["text"] = {"type": "plain_text", "text": "Share"}
        await ack(text="here", blocks=[{"type": "actions", "elements": [button]}])

    @bolt.action("share")
    async def share(ack: Any) -> None:
        seen.append("shared")
        await ack()

    slack.dm("ana", "hello & <welcome>")
    slack.command("ana", "#general", "/ask", "what?")
    await slack.until(lambda: len(seen) == 2 and slack.general.ephemeral)
    slack.click("ana", slack.general.ephemeral[0], "share")
    await slack.until(lambda: "shared" in seen)
    assert sorted(seen) == ["hello &amp; &lt;welcome&gt;", "shared", "what?"]
    await slack.until(lambda: all(d.outcome == "acked" for d in slack.deliveries))


async def test_an_error_brings_the_event_again(
    slack: SlackSimulator, bolt: AsyncApp, http: str, take_all: None
) -> None:
    numbers: list[Any] = []

    @bolt.middleware
    async def failing(req: Any, next_: Any) -> None:
        numbers.append(req.headers.get("x-slack-retry-num"))
        if len(numbers) < 4:
            raise RuntimeError("the inbox is not there")
        await next_()

    slack.dm("ana", "hello")
    await slack.until(lambda: slack.deliveries[0].outcome == "acked")
    assert numbers == [None, ["1"], ["2"], ["3"]]
    assert [a.status for a in slack.deliveries[0].attempts] == [500, 500, 500, 200]


async def test_forged_old_and_unsigned_requests_are_refused(
    slack: SlackSimulator, bolt: AsyncApp, http: str
) -> None:
    body = json.dumps({"type": "event_callback", "event": {"type": "message"}}).encode()
    kind = "application/json"
    statuses = [
        (await slack.post(body, headers)).status_code
        for headers in (
            slack.http.headers(body, kind, secret="guessed"),
            slack.http.headers(body, kind, age=400),
            slack.http.headers(body + b" ", kind),
            {"content-type": kind},
        )
    ]
    assert statuses == [401, 401, 401, 401]


async def test_a_replayed_request_passes_the_signature(
    slack: SlackSimulator, bolt: AsyncApp, http: str
) -> None:
    """Bolt checks signature and age only: a replay is the inbox's to recognise."""
    ids: list[str] = []

    @bolt.event("message")
    async def note(body: Event) -> None:
        ids.append(body["event_id"])

    slack.dm("ana", "hello")
    await slack.until(lambda: slack.deliveries[0].outcome == "acked")
    assert (await slack.replay(slack.deliveries[0])).status_code == 200
    await slack.until(lambda: len(ids) == 2)
    assert ids[0] == ids[1]


async def test_the_request_url_is_verified(slack: SlackSimulator, http: str) -> None:
    assert await slack.verify_url()


async def test_a_dead_request_url_is_given_up_after_four_attempts(slack: SlackSimulator) -> None:
    slack.http.url = "http://127.0.0.1:1/slack/events"
    slack.dm("ana", "hello")
    await slack.until(lambda: slack.deliveries[0].outcome == "given_up")
    assert [a.retry for a in slack.deliveries[0].attempts] == [0, 1, 2, 3]
