"""What the real SDK makes of each fault of the simulated API."""

import asyncio
import json
import time
from collections.abc import Iterator

import httpx2
import pytest
from google.genai import errors, types

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
from tests.simulators.gemini import GeminiSimulator
from tests.simulators.gemini_client import (
    ANSWER,
    EMBEDDING,
    KEY,
    answer,
    embed,
    patience,
    reason,
    sdk,
    stream,
    texts,
)

pytestmark = pytest.mark.asyncio


@pytest.fixture
def gemini() -> Iterator[GeminiSimulator]:
    with GeminiSimulator(key=KEY) as simulator:
        yield simulator


@pytest.mark.parametrize("name", [member.name for member in types.FinishReason])
async def test_every_finish_reason(gemini: GeminiSimulator, name: str) -> None:
    gemini.faults.always(Answer("Some text.", finish=name))
    chunks: list[types.GenerateContentResponse] = []
    await stream(gemini, chunks)
    assert texts(chunks) == ["Some ", "text."]
    assert reason(chunks[-1]) == name
    response = await answer(gemini)
    kept = name in ("STOP", "MAX_TOKENS", "OTHER", "FINISH_REASON_UNSPECIFIED")
    assert (reason(response), response.text) == (name, "Some text." if kept else None)


async def test_a_finish_reason_unknown_to_the_sdk_warns(gemini: GeminiSimulator) -> None:
    gemini.faults.next(Answer("Text.", finish="BRAND_NEW"))
    with pytest.warns(UserWarning, match="BRAND_NEW is not a valid FinishReason"):
        response = await answer(gemini)
    assert str(getattr(reason(response), "value", None)) == "BRAND_NEW"


async def test_a_blocked_prompt_has_no_candidates(gemini: GeminiSimulator) -> None:
    gemini.faults.always(Blocked("PROHIBITED_CONTENT"))
    chunks = [await answer(gemini)]
    await stream(gemini, chunks)
    assert len(chunks) == 2
    for chunk in chunks:
        assert not chunk.candidates and chunk.text is None
        assert chunk.prompt_feedback is not None
        assert chunk.prompt_feedback.block_reason == types.BlockedReason.PROHIBITED_CONTENT


async def test_an_empty_answer(gemini: GeminiSimulator) -> None:
    gemini.faults.next(Empty(), Empty(candidate=True))
    none, bare = await answer(gemini), await answer(gemini)
    assert (none.candidates, none.prompt_feedback, none.text) == (None, None, None)
    assert (reason(bare), bare.text) == (types.FinishReason.STOP, None)
    assert bare.candidates and bare.candidates[0].content
    assert bare.candidates[0].content.parts is None


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize(
    ("status", "kind", "name"),
    [
        (400, errors.ClientError, "INVALID_ARGUMENT"),
        (401, errors.ClientError, "UNAUTHENTICATED"),
        (403, errors.ClientError, "PERMISSION_DENIED"),
        (404, errors.ClientError, "NOT_FOUND"),
        (429, errors.ClientError, "RESOURCE_EXHAUSTED"),
        (500, errors.ServerError, "INTERNAL"),
        (503, errors.ServerError, "UNAVAILABLE"),
    ],
)
async def test_an_error_status(
    gemini: GeminiSimulator, status: int, kind: type[errors.APIError], name: str, streamed: bool
) -> None:
    gemini.faults.next(Status(status))
    with pytest.raises(kind) as caught:
        await (stream(gemini, []) if streamed else answer(gemini))
    assert (caught.value.code, caught.value.status) == (status, name)
    assert len(gemini.requests) == 1  # no retry of its own


async def test_the_delay_asked_for_stands_in_the_details(gemini: GeminiSimulator) -> None:
    gemini.faults.next(Status(429, retry_after=7))
    with pytest.raises(errors.ClientError) as caught:
        await answer(gemini)
    details = {d["@type"]: d for d in caught.value.details["error"]["details"]}
    assert details["type.googleapis.com/google.rpc.RetryInfo"]["retryDelay"] == "7s"
    assert "retry-after" not in caught.value.response.headers


async def test_an_error_inside_a_stream(gemini: GeminiSimulator) -> None:
    gemini.faults.next(Status(503, after=2))
    chunks: list[types.GenerateContentResponse] = []
    with pytest.raises(errors.ServerError) as caught:
        await stream(gemini, chunks)
    assert (texts(chunks), caught.value.code) == (ANSWER[:2], 503)


