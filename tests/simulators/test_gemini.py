"""The real google-genai against the simulated Gemini API."""

import math
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from google.genai import errors, types

from tests.simulators.faults import Answer
from tests.simulators.gemini import GeminiSimulator
from tests.simulators.gemini_client import (
    ANSWER,
    CHAT,
    EMBEDDING,
    KEY,
    NO_CERTIFICATES,
    answer,
    cosine,
    embed,
    reason,
    sdk,
    stream,
)

pytestmark = pytest.mark.asyncio


@pytest.fixture
def gemini() -> Iterator[GeminiSimulator]:
    with GeminiSimulator(key=KEY) as simulator:
        yield simulator


async def test_an_answer_cites_the_first_passage(gemini: GeminiSimulator) -> None:
    response = await answer(gemini, system_instruction="Answer from the passages.")
    assert response.text == "The sky is blue [1]."
    assert reason(response) == types.FinishReason.STOP
    [request] = gemini.requests
    # The SDK's default version is v1; v1beta has to be asked for with api_version.
    assert request.path == f"/v1/models/{CHAT}:generateContent"
    assert request.headers["x-goog-api-key"] == KEY
    assert request.body["systemInstruction"]["parts"] == [{"text": "Answer from the passages."}]
    assert request.body["contents"][0]["role"] == "user"
    assert time.monotonic() - request.arrived < 5


async def test_a_stream_ends_with_a_reason_and_no_text(gemini: GeminiSimulator) -> None:
    chunks: list[types.GenerateContentResponse] = []
    await stream(gemini, chunks, api_version="v1beta")
    assert [chunk.text for chunk in chunks] == [*ANSWER, None]
    assert [reason(chunk) for chunk in chunks] == [None] * 5 + [types.FinishReason.STOP]
    usage = chunks[-1].usage_metadata
    assert usage is not None and usage.candidates_token_count == len(ANSWER)
    assert gemini.requests[0].path == f"/v1beta/models/{CHAT}:streamGenerateContent"
    assert gemini.requests[0].query == {"alt": "sse"}
    assert gemini.requests[0].headers["x-server-timeout"] == "5"


async def test_the_test_says_what_is_answered(gemini: GeminiSimulator) -> None:
    gemini.faults.answer = "Always this."
    gemini.faults.next(Answer("First."), Answer(lambda prompt: prompt[:6]))
    assert [(await answer(gemini)).text for _ in range(3)] == ["First.", "Which ", "Always this."]


async def test_the_answer_is_cut_at_the_limit_asked_for(gemini: GeminiSimulator) -> None:
    response = await answer(gemini, max_output_tokens=2)
    assert (response.text, reason(response)) == ("The sky ", types.FinishReason.MAX_TOKENS)


@pytest.mark.parametrize("model", [EMBEDDING, "gemini-embedding-2"])
async def test_texts_that_share_words_are_near_each_other(
    gemini: GeminiSimulator, model: str
) -> None:
    contents = [
        types.Content(parts=[types.Part(text=text)])
        for text in ("Holidays are thirty days", "How many holidays?", "Invoices need a stamp")
    ]
    days, holidays, invoices = await embed(
        gemini, contents, model, output_dimensionality=768, task_type="RETRIEVAL_DOCUMENT"
    )
    assert len(days) == 768
    assert cosine(days, holidays) > 0.3 > abs(cosine(days, invoices))
    assert (await embed(gemini, contents[0], model, output_dimensionality=768)) == [days]
    # Only the newer model normalises what it shortens.
    assert (math.hypot(*days) == pytest.approx(1)) == (model != EMBEDDING)
    assert gemini.requests[0].path.endswith(f"{model}:batchEmbedContents")


async def test_models_embed_into_different_spaces(gemini: GeminiSimulator) -> None:
    [one] = await embed(gemini, "the very same words")
    [other] = await embed(gemini, "the very same words", "gemini-embedding-2")
    assert len(one) == 3072 and math.hypot(*one) == pytest.approx(1)
    assert abs(cosine(one, other)) < 0.1


async def test_a_list_of_strings_is_one_content_for_the_newer_model(
    gemini: GeminiSimulator,
) -> None:
    assert len(await embed(gemini, ["one text", "two text"], output_dimensionality=8)) == 2
    merged = await embed(gemini, ["one text", "two text"], "gemini-embedding-2")
    assert len(merged) == 1


