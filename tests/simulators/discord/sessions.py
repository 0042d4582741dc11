"""A gateway session, and the socket that carries it."""

import asyncio
import importlib
import json
import struct
import time
import uuid
import zlib
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from tests.simulators.discord.state import JSON
from tests.simulators.slack.websocket import CLOSE, WebSocket

DISPATCH, BINARY = 0, 0x2
# After these codes Discord takes no resume.
FINAL = (1000, 1001, 4004, 4007, 4009, 4010, 4011, 4012, 4013, 4014)


@dataclass
class Session:
    """`log` holds every event since READY; an event's place in it is its number less one."""

    intents: int
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    log: list[JSON] = field(default_factory=list)
    connection: "Connection | None" = None
    left: float | None = None  # since when it is without a connection
    dead: bool = False

    def add(self, kind: str, data: JSON) -> None:
        self.log.append({"op": DISPATCH, "t": kind, "s": len(self.log) + 1, "d": data})


@dataclass(eq=False)
class Connection:
    """One socket. `black_hole` swallows what comes and says nothing, not even acks."""

    socket: WebSocket
    compress: Any = None
    session: Session | None = None
    sent: int = 0  # how many of the session's events have gone out
    black_hole: bool = False
    received: list[JSON] = field(default_factory=list)
    frames: list[float] = field(default_factory=list)  # when the bot sent what counts
    heartbeats: int = 0
    opened: float = field(default_factory=time.monotonic)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def send(self, op: int, data: Any = None) -> None:
        await self.write({"op": op, "t": None, "s": None, "d": data})

    async def write(self, frame: JSON) -> None:
        if self.black_hole:
            return
        data = json.dumps(frame).encode()
        async with self.lock:  # a compressed stream has an order
            with suppress(ConnectionError):
                if self.compress:
                    await self.socket.send(self.compress(data), BINARY)
                else:
                    await self.socket.send(data)

    async def close(self, code: int, reason: str = "") -> None:
        if self.session and code in FINAL:
            self.session.dead = True
        if not self.black_hole:
            with suppress(ConnectionError):
                await self.socket.send(struct.pack("!H", code) + reason.encode(), CLOSE)


def compressor(kind: str | None) -> Any:
    """One stream per connection, flushed at each message."""
    if kind == "zlib-stream":
        deflate = zlib.compressobj()
        return lambda data: deflate.compress(data) + deflate.flush(zlib.Z_SYNC_FLUSH)
    if kind == "zstd-stream":  # what discord.py asks for from Python 3.14 on
        zstd = importlib.import_module("compression.zstd")
        stream = zstd.ZstdCompressor()
        return lambda data: stream.compress(data, mode=stream.FLUSH_BLOCK)
    return None
