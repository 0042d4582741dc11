"""The simulator as a program to chat with."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

pytestmark = pytest.mark.asyncio
Program = subprocess.Popen[str]


@pytest.fixture
def program() -> Iterator[Program]:
    command = [sys.executable, "-m", "tests.simulators.slack", "--port", "0"]
    root = Path(__file__).parents[3]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=root) as process:
        try:
            yield process
        finally:
            process.terminate()


async def read_until(program: Program, part: str) -> str:
    assert program.stdout is not None
    while part not in (line := await asyncio.to_thread(program.stdout.readline)):
        assert line, f"it ended before {part!r}"
    return line.strip()


def type_in(program: Program, line: str) -> None:
    assert program.stdin is not None
    program.stdin.write(f"{line}\n")
    program.stdin.flush()


async def test_a_contributor_chats_with_the_app(program: Program) -> None:
    lines = [await read_until(program, name) for name in ("_URL=", "_BOT_TOKEN=", "_APP_TOKEN=")]
    url, bot_token, app_token = (line.partition("=")[2] for line in lines)
    bolt = AsyncApp(client=AsyncWebClient(bot_token, base_url=url))

    @bolt.event("app_mention")
    async def answer(event: dict[str, str], client: AsyncWebClient) -> None:
        await client.chat_postMessage(
            channel=event["channel"], thread_ts=event["ts"], text="25 days"
        )

    handler = AsyncSocketModeHandler(bolt, app_token)
    await handler.connect_async()  # type: ignore[no-untyped-call]
    type_in(program, "#general> @askwell how many days?")
    assert "[1] #general ana: <@U0000B0T0> how many" in await read_until(program, "[1]")
    assert await read_until(program, "[2]") == "[2] #general ↳ askwell: 25 days"
    type_in(program, '#general 1> /file "tests/simulators/slack/__init__.py" look at this')
    assert await read_until(program, "[3]") == "[3] #general ↳ ana: look at this"
    assert "(file: __init__.py)" in await read_until(program, "(file")
    type_in(program, "nonsense")
    assert "unknown: nonsense" in await read_until(program, "?")
    await handler.close_async()  # type: ignore[no-untyped-call]
    type_in(program, "quit")
    assert await asyncio.to_thread(program.wait, 5) == 0