GOOD: dict[str, Any] = {"contents": [{"parts": [{"text": "Hello"}]}]}


VECTOR: dict[str, Any] = {"model": f"models/{EMBEDDING}", "content": GOOD["contents"][0]}


async def refusal(
    gemini: GeminiSimulator, to: str, key: str | None = KEY, **request: Any
) -> tuple[int, str, str]:
    """The error that a request without the SDK's own checks gets: status, name, message."""
    headers = {"x-goog-api-key": key} if key else {}
    async with httpx2.AsyncClient(base_url=gemini.url, verify=NO_CERTIFICATES) as client:
        reply = await client.post(f"/v1beta/models/{to}", headers=headers, **request)
    error = reply.json()["error"]
    assert error["code"] == reply.status_code
    return error["code"], error["status"], error["message"]


async def test_the_key_and_the_model_are_checked(gemini: GeminiSimulator) -> None:
    chat = f"{CHAT}:generateContent"
    assert (await refusal(gemini, chat, key=None, json=GOOD))[:2] == (403, "PERMISSION_DENIED")
    assert "API key not valid" in (await refusal(gemini, chat, key="x", json=GOOD))[2]
    for model in ("gemini-1.5-flash", EMBEDDING):
        code, status, _ = await refusal(gemini, f"{model}:generateContent", json=GOOD)
        assert (code, status) == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    "request_",
    [
        {"content": b"{"},
        {"json": GOOD | {"prompt": "x"}},
        {"json": {"contents": []}},
        {"json": {"contents": [{"parts": []}]}},
        {"json": {"contents": [{"parts": [{}]}]}},
        {"json": {"contents": [{"role": "assistant", "parts": [{"text": "x"}]}]}},
    ],
)
async def test_a_prompt_that_google_refuses(
    gemini: GeminiSimulator, request_: dict[str, Any]
) -> None:
    answered = await refusal(gemini, f"{CHAT}:generateContent", **request_)
    assert answered[:2] == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize(
    "request_",
    [
        {"json": {"requests": []}},
        {"json": {"requests": [VECTOR] * 101}},
        {"json": {"requests": [VECTOR | {"model": "models/other"}]}},
        {"json": {"requests": [VECTOR | {"outputDimensionality": 3073}]}},
        {"json": {"requests": [VECTOR | {"content": {"parts": [{"text": ""}]}}]}},
        {"json": {"requests": [VECTOR | {"taskType": "DANCE"}]}},
        {"content": b" " * (4 * 1024 * 1024 + 1)},
    ],
    ids=range(7),
)
async def test_a_batch_that_google_refuses(
    gemini: GeminiSimulator, request_: dict[str, Any]
) -> None:
    answered = await refusal(gemini, f"{EMBEDDING}:batchEmbedContents", **request_)
    assert answered[:2] == (400, "INVALID_ARGUMENT")


async def test_one_text_can_be_embedded_alone(gemini: GeminiSimulator) -> None:
    """By :embedContent, which the SDK does not use with this API."""
    async with httpx2.AsyncClient(base_url=gemini.url, verify=NO_CERTIFICATES) as client:
        reply = await client.post(
            f"/v1beta/models/{EMBEDDING}:embedContent", params={"key": KEY}, json=VECTOR
        )
    assert [reply.json()["embedding"]["values"]] == await embed(gemini, "Hello")


async def test_models_can_be_looked_up(gemini: GeminiSimulator) -> None:
    async with sdk(gemini) as client:
        assert (await client.models.get(model=CHAT)).name == f"models/{CHAT}"
        names = [model.name async for model in await client.models.list()]
        with pytest.raises(errors.ClientError) as caught:
            await client.models.get(model="gemini-1.5-flash")
    assert f"models/{EMBEDDING}" in names
    assert caught.value.code == 404


async def test_a_wrong_key_is_a_client_error_with_a_reason(gemini: GeminiSimulator) -> None:
    async with sdk(gemini, key="wrong") as client:
        with pytest.raises(errors.ClientError) as caught:
            await client.models.get(model=CHAT)
    assert caught.value.code == 400
    assert caught.value.details["error"]["details"][0]["reason"] == "API_KEY_INVALID"
