"""The real slack-bolt over Socket Mode."""

import asyncio
from collections import Counter
from typing import Any

import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from tests.simulators.slack.simulator import SlackSimulator
from tests.simulators.slack.state import Message

pytestmark = pytest.mark.asyncio
Socket = AsyncSocketModeHandler
Event = dict[str, Any]


def done(message: Message) -> bool:
    return message.stream is not None and message.stream.state == "completed"


async def test_a_mention_is_answered_in_its_thread(
    slack: SlackSimulator, bolt: AsyncApp, socket: Socket
) -> None:
    @bolt.event("app_mention")
    async def answer(event: Event, say_stream: Any) -> None:
        stream = await say_stream(buffer_size=1)
        await stream.append(markdown_text="**25** days ")
        await stream.append(markdown_text="[1].")
        await stream.stop()

    question = slack.say("ana", "#general", "@askwell how many days?")
    await slack.until(lambda: [m for m in slack.answers(question) if done(m)])
    assert slack.transcript("#general") == (
        "#general\nana: <@U0000B0T0> how many days?\n  ↳ askwell: *25* days [1]."
    )
    assert [(p.who, p.by_app) for p in slack.pings] == [("@U0000B0T0", False)]


async def test_a_mention_comes_twice_with_one_ts_and_two_event_ids(
    slack: SlackSimulator, bolt: AsyncApp, socket: Socket
) -> None:
    bodies: list[Event] = []

    @bolt.event("app_mention")
    @bolt.event("message")
    async def note(body: Event) -> None:
        bodies.append(body)

    slack.say("ana", "#general", "@askwell hello")
    # Whoever is slow to acknowledge gets an event again, under the same id.
    await slack.until(lambda: len({b["event_id"] for b in bodies}) == 2)
    assert {b["event"]["type"] for b in bodies} == {"app_mention", "message"}
    assert len({b["event"]["ts"] for b in bodies}) == 1


async def test_what_is_not_acknowledged_comes_again_at_once_and_later(
    slack: SlackSimulator, bolt: AsyncApp, socket: Socket, take_all: None
) -> None:
    tries: list[str | None] = []

    @bolt.middleware
    async def failing(req: Any, next_: Any) -> None:
        tries.append(req.headers.get("x-slack-retry-num", [None])[0])
        if len(tries) < 3:
            raise RuntimeError("the inbox is not there")
        await next_()

    slack.dm("ana", "hello")
    delivery = slack.deliveries[-1]
    await slack.until(lambda: delivery.outcome == "acked")
    assert tries == ["0", "1", "2"]
    assert [a.reason for a in delivery.attempts] == [None, "timeout", "timeout"]


async def test_each_envelope_goes_to_one_of_the_sockets(
    slack: SlackSimulator, bolt: AsyncApp, socket: Socket, take_all: None
) -> None:
    second = AsyncSocketModeHandler(bolt, slack.app.app_token)
    await second.connect_async()  # type: ignore[no-untyped-call]
    await slack.until(lambda: len(slack.sockets.live()) == 2)
    for number in range(20):
        slack.dm("ana", f"{number}")
    await slack.until(lambda: all(d.outcome == "acked" for d in slack.deliveries))
    used = Counter(d.attempts[0].via for d in slack.deliveries)
    assert len(used) == 2 and all(len(d.attempts) == 1 for d in slack.deliveries)
    await second.close_async()  # type: ignore[no-untyped-call]


async def test_nobody_connected_loses_the_event_but_not_the_message(
    slack: SlackSimulator, client: AsyncWebClient
) -> None:
    message = slack.dm("ana", "anybody there?")
    await slack.until(lambda: slack.deliveries[-1].outcome == "lost")
    history = await client.conversations_history(channel=message.channel)
    assert [m["text"] for m in history["messages"]] == ["anybody there?"]


@pytest.mark.parametrize("reason", ["warning", "refresh_requested"])
async def test_a_disconnect_frame_makes_bolt_connect_anew(
    slack: SlackSimulator, socket: Socket, take_all: None, reason: str
) -> None:
    first = slack.sockets.live()[0]
    slack.disconnect(reason)
    await slack.until(lambda: slack.sockets.live() not in ([], [first]))
    slack.dm("ana", "still there?")
    await slack.until(lambda: slack.deliveries[-1].outcome == "acked")


async def test_a_black_hole_is_noticed_by_pings_and_replaced(
    slack: SlackSimulator, socket: Socket
) -> None:
    hole = slack.sockets.live()[0]
    hole.black_hole = True
    slack.dm("ana", "hello?")
    await slack.until(lambda: [c for c in slack.sockets.live() if c is not hole])
    assert len(slack.deliveries[0].attempts) >= 1


async def test_bolt_does_not_acknowledge_what_has_no_listener(
    slack: SlackSimulator, socket: Socket
) -> None:
    slack.dm("ana", "hello")
    await slack.until(lambda: slack.deliveries[0].outcome == "given_up")


async def test_a_late_acknowledgement_does_not_stop_the_redelivery(
    slack: SlackSimulator, bolt: AsyncApp, socket: Socket, take_all: None
) -> None:
    seen: list[int] = []

    @bolt.middleware
    async def slow(next_: Any) -> None:
        seen.append(1)
        if len(seen) == 1:
            await asyncio.sleep(0.4)
        await next_()

    slack.dm("ana", "hello")
    await slack.until(lambda: [a for a in slack.deliveries[0].attempts if a.acked])
    assert [a.retry for a in slack.deliveries[0].attempts] == [0, 1]


async def test_a_refused_app_token_opens_no_socket(slack: SlackSimulator, bolt: AsyncApp) -> None:
    slack.app.socket_refused = "invalid_auth"
    handler = AsyncSocketModeHandler(bolt, slack.app.app_token, ping_interval=0.05)
    connecting = asyncio.create_task(handler.connect_async())  # type: ignore[no-untyped-call]
    await slack.until(lambda: len(slack.calls_to("apps.connections.open")) > 2)
    slack.app.socket_refused = None
    await slack.until(lambda: slack.sockets.live())
    await connecting
    await handler.close_async()  # type: ignore[no-untyped-call]


async def test_bolt_acknowledges_what_it_cannot_authorize(
    slack: SlackSimulator, bolt: AsyncApp, socket: Socket
) -> None:
    """A trap for the app: with a refused bot token no middleware sees the event, yet it is
    acknowledged, so Slack won't send it again."""
    reached: list[int] = []

    @bolt.middleware
    async def note(next_: Any) -> None:
        reached.append(1)
        await next_()

    slack.app.refused = "token_revoked"
    slack.dm("ana", "hello")
    await slack.until(lambda: slack.deliveries[-1].outcome == "acked")
    assert reached == []
