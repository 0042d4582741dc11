"""What the real SDK makes of each fault of the simulated API."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator

import openai
import pytest
from openai.types.chat import ChatCompletionChunk

from tests.simulators.faults import (
    Answer,
    Behaviour,
    Blocked,
    Cut,
    Empty,
    Garbage,
    Hang,
    Redirect,
    Reset,
    Status,
)
from tests.simulators.openai import OpenAISimulator
from tests.simulators.openai_client import (
    ANSWER,
    CHAT,
    EMBEDDING,
    KEY,
    PROMPT,
    answer,
    embed,
    patience,
    sdk,
    stream,
    texts,
)

pytestmark = pytest.mark.asyncio


@pytest.fixture
def server() -> Iterator[OpenAISimulator]:
    with OpenAISimulator(key=KEY) as simulator:
        yield simulator


@pytest.mark.parametrize("reason", ["stop", "length", "content_filter"])
async def test_every_finish_reason(server: OpenAISimulator, reason: str) -> None:
    server.faults.always(Answer("Some text.", finish=reason))
    chunks: list[ChatCompletionChunk] = []
    await stream(server, chunks)
    assert chunks[-1].choices[0].finish_reason == reason
    response = await answer(server)
    assert response.choices[0].finish_reason == reason
    assert response.choices[0].message.content == "Some text."


async def test_an_empty_answer(server: OpenAISimulator) -> None:
    server.faults.always(Empty())
    chunks: list[ChatCompletionChunk] = []
    await stream(server, chunks)
    assert [chunk.choices for chunk in chunks] == [[]]
    assert (await answer(server)).choices == []
    with pytest.raises(ValueError, match="No embedding data received"):
        await embed(server, "text")
    server.faults.always(Empty(candidate=True))
    [choice] = (await answer(server)).choices
    assert (choice.message.content, choice.finish_reason) == (None, "stop")


async def test_a_flagged_prompt(server: OpenAISimulator) -> None:
    server.faults.next(Blocked())
    with pytest.raises(openai.BadRequestError) as caught:
        await answer(server)
    assert caught.value.code == "invalid_prompt"


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, openai.BadRequestError),
        (401, openai.AuthenticationError),
        (403, openai.PermissionDeniedError),
        (404, openai.NotFoundError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
        (503, openai.InternalServerError),
    ],
)
async def test_an_error_status(
    server: OpenAISimulator, status: int, kind: type[openai.APIStatusError], streamed: bool
) -> None:
    server.faults.next(Status(status))
    with pytest.raises(kind) as caught:
        await (stream(server, []) if streamed else answer(server))
    assert caught.value.status_code == status
    assert len(server.requests) == 1


async def test_the_delay_asked_for_stands_in_a_header(server: OpenAISimulator) -> None:
    server.faults.next(Status(429, retry_after=7), Status(429, code="insufficient_quota"))
    with pytest.raises(openai.RateLimitError) as limited:
        await answer(server)
    assert limited.value.response.headers["retry-after"] == "7"
    assert limited.value.code == "rate_limit_exceeded"
    with pytest.raises(openai.RateLimitError) as spent:
        await answer(server)
    assert spent.value.code == "insufficient_quota"
    assert "retry-after" not in spent.value.response.headers


async def test_retries_of_the_sdk_obey_the_header(server: OpenAISimulator) -> None:
    server.faults.next(Status(429, retry_after=0.2), Status(503, retry_after=0.2))
    assert (await answer(server, retries=2)).choices[0].message.content
    first, second, third = [request.arrived for request in server.requests]
    assert second - first > 0.2 and third - second > 0.2


async def test_an_error_inside_a_stream_has_no_status(server: OpenAISimulator) -> None:
    server.faults.next(Status(503, after=2))
    chunks: list[ChatCompletionChunk] = []
    with pytest.raises(openai.APIError) as caught:
        await stream(server, chunks)
    assert texts(chunks) == ANSWER[:2]
    assert type(caught.value) is openai.APIError
    assert caught.value.type == "server_error"


@pytest.mark.parametrize(
    ("fault", "error", "seen"),
    [
        (Hang(), openai.APITimeoutError, 0),
        (Hang(after=0), openai.APITimeoutError, 0),
        (Hang(after=3), openai.APITimeoutError, 3),
        (Reset(), openai.APIConnectionError, 0),
        (Reset(fin=True), openai.APIConnectionError, 0),
        (Reset(after=0), openai.APIConnectionError, 0),
        (Reset(after=3), openai.APIConnectionError, 3),
        (Reset(after=3, fin=True), openai.APIConnectionError, 3),
        (Garbage(), json.JSONDecodeError, 0),
        (Garbage(after=3), json.JSONDecodeError, 3),
    ],
)
async def test_a_broken_stream(
    server: OpenAISimulator, fault: Behaviour, error: type[Exception], seen: int
) -> None:
    server.faults.next(fault)
    chunks: list[ChatCompletionChunk] = []
    with pytest.raises(error):
        await stream(server, chunks, timeout=patience(fault))
    assert texts(chunks) == ANSWER[:seen]
    assert len(server.requests) == 1


async def test_all_that_was_sent_before_a_reset_arrives(server: OpenAISimulator) -> None:
    """More small segments than the kernel sends before the first acknowledgement."""
    server.faults.answer = "word " * 200
    server.faults.next(Reset(after=150))
    chunks: list[ChatCompletionChunk] = []
    with pytest.raises(openai.APIConnectionError):
        await stream(server, chunks)
    assert len(texts(chunks)) == 150


@pytest.mark.parametrize("fault", [Cut(after=0), Cut(after=3), Cut(after=3, mid_event=True)])
async def test_a_stream_that_ends_early_raises_nothing(server: OpenAISimulator, fault: Cut) -> None:
    """Not even in the middle of an event, which is dropped."""
    server.faults.next(fault)
    chunks: list[ChatCompletionChunk] = []
    await stream(server, chunks)
    assert texts(chunks) == ANSWER[: fault.after]
    assert all(chunk.choices[0].finish_reason is None for chunk in chunks)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Hang(), openai.APITimeoutError),
        (Hang(after=1), openai.APITimeoutError),
        (Reset(), openai.APIConnectionError),
        (Reset(after=1), openai.APIConnectionError),
        (Reset(after=1, fin=True), openai.APIConnectionError),
        (Cut(after=1), json.JSONDecodeError),
        (Garbage(), json.JSONDecodeError),
    ],
)
async def test_a_broken_reply(
    server: OpenAISimulator, fault: Behaviour, error: type[Exception]
) -> None:
    server.faults.always(fault)
    with pytest.raises(error):
        await answer(server, timeout=patience(fault))
    with pytest.raises(error):
        async with sdk(server, timeout=patience(fault)) as client:
            await client.embeddings.create(model=EMBEDDING, input="text")


async def test_the_timeout_is_for_each_read_not_for_the_whole(server: OpenAISimulator) -> None:
    server.faults.next(Answer("one two three four", delay=0.2))
    chunks: list[ChatCompletionChunk] = []
    started = time.monotonic()
    await stream(server, chunks, timeout=0.6)
    assert time.monotonic() - started > 0.6
    assert "".join(texts(chunks)) == "one two three four"


async def test_a_client_that_leaves_is_noticed(server: OpenAISimulator) -> None:
    server.faults.next(Answer("word " * 100, delay=0.05))
    async with sdk(server) as client:
        chunks = await client.chat.completions.create(
            model=CHAT, messages=[{"role": "user", "content": PROMPT}], stream=True
        )
        async for _ in chunks:
            break
        await chunks.close()
        async with asyncio.timeout(2):
            while not server.requests[0].gone:
                await asyncio.sleep(0.01)


async def test_a_redirect_to_another_origin_leaves_the_key_behind(server: OpenAISimulator) -> None:
    with OpenAISimulator() as elsewhere:
        server.faults.next(Redirect(elsewhere.url.removesuffix("/v1")))
        assert (await answer(server)).choices[0].message.content == "The sky is blue [1]."
        [request] = elsewhere.requests
        assert "authorization" not in request.headers
        # The prompt goes there all the same.
        assert request.body["messages"][0]["content"] == PROMPT


async def test_it_stops_at_once_while_a_handler_hangs() -> None:
    threads = threading.active_count()
    with OpenAISimulator() as server:
        server.faults.next(Hang())
        waiting = asyncio.create_task(answer(server))
        while not server.requests:
            await asyncio.sleep(0.01)
        started = time.monotonic()
    assert time.monotonic() - started < 0.5
    with pytest.raises(openai.APIConnectionError):
        await waiting
    assert threading.active_count() <= threads + 1  # the SDK asks for the platform in a thread
    assert not [thread for thread in threading.enumerate() if "Simulator" in thread.name]
