"""Streams: what they need, when they die, and what may be done with them."""

import time
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.simulators.slack.simulator import SlackSimulator
from tests.simulators.slack.state import Message

pytestmark = pytest.mark.asyncio


async def refusal(call: Any) -> str:
    with pytest.raises(SlackApiError) as caught:
        await call
    return str(caught.value.response["error"])


async def started(slack: SlackSimulator, client: AsyncWebClient, **more: Any) -> Any:
    question = slack.dm("ana", "how many days?")
    reply = await client.chat_startStream(channel=question.channel, thread_ts=question.ts, **more)
    return {"channel": question.channel, "ts": reply["ts"]}


def message(slack: SlackSimulator, stream: Any) -> Message:
    return slack.world.channels[stream["channel"]].messages[stream["ts"]]


async def test_outside_a_dm_a_stream_needs_its_recipient(
    slack: SlackSimulator, client: AsyncWebClient
) -> None:
    said = slack.say("ana", "#general", "@askwell hello")
    where: Any = {"channel": said.channel, "thread_ts": said.ts}
    assert await refusal(client.chat_startStream(**where)) == "missing_recipient_team_id"
    team: Any = {"recipient_team_id": slack.world.team_id}
    assert await refusal(client.chat_startStream(**where, **team)) == "missing_recipient_user_id"
    call = client.chat_startStream(channel=said.channel, thread_ts="")
    assert await refusal(call) == "invalid_arguments"


async def test_a_stream_dies_and_chat_update_goes_on(
    slack: SlackSimulator, client: AsyncWebClient
) -> None:
    slack.settings.stream_life = 0.05
    stream = await started(slack, client, markdown_text="25")
    assert await refusal(client.chat_update(**stream, text="26")) == "streaming_state_conflict"
    assert await refusal(client.chat_delete(**stream)) == "cant_delete_message"
    time.sleep(0.06)
    append = client.chat_appendStream(**stream, markdown_text=" days")
    assert await refusal(append) == "message_not_in_streaming_state"
    assert await refusal(client.chat_stopStream(**stream)) == "message_not_in_streaming_state"
    assert "Something went wrong" in slack.transcript(stream["channel"])
    await client.chat_update(**stream, text="25 days")
    assert slack.transcript(stream["channel"]).endswith("askwell: 25 days (edited)")


async def test_a_stream_has_a_cap_on_all_of_it(
    slack: SlackSimulator, client: AsyncWebClient
) -> None:
    stream = await started(slack, client)
    for _ in range(2):
        await client.chat_appendStream(**stream, markdown_text="x" * 5_000)
    append = client.chat_appendStream(**stream, markdown_text="x" * 5_000)
    assert await refusal(append) == "msg_too_long"
    # It still streams: stop it (with nothing more) before it may be updated.
    assert await refusal(client.chat_update(**stream, text="y")) == "streaming_state_conflict"
    await client.chat_stopStream(**stream)
    assert await refusal(client.chat_update(**stream, text="y" * 4_001)) == "msg_too_long"
    await client.chat_update(**stream, text="y" * 4_000)


async def test_a_stream_keeps_the_mode_of_its_first_content(
    slack: SlackSimulator, client: AsyncWebClient
) -> None:
    stream = await started(slack, client)
    chunks: Any = [{"type": "markdown_text", "text": "25"}]
    both = client.chat_appendStream(**stream, markdown_text="25", chunks=chunks)
    assert await refusal(both) == "cannot_provide_both_markdown_text_and_chunks"
    await client.chat_appendStream(**stream, markdown_text="25")
    other = client.chat_appendStream(**stream, chunks=chunks)
    assert await refusal(other) == "streaming_mode_mismatch"


async def test_metadata_comes_only_with_the_end(
    slack: SlackSimulator, client: AsyncWebClient
) -> None:
    mark = {"event_type": "answer", "event_payload": {"part": "1"}}
    stream = await started(slack, client, metadata=mark)
    assert message(slack, stream).metadata is None
    await client.chat_stopStream(**stream, markdown_text="25 days", metadata=mark)
    thread: Any = {"channel": stream["channel"], "ts": stream["ts"], "include_all_metadata": True}
    replies = await client.conversations_replies(**thread)
    assert replies["messages"][-1]["metadata"] == mark
    thread["include_all_metadata"] = False
    replies = await client.conversations_replies(**thread)
    assert "metadata" not in replies["messages"][-1]


async def test_a_person_can_stop_a_stream(slack: SlackSimulator, client: AsyncWebClient) -> None:
    stream = await started(slack, client)
    slack.stop_stream(message(slack, stream))
    append = client.chat_appendStream(**stream, markdown_text="25")
    assert await refusal(append) == "stopped_by_user"


async def test_the_status_goes_with_the_reply(
    slack: SlackSimulator, client: AsyncWebClient
) -> None:
    question = slack.dm("ana", "how many days?")
    where: Any = {"channel_id": question.channel, "thread_ts": question.ts}
    await client.assistant_threads_setStatus(**where, status="is searching…")
    assert slack.core.status_of(question.channel, question.ts) == "is searching…"
    many = client.assistant_threads_setStatus(**where, status="x", loading_messages=["y"] * 11)
    assert await refusal(many) == "invalid_arguments"
    await client.chat_startStream(channel=question.channel, thread_ts=question.ts)
    assert slack.core.status_of(question.channel, question.ts) == ""


async def test_an_agents_prompts_are_ignored_with_a_thread(
    slack: SlackSimulator, client: AsyncWebClient
) -> None:
    channel = slack.dm_of("ana").id
    prompts: Any = [{"title": "Leave", "message": "How many days?"}]
    await client.assistant_threads_setSuggestedPrompts(
        channel_id=channel, prompts=prompts, thread_ts="1.2"
    )
    assert slack.prompts == {}
    await client.assistant_threads_setSuggestedPrompts(channel_id=channel, prompts=prompts)
    assert slack.prompts[channel]["prompts"] == prompts
