"""Pictures in requests to the model APIs, sent by the real SDKs: seen, or refused as there."""

import base64
import io
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from google.genai import errors, types
from PIL import Image

from tests.simulators import gemini_client, openai_client
from tests.simulators.gemini import GeminiSimulator
from tests.simulators.openai import OpenAISimulator

pytestmark = pytest.mark.asyncio
SEEN = "A picture of 40 by 30 pixels, mostly blue."


def picture(kind: str = "JPEG") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30), (40, 80, 200)).save(buffer, kind)
    return buffer.getvalue()


@pytest.fixture
def gemini() -> Iterator[GeminiSimulator]:
    with GeminiSimulator(key=gemini_client.KEY) as simulator:
        yield simulator


@pytest.fixture
def server() -> Iterator[OpenAISimulator]:
    with OpenAISimulator(key=openai_client.KEY) as simulator:
        yield simulator


async def asked_gemini(server: GeminiSimulator, data: bytes, mime: str) -> str | None:
    parts = [types.Part.from_bytes(data=data, mime_type=mime), types.Part(text="What is this?")]
    contents: Any = [types.Content(role="user", parts=parts)]
    async with gemini_client.sdk(server) as client:
        answer = await client.models.generate_content(model=gemini_client.CHAT, contents=contents)
    return answer.text


async def asked_openai(server: OpenAISimulator, url: str, **image: Any) -> str | None:
    content: Any = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": url} | image},
    ]
    async with openai_client.sdk(server) as client:
        answer = await client.chat.completions.create(
            model=openai_client.CHAT, messages=[{"role": "user", "content": content}]
        )
    return answer.choices[0].message.content


def data_uri(data: bytes, mime: str = "image/jpeg") -> str:
    return f"data:{mime};base64,{base64.b64encode(data).decode()}"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
async def test_gemini_sees_a_picture(gemini: GeminiSimulator, kind: str) -> None:
    assert await asked_gemini(gemini, picture(kind), f"image/{kind.lower()}") == SEEN


@pytest.mark.parametrize(
    ("data", "mime", "why"),
    [
        (picture(), "image/jpg", "Unsupported MIME type: image/jpg"),
        (picture("GIF"), "image/gif", "Unsupported MIME type: image/gif"),
        (picture()[:80], "image/jpeg", "Unable to process input image"),
    ],
)
async def test_gemini_refuses_what_is_no_picture_it_takes(
    gemini: GeminiSimulator, data: bytes, mime: str, why: str
) -> None:
    with pytest.raises(errors.ClientError, match=why) as refusal:
        await asked_gemini(gemini, data, mime)
    assert refusal.value.code == 400


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
async def test_openai_sees_a_picture(server: OpenAISimulator, kind: str) -> None:
    assert await asked_openai(server, data_uri(picture(kind), f"image/{kind.lower()}")) == SEEN


@pytest.mark.parametrize(
    ("url", "code"),
    [
        (data_uri(picture(), "text/plain"), "invalid_image_format"),
        (data_uri(picture(), "image/bmp"), "invalid_image_format"),
        (data_uri(picture()[:80]), "invalid_image_format"),
        ("data:image/jpeg;base64,not!base64", "invalid_base64"),
        ("data:image/jpeg;base64,", "invalid_base64"),
        ("http://127.0.0.1:9/a.jpg", "invalid_image_url"),
    ],
)
async def test_openai_refuses_what_is_no_picture_it_takes(
    server: OpenAISimulator, url: str, code: str
) -> None:
    with pytest.raises(openai.BadRequestError) as refusal:
        await asked_openai(server, url)
    assert refusal.value.code == code


async def test_openai_refuses_a_detail_that_it_does_not_know(server: OpenAISimulator) -> None:
    with pytest.raises(openai.BadRequestError, match="Invalid value: 'huge'"):
        await asked_openai(server, data_uri(picture()), detail="huge")
