"""What the simulated model APIs have in common: they act out one behaviour per request."""

import argparse
import asyncio
import json
import re
from dataclasses import dataclass
from typing import Any

from tests.simulators.faults import (
    Answer,
    Behaviour,
    Cut,
    Faults,
    Garbage,
    Hang,
    Operation,
    Redirect,
    Reset,
    Status,
)
from tests.simulators.loopback import Exchange, LoopbackServer, Request

JSON_TYPE = "application/json; charset=UTF-8"
STREAM_TYPE = "text/event-stream"
GARBAGE = b'{"candidates": [{oops'


@dataclass
class Refused(Exception):
    """The platform refuses the request, with this status and error body."""

    status: int
    body: Any
    headers: dict[str, str] | None = None


@dataclass(frozen=True)
class Reply:
    """A good reply: `pieces` are what `after` counts, `head` and `tail` stand around them."""

    pieces: list[bytes]
    head: bytes = b""
    tail: bytes = b""
    stream: bool = False


def json_reply(body: Any) -> Reply:
    data = json.dumps(body).encode()
    middle = len(data) // 2
    return Reply([data[:middle], data[middle:]])


def event(body: Any) -> bytes:
    """One server-sent event."""
    return b"data: " + json.dumps(body).encode() + b"\n\n"


def tokens(text: str) -> list[str]:
    """Words with the space behind them: coarser than a model's tokens, but it joins back."""
    return re.findall(r"\s*\S+\s*", text)


class ModelServer(LoopbackServer):
    """`key` None accepts any key and none at all, as a local server without keys does."""

    def __init__(self, key: str | None = None, port: int = 0) -> None:
        super().__init__(port)
        self.key = key
        self.faults = Faults()

    def operation(self, request: Request) -> Operation:
        raise NotImplementedError

    def reply(self, request: Request, behaviour: Behaviour) -> Reply:
        """The reply to a good request; raises Refused for another."""
        raise NotImplementedError

    def error(self, fault: Status) -> Refused:
        raise NotImplementedError

    async def handle(self, exchange: Exchange) -> bool:
        behaviour = self.faults.take(self.operation(exchange.request))
        match behaviour:
            case Hang(after=None) | Reset(after=None):
                return await self._break(exchange, behaviour)
            case Redirect():
                target = behaviour.origin.rstrip("/") + exchange.request.path
                query = "&".join(f"{name}={v}" for name, v in exchange.request.query.items())
                headers = {"location": f"{target}?{query}" if query else target}
                return await _send(exchange, behaviour.status, "", headers)
            case Status(after=None):
                return await _refuse(exchange, self.error(behaviour))
        try:
            reply = self.reply(exchange.request, behaviour)
        except Refused as refused:
            return await _refuse(exchange, refused)
        if isinstance(behaviour, Status) and not reply.stream:
            return await _refuse(exchange, self.error(behaviour))
        return await self._play(exchange, reply, behaviour)

    async def _play(self, exchange: Exchange, reply: Reply, behaviour: Behaviour) -> bool:
        cut = getattr(behaviour, "after", None)
        if cut is not None and not reply.stream:
            cut = min(cut, 1)
        delay = behaviour.delay if isinstance(behaviour, Answer) else 0.0
        await exchange.start(200, {"content-type": STREAM_TYPE if reply.stream else JSON_TYPE})
        await exchange.send(reply.head)
        for piece in reply.pieces[:cut]:
            await asyncio.sleep(delay)
            await exchange.send(piece)
        if cut is None:
            await exchange.send(reply.tail)
            return await exchange.finish()
        rest = [*reply.pieces[cut:], reply.tail]
        return await self._break(exchange, behaviour, reply.stream, rest[0])

    async def _break(
        self, exchange: Exchange, fault: Behaviour, stream: bool = False, rest: bytes = b""
    ) -> bool:
        match fault:
            case Hang():
                await exchange.hang()
            case Reset():
                if fault.fin:
                    exchange.close()
                else:
                    await exchange.reset()
                return False
            case Cut(mid_event=True):
                await exchange.send(rest[: len(rest) // 2])
            case Garbage():
                await exchange.send(b"data: " + GARBAGE + b"\n\n" if stream else GARBAGE)
            case Status():
                await exchange.send(event(self.error(fault).body))
        return await exchange.finish()


async def _refuse(exchange: Exchange, refused: Refused) -> bool:
    return await _send(exchange, refused.status, refused.body, refused.headers or {})


async def _send(exchange: Exchange, status: int, body: Any, headers: dict[str, str]) -> bool:
    """Sends JSON, or a string as the page that a gateway sends."""
    page = isinstance(body, str)
    kind = "text/html; charset=UTF-8" if page else JSON_TYPE
    await exchange.start(status, {"content-type": kind, **headers})
    await exchange.send((body if page else json.dumps(body, indent=2)).encode())
    return await exchange.finish()


def main(simulator: type[ModelServer], default_port: int) -> None:
    """The command line of a simulator."""
    parser = argparse.ArgumentParser(description=simulator.__doc__)
    parser.add_argument("--port", type=int, default=default_port, help="0 takes a free one")
    parser.add_argument("--key", help="the only key accepted (default: any)")
    parser.add_argument("--answer", help="the answer to everything (default: cite a passage)")
    arguments = parser.parse_args()
    server = simulator(key=arguments.key, port=arguments.port)
    if arguments.answer is not None:
        server.faults.answer = arguments.answer
    server.serve_until_interrupted()