@pytest.mark.parametrize(
    ("fault", "error", "seen"),
    [
        (Hang(), httpx2.ReadTimeout, 0),
        (Hang(after=0), httpx2.ReadTimeout, 0),
        (Hang(after=3), httpx2.ReadTimeout, 3),
        (Reset(), httpx2.ReadError, 0),
        (Reset(fin=True), httpx2.RemoteProtocolError, 0),
        (Reset(after=0), httpx2.ReadError, 0),
        (Reset(after=3), httpx2.ReadError, 3),
        (Reset(after=3, fin=True), httpx2.RemoteProtocolError, 3),
        (Garbage(), errors.UnknownApiResponseError, 0),
        (Garbage(after=3), errors.UnknownApiResponseError, 3),
        (Cut(after=3, mid_event=True), errors.UnknownApiResponseError, 3),
    ],
)
async def test_a_broken_stream(
    gemini: GeminiSimulator, fault: Behaviour, error: type[Exception], seen: int
) -> None:
    gemini.faults.next(fault)
    chunks: list[types.GenerateContentResponse] = []
    with pytest.raises(error):
        await stream(gemini, chunks, timeout=patience(fault))
    assert texts(chunks) == ANSWER[:seen]
    assert len(gemini.requests) == 1


@pytest.mark.parametrize("after", [0, 3])
async def test_a_stream_cut_between_events_raises_nothing(
    gemini: GeminiSimulator, after: int
) -> None:
    gemini.faults.next(Cut(after=after))
    chunks: list[types.GenerateContentResponse] = []
    await stream(gemini, chunks)
    assert texts(chunks) == ANSWER[:after]
    assert all(reason(chunk) is None for chunk in chunks)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Hang(), httpx2.ReadTimeout),
        (Hang(after=1), httpx2.ReadTimeout),
        (Reset(), httpx2.ReadError),
        (Reset(after=1), httpx2.ReadError),
        (Reset(after=1, fin=True), httpx2.RemoteProtocolError),
        (Cut(after=1), json.JSONDecodeError),
        (Garbage(), json.JSONDecodeError),
    ],
)
async def test_a_broken_reply(
    gemini: GeminiSimulator, fault: Behaviour, error: type[Exception]
) -> None:
    gemini.faults.always(fault)
    with pytest.raises(error):
        await answer(gemini, timeout=patience(fault))
    with pytest.raises(error):
        async with sdk(gemini, timeout=patience(fault)) as client:
            await client.models.embed_content(model=EMBEDDING, contents="text")


async def test_the_timeout_is_for_each_read_not_for_the_whole(gemini: GeminiSimulator) -> None:
    gemini.faults.next(Answer("one two three four", delay=0.2))
    chunks: list[types.GenerateContentResponse] = []
    started = time.monotonic()
    await stream(gemini, chunks, timeout=600)
    assert time.monotonic() - started > 0.6
    assert "".join(texts(chunks)) == "one two three four"


async def test_without_a_timeout_of_its_own_the_client_waits_for_ever(
    gemini: GeminiSimulator,
) -> None:
    """Also with one in async_client_args: each request overrides that by None."""
    gemini.faults.next(Hang())
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await stream(gemini, [], timeout=None, async_client_args={"timeout": 0.1})


async def test_a_client_that_leaves_is_noticed(gemini: GeminiSimulator) -> None:
    """By cancelling: aclose() on the SDK's stream closes nothing before garbage collection."""
    gemini.faults.next(Answer("word " * 100, delay=0.05))
    chunks: list[types.GenerateContentResponse] = []
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.4):
            await stream(gemini, chunks)
    assert chunks
    async with asyncio.timeout(2):
        while not gemini.requests[0].gone:
            await asyncio.sleep(0.01)


async def test_a_redirect_takes_the_key_along_unless_forbidden(gemini: GeminiSimulator) -> None:
    with GeminiSimulator() as elsewhere:
        gemini.faults.always(Redirect(elsewhere.url))
        assert (await answer(gemini)).text == "The sky is blue [1]."
        assert elsewhere.requests[0].headers["x-goog-api-key"] == KEY
        with pytest.raises(errors.APIError) as caught:
            await stream(gemini, [], async_client_args={"follow_redirects": False})
        assert caught.value.code == 307
        assert len(elsewhere.requests) == 1


async def test_a_fault_can_be_for_one_operation(gemini: GeminiSimulator) -> None:
    gemini.faults.next(Status(503), on="embed")
    assert (await answer(gemini)).text == "The sky is blue [1]."
    with pytest.raises(errors.ServerError):
        await embed(gemini, "text")
    assert gemini.faults.pending == 0
    gemini.faults.always(Status(500))
    gemini.faults.always(Answer("Fine."), on="chat")
    assert (await answer(gemini)).text == "Fine."
    gemini.faults.clear()
    assert len(await embed(gemini, "text")) == 1
