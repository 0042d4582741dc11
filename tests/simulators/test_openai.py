"""The real openai against the simulated OpenAI API."""

import math
from collections.abc import Iterator
from typing import Any

import httpx2
import openai
import pytest
from openai.types.chat import ChatCompletionChunk

from tests.simulators.faults import Answer
from tests.simulators.openai import OpenAISimulator
from tests.simulators.openai_client import (
    ANSWER,
    CHAT,
    EMBEDDING,
    KEY,
    PROMPT,
    answer,
    cosine,
    embed,
    sdk,
    stream,
    texts,
)

pytestmark = pytest.mark.asyncio


@pytest.fixture
def server() -> Iterator[OpenAISimulator]:
    with OpenAISimulator(key=KEY) as simulator:
        yield simulator


async def test_an_answer_cites_the_first_passage(server: OpenAISimulator) -> None:
    response = await answer(server)
    [choice] = response.choices
    assert (choice.message.content, choice.finish_reason) == ("The sky is blue [1].", "stop")
    [request] = server.requests
    assert (request.method, request.path) == ("POST", "/v1/chat/completions")
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.body["messages"] == [{"role": "user", "content": PROMPT}]


async def test_a_stream_begins_with_a_role_and_ends_with_a_reason(server: OpenAISimulator) -> None:
    chunks: list[ChatCompletionChunk] = []
    await stream(server, chunks)
    first, *middle, last = [chunk.choices[0] for chunk in chunks]
    assert (first.delta.role, first.delta.content) == ("assistant", "")
    assert [choice.delta.content for choice in middle] == ANSWER
    assert (last.delta.content, last.finish_reason) == (None, "stop")


async def test_the_usage_comes_in_a_chunk_without_choices(server: OpenAISimulator) -> None:
    chunks: list[ChatCompletionChunk] = []
    await stream(server, chunks, stream_options={"include_usage": True})
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == len(ANSWER)


async def test_the_answer_is_cut_at_the_limit_asked_for(server: OpenAISimulator) -> None:
    [choice] = (await answer(server, max_completion_tokens=2)).choices
    assert (choice.message.content, choice.finish_reason) == ("The sky ", "length")


async def test_a_refusal_has_no_content(server: OpenAISimulator) -> None:
    server.faults.always(Answer("I can't.", refusal=True))
    [choice] = (await answer(server)).choices
    assert (choice.message.content, choice.message.refusal) == (None, "I can't.")
    chunks: list[ChatCompletionChunk] = []
    await stream(server, chunks)
    assert texts(chunks) == []
    assert "".join(c.choices[0].delta.refusal or "" for c in chunks) == "I can't."


async def test_texts_that_share_words_are_near_each_other(server: OpenAISimulator) -> None:
    contents = ["Holidays are thirty days", "How many holidays?", "Invoices need a stamp"]
    days, holidays, invoices = await embed(server, contents, dimensions=512)
    assert server.requests[0].body["encoding_format"] == "base64"  # the SDK's own choice
    assert len(days) == 512 and math.hypot(*days) == pytest.approx(1)
    assert cosine(days, holidays) > 0.3 > abs(cosine(days, invoices))
    [same] = await embed(server, contents[0], dimensions=512, encoding_format="float")
    assert same == pytest.approx(days, abs=1e-6)
    [whole] = await embed(server, contents[0])
    [large] = await embed(server, contents[0], model="text-embedding-3-large", dimensions=1536)
    assert len(whole) == 1536 and abs(cosine(whole, large)) < 0.1


async def test_a_wrong_key_is_refused_with_part_of_it_in_the_message(
    server: OpenAISimulator,
) -> None:
    async with sdk(server, key="sk-another-key") as client:
        with pytest.raises(openai.AuthenticationError, match=r"sk-a\*+-key") as caught:
            await client.models.list()
    assert caught.value.code == "invalid_api_key"
    async with httpx2.AsyncClient() as plain:
        assert (await plain.get(f"{server.url}/models")).status_code == 401


async def test_what_openai_refuses(server: OpenAISimulator) -> None:
    async def refusal(path: str, **request: Any) -> tuple[int, str | None]:
        async with httpx2.AsyncClient(verify=False) as client:
            headers = {"authorization": f"Bearer {KEY}"}
            reply = await client.post(f"{server.url}{path}", headers=headers, **request)
        return reply.status_code, reply.json()["error"]["code"]

    chat: dict[str, Any] = {"model": CHAT, "messages": [{"role": "user", "content": "Hello"}]}
    vector: dict[str, Any] = {"model": EMBEDDING, "input": "text"}
    path = "/chat/completions"
    assert await refusal(path, content=b"{") == (400, None)
    assert await refusal(path, json=chat | {"model": "gpt-1"}) == (404, "model_not_found")
    assert await refusal(path, json=chat | {"messages": []}) == (400, "empty_array")
    assert await refusal(path, json={"model": CHAT}) == (400, "missing_required_parameter")
    for messages in ([{"role": "bot", "content": "x"}], [{"role": "user", "content": None}]):
        assert (await refusal(path, json=chat | {"messages": messages}))[0] == 400
    assert (await refusal(path, json=chat | {"stream_options": {"include_usage": True}}))[0] == 400
    for wrong in ([], "", [""], ["x"] * 2049, 7):
        assert await refusal("/embeddings", json=vector | {"input": wrong}) == (400, None)
    assert (await refusal("/embeddings", json=vector | {"dimensions": 1537}))[0] == 400
    assert (await refusal("/embeddings", json=vector | {"encoding_format": "hex"}))[0] == 400
    old = vector | {"model": "text-embedding-ada-002", "dimensions": 256}
    assert (await refusal("/embeddings", json=old))[0] == 400
    assert (await refusal("/nothing", json={}))[0] == 404


async def test_models_can_be_looked_up(server: OpenAISimulator) -> None:
    async with sdk(server) as client:
        names = [model.id async for model in await client.models.list()]
        assert (await client.models.retrieve(CHAT)).id == CHAT
        with pytest.raises(openai.NotFoundError):
            await client.models.retrieve("gpt-1")
    assert EMBEDDING in names
