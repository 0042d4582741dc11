"""The sizes that Slack accepts, cuts off and refuses."""

from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from tests.simulators.slack.simulator import SlackSimulator
from tests.simulators.slack.test_web_api import refusal

pytestmark = pytest.mark.asyncio


def section(size: int) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": "x" * size}}


def button(**fields: Any) -> dict[str, Any]:
    text = {"type": "plain_text", "text": fields.pop("label", "ok")}
    element = {"type": "button", "action_id": "a", "text": text} | fields
    return {"type": "actions", "elements": [element]}


MARKDOWN = {"type": "markdown", "text": "x" * 12_001}


@pytest.mark.parametrize(
    ("blocks", "error"),
    [
        ([section(3_000)], None),
        ([section(3_001)], "invalid_blocks"),
        ([section(3_000)] * 5, "msg_blocks_too_long"),
        ([section(1)] * 50, None),
        ([section(1)] * 51, "invalid_blocks"),
        ([MARKDOWN], "invalid_blocks"),
        ([MARKDOWN | {"text": "x" * 6_001}] * 2, "invalid_blocks"),
        ([button(label="x" * 75, value="x" * 2_000, action_id="x" * 255)], None),
        ([button(label="x" * 76)], "invalid_blocks"),
        ([button(value="x" * 2_001)], "invalid_blocks"),
        ([button(action_id="x" * 256)], "invalid_blocks"),
        ([{"type": "sections"}], "invalid_blocks"),
        ([{"type": "context_actions", "elements": []}], "invalid_blocks"),
    ],
)
async def test_the_limits_on_blocks(
    slack: SlackSimulator, client: AsyncWebClient, blocks: Any, error: str | None
) -> None:
    call = client.chat_postMessage(channel=slack.general.id, text="x", blocks=blocks)
    if error is None:
        await call
    else:
        assert await refusal(call) == error


async def test_texts_are_cut_when_posted_and_refused_when_updated(
    slack: SlackSimulator, client: AsyncWebClient
) -> None:
    posted = await client.chat_postMessage(channel=slack.general.id, text="x" * 50_000)
    assert len(posted["message"]["text"]) == 40_000
    where: Any = {"channel": slack.general.id, "ts": posted["ts"]}
    assert await refusal(client.chat_update(**where, text="x" * 4_001)) == "msg_too_long"
    for method in ("chat.update", "chat.postMessage"):
        assert await refusal(client.api_call(method, json=where | {"text": " "})) == "no_text"


async def test_blocks_that_an_update_leaves_out_stay(
    slack: SlackSimulator, client: AsyncWebClient
) -> None:
    posted = await client.chat_postMessage(
        channel=slack.general.id, text="old", blocks=[section(3)]
    )
    where: Any = {"channel": slack.general.id, "ts": posted["ts"]}
    await client.chat_update(**where, text="new")
    assert slack.transcript("#general").endswith("askwell: xxx (edited)")
    await client.chat_update(**where, text="new", blocks=[])
    assert slack.transcript("#general").endswith("askwell: new (edited)")
    ana = slack.say("ana", "#general", "mine")
    update = client.chat_update(channel=ana.channel, ts=ana.ts, text="yours")
    assert await refusal(update) == "cant_update_message"


async def test_a_trigger_is_good_once_and_not_for_long(
    slack: SlackSimulator, client: AsyncWebClient
) -> None:
    title = {"type": "plain_text", "text": "Why?"}
    view: Any = {"type": "modal", "title": title, "blocks": [section(3)]}
    slack.command("ana", "#random", "/ask", "x")
    trigger = slack.deliveries[-1].payload["trigger_id"]
    too_long = view | {"private_metadata": "x" * 3_001}
    call = client.views_open(trigger_id=trigger, view=too_long)
    assert await refusal(call) == "invalid_arguments"
    await client.views_open(trigger_id=trigger, view=view)
    call = client.views_open(trigger_id=trigger, view=view)
    assert await refusal(call) == "exchanged_trigger_id"
    slack.settings.trigger_life = 0.0
    slack.command("ana", "#random", "/ask", "x")
    late = client.views_open(trigger_id=slack.deliveries[-1].payload["trigger_id"], view=view)
    assert await refusal(late) == "expired_trigger_id"
