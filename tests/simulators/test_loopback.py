"""The server that the simulated model APIs have in common."""

import signal
import socket
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import httpx2
import pytest

from tests.simulators.faults import Answer, Hang
from tests.simulators.gemini import GeminiSimulator
from tests.simulators.gemini_client import CHAT, KEY, answer
from tests.simulators.loopback import Exchange, LoopbackServer

pytestmark = pytest.mark.asyncio


async def test_it_stops_at_once_while_a_handler_hangs() -> None:
    threads = threading.active_count()
    with GeminiSimulator() as gemini:
        gemini.faults.next(Hang(after=1))
        async with httpx2.AsyncClient(base_url=gemini.url) as client:
            path = f"/v1/models/{CHAT}:streamGenerateContent?alt=sse"
            body = {"contents": [{"parts": [{"text": "Hello"}]}]}
            async with client.stream("POST", path, json=body) as reply:
                await anext(reply.aiter_bytes())
                started = time.monotonic()
                gemini.__exit__(None, None, None)
                assert time.monotonic() - started < 0.5
        gemini.__enter__()  # the same port is free again
    assert threading.active_count() == threads


async def test_an_answer_function_that_fails_fails_the_test() -> None:
    with pytest.raises(ZeroDivisionError), GeminiSimulator(key=KEY) as gemini:
        gemini.faults.next(Answer(lambda prompt: str(1 / 0)))
        with pytest.raises(httpx2.RemoteProtocolError):
            await answer(gemini)


async def test_a_reply_in_pieces_waits_for_no_acknowledgement() -> None:
    class Simulator(LoopbackServer):
        async def handle(self, exchange: Exchange) -> bool:
            sock = exchange._writer.get_extra_info("socket")
            at_once = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            await exchange.start(200, {})
            await exchange.send(str(bool(at_once)).encode())
            return await exchange.finish()

    with Simulator() as simulator:
        async with httpx2.AsyncClient() as client:
            assert (await client.get(simulator.url)).text == "True"


async def test_it_is_a_program() -> None:
    command = [sys.executable, "-m", "tests.simulators.gemini", "--port", "0", "--answer", "Yes."]
    root = Path(__file__).parents[2]
    # In the background of a script Ctrl+C is ignored, and what is ignored is inherited.
    heeding = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=root, preexec_fn=heeding
    ) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            body = {"contents": [{"parts": [{"text": "Hello"}]}]}
            reply = httpx2.post(f"{url}/v1beta/models/{CHAT}:generateContent", json=body)
            assert "Yes." in reply.text
        finally:
            process.send_signal(signal.SIGINT)
        assert process.wait(timeout=5) == 0
