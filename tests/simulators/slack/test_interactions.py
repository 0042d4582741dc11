"""Commands, buttons, modals, shortcuts, feedback and membership over Socket Mode."""

from typing import Any

import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from tests.simulators.slack.simulator import SlackSimulator
from tests.simulators.slack.test_socket_mode import done

pytestmark = pytest.mark.asyncio
Socket = AsyncSocketModeHandler
Event = dict[str, Any]


async def test_commands_clicks_modals_and_shortcuts(
    slack: SlackSimulator, bolt: AsyncApp, socket: Socket
) -> None:
    title = {"type": "plain_text", "text": "Why?"}
    button: Any = {"type": "button", "text": title, "action_id": "share", "value": "42"}

    @bolt.command("/ask")
    async def ask(ack: Any, command: Event, respond: Any) -> None:
        await ack("thinking")
        actions = {"type": "actions", "elements": [button]}
        await respond(text=command["text"], blocks=[actions], unfurl_links=False)

    @bolt.action("share")
    async def share(ack: Any, action: Event, body: Event, client: AsyncWebClient) -> None:
        await ack()
        field = {"type": "plain_text_input", "action_id": "why"}
        block: Any = {"type": "input", "block_id": "b", "label": title, "element": field}
        modal: Any = {"type": "modal", "callback_id": "reason", "title": title, "submit": title}
        await client.views_open(trigger_id=body["trigger_id"], view=modal | {"blocks": [block]})

    submitted: list[Any] = []

    @bolt.view("reason")
    async def reason(ack: Any, view: Event) -> None:
        await ack()
        submitted.append(view["state"]["values"]["b"]["why"]["value"])

    slack.command("ben", "#random", "/ask", "how many days?")
    await slack.until(lambda: len(slack.random.ephemeral) == 2)
    assert {m.text for m in slack.random.ephemeral} == {"thinking", "how many days?"}
    assert "how many days?" not in slack.transcript("#random", "ana")
    answer = next(m for m in slack.random.ephemeral if m.blocks)
    slack.click("ben", answer, "share")
    view = (await slack.until(lambda: list(slack.world.views.values())))[0]
    values = {"b": {"why": {"type": "plain_text_input", "value": "wrong page"}}}
    slack.submit("ben", view, values)
    await slack.until(lambda: submitted == ["wrong page"])


async def test_a_message_shortcut(slack: SlackSimulator, bolt: AsyncApp, socket: Socket) -> None:
    @bolt.shortcut("ask_about")
    async def about(ack: Any, shortcut: Event, respond: Any) -> None:
        await ack()
        await respond(shortcut["message"]["text"], response_type="in_channel")

    slack.shortcut("ben", "ask_about", slack.say("ana", "#random", "Is it 25?"))
    await slack.until(lambda: "askwell: Is it 25?" in slack.transcript("#random"))


async def test_a_command_that_nobody_takes_fails_before_the_person(slack: SlackSimulator) -> None:
    slack.command("ana", "#general", "/ask", "hello?")
    await slack.until(lambda: slack.notices)
    assert slack.notices[0][1] == '/ask failed with the error "dispatch_failed"'


async def test_feedback_on_a_streamed_answer(
    slack: SlackSimulator, bolt: AsyncApp, socket: Socket
) -> None:
    def side(name: str) -> Any:
        return {"text": {"type": "plain_text", "text": name}, "value": name}

    buttons: Any = {"type": "feedback_buttons", "action_id": "feedback"}
    buttons |= {"positive_button": side("good"), "negative_button": side("bad")}
    clicked: list[str] = []

    @bolt.event("message")
    async def answer(say_stream: Any) -> None:
        stream = await say_stream()
        await stream.append(markdown_text="25 days")
        await stream.stop(blocks=[{"type": "context_actions", "elements": [buttons]}])

    @bolt.action("feedback")
    async def feedback(ack: Any, action: Event) -> None:
        await ack()
        clicked.append(action["value"])

    question = slack.dm("ana", "how many days?")
    await slack.until(lambda: [m for m in slack.answers(question) if done(m)])
    slack.feedback("ana", slack.answers(question)[0], good=False)
    await slack.until(lambda: clicked == ["bad"])


async def test_membership_and_deletion_and_opening_the_app_are_told(
    slack: SlackSimulator, bolt: AsyncApp, socket: Socket, take_all: None
) -> None:
    types: list[str] = []

    @bolt.middleware
    async def note(body: Event, next_: Any) -> None:
        event = body["event"]
        types.append(event.get("subtype") or event["type"])
        await next_()

    guest = slack.add_user("gil", is_restricted=True)
    slack.join(guest, "#general", by="ana")
    message = slack.upload(guest, "#general", "a.txt", b"text", "look")
    slack.edit(message, "look here")
    slack.delete(message)
    slack.leave(guest, "#general")
    slack.change_user(guest, deleted=True)
    slack.open_app("ana")
    await slack.until(lambda: len(types) == 9)
    slack.uninstall()
    await slack.until(lambda: len(types) == 11)
    assert sorted(types) == sorted(
        "team_join member_joined_channel file_share file_shared message_changed message_deleted "
        "member_left_channel user_change app_home_opened tokens_revoked app_uninstalled".split()
    )


async def test_bolt_hides_that_somebody_deleted_the_apps_message(
    slack: SlackSimulator, bolt: AsyncApp, socket: Socket, client: AsyncWebClient
) -> None:
    """A trap for the app: Bolt takes it for an event of its own, and acknowledges it unseen."""
    seen: list[str] = []

    @bolt.middleware
    async def note(body: Event, next_: Any) -> None:
        seen.append(body["event"]["type"])
        await next_()

    posted = await client.chat_postMessage(channel=slack.general.id, text="25 days")
    slack.delete(slack.general.messages[posted["ts"]])
    assert slack.deliveries[-1].event["subtype"] == "message_deleted"
    await slack.until(lambda: all(d.outcome == "acked" for d in slack.deliveries))
    assert seen == []


async def test_what_heads_a_thread_is_deleted_by_a_change(slack: SlackSimulator) -> None:
    """Another trap: with replies, a tombstone takes the place of the message."""
    parent = slack.say("ana", "#general", "When?")
    reply = slack.say("ben", "#general", "At nine.", thread=parent)
    slack.delete(parent)
    event = slack.deliveries[-1].event
    assert (event["subtype"], event["message"]["subtype"]) == ("message_changed", "tombstone")
    assert event["message"]["ts"] == event["previous_message"]["ts"] == parent.ts
    assert event["previous_message"]["text"] == "When?"
    slack.delete(reply)
    assert slack.deliveries[-1].event["subtype"] == "message_deleted"
