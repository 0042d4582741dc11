"""Files as the platforms serve them, and how that goes wrong: a program that a test sets."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from tests.simulators.loopback import Exchange

TWO_GIGABYTES = 2 * 1024**3


async def send_file(exchange: Exchange, data: bytes, content_type: str) -> bool:
    await _start(exchange, data, content_type)
    await exchange.send(data)
    return await exchange.finish()


class BadDownload:
    """What is sent in place of the file. False where the connection is over with it."""

    async def send(self, exchange: Exchange, data: bytes, content_type: str) -> bool:
        raise NotImplementedError


@dataclass(frozen=True)
class Stall(BadDownload):
    """Some of the bytes come, and then nothing any more."""

    after: int = 10

    async def send(self, exchange: Exchange, data: bytes, content_type: str) -> bool:
        await _start(exchange, data, content_type)
        await exchange.send(data[: self.after])
        await exchange.hang()
        return False


@dataclass(frozen=True)
class Cut(BadDownload):
    """The connection ends in the middle."""

    after: int = 10

    async def send(self, exchange: Exchange, data: bytes, content_type: str) -> bool:
        await _start(exchange, data, content_type)
        await exchange.send(data[: self.after])
        exchange.close()
        return False


@dataclass(frozen=True)
class Claim(BadDownload):
    """More bytes are announced than there are."""

    size: int = TWO_GIGABYTES

    async def send(self, exchange: Exchange, data: bytes, content_type: str) -> bool:
        await exchange.start(200, {"content-type": content_type, "content-length": str(self.size)})
        await exchange.send(data)
        await exchange.hang()
        return False


@dataclass(frozen=True)
class Endless(BadDownload):
    """Bytes without end, and no word of how many."""

    async def send(self, exchange: Exchange, data: bytes, content_type: str) -> bool:
        await exchange.start(200, {"content-type": content_type})
        while True:
            await exchange.send(bytes(64 * 1024))


@dataclass(frozen=True)
class Drip(BadDownload):
    """A byte at a time, `pause` seconds apart."""

    pause: float = 0.05

    async def send(self, exchange: Exchange, data: bytes, content_type: str) -> bool:
        await _start(exchange, data, content_type)
        for byte in data:
            await exchange.send(bytes([byte]))
            await asyncio.sleep(self.pause)
        return await exchange.finish()


@dataclass(frozen=True)
class Redirect(BadDownload):
    """The file is said to be elsewhere."""

    url: str
    status: int = 302

    async def send(self, exchange: Exchange, data: bytes, content_type: str) -> bool:
        await exchange.start(self.status, {"location": self.url, "content-length": "0"})
        return await exchange.finish()


@dataclass(frozen=True)
class Mistyped(BadDownload):
    """The file's bytes under another type."""

    content_type: str = "text/html; charset=utf-8"

    async def send(self, exchange: Exchange, data: bytes, content_type: str) -> bool:
        return await send_file(exchange, data, self.content_type)


async def _start(exchange: Exchange, data: bytes, content_type: str) -> None:
    headers: Mapping[str, str] = {"content-type": content_type, "content-length": str(len(data))}
    await exchange.start(200, headers)
