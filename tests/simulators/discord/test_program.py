"""The simulator as a program to chat with."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yarl

from tests.simulators.discord.conftest import Bot
from tests.simulators.discord.library import discord

pytestmark = pytest.mark.asyncio
Program = subprocess.Popen[str]


@pytest.fixture
def program() -> Iterator[Program]:
    command = [sys.executable, "-m", "tests.simulators.discord", "--port", "0"]
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


async def test_a_contributor_chats_with_the_bot(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [await read_until(program, name) for name in ("API_URL=", "GATEWAY_URL=", "TOKEN=")]
    api, gateway, token = (line.partition("=")[2] for line in lines)
    monkeypatch.setattr(discord.http.Route, "BASE", api)
    address = yarl.URL(gateway)
    monkeypatch.setattr(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", address)
    async with Bot(discord.Intents.default()) as bot:
        await bot.login(token)
        running = asyncio.create_task(bot.connect())
        await bot.wait_until_ready()
        type_in(program, "#general> @askwell how many days?")
        assert "#general ana: <@100000000000000001> how" in await read_until(program, "[1]")
        while not bot.heard:
            await asyncio.sleep(0.005)
        await bot.heard[0].reply("25 days", mention_author=False)
        assert await read_until(program, "[2]") == "[2] #general askwell (to ana): 25 days"
        type_in(program, 'dm> /file "tests/simulators/discord/__init__.py" look at this')
        assert "ana: look at this" in await read_until(program, "[3]")
        assert "(file: __init__.py)" in await read_until(program, "(file")
        type_in(program, "nonsense")
        assert "unknown: nonsense" in await read_until(program, "?")
        await bot.close()
        await running
    type_in(program, "quit")
    assert await asyncio.to_thread(program.wait, 5) == 0
