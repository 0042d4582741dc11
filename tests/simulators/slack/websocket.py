"""The server's half of a WebSocket (RFC 6455), on an upgraded connection."""

import asyncio
import base64
import hashlib
import struct

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
CONTINUED, TEXT, CLOSE, PING, PONG = 0x0, 0x1, 0x8, 0x9, 0xA


def accept_headers(key: str) -> dict[str, str]:
    digest = hashlib.sha1((key + GUID).encode()).digest()
    return {
        "upgrade": "websocket",
        "connection": "Upgrade",
        "sec-websocket-accept": base64.b64encode(digest).decode(),
    }


class WebSocket:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def receive(self) -> tuple[int, bytes]:
        """The next whole message or control frame. Raises IncompleteReadError at the end."""
        kind, whole = CONTINUED, b""
        while True:
            first, second = await self._reader.readexactly(2)
            payload = await self._payload(second)
            opcode = first & 0x0F
            if opcode >= CLOSE:
                return opcode, payload
            kind, whole = opcode or kind, whole + payload
            if first & 0x80:
                return kind, whole

    async def _payload(self, second: int) -> bytes:
        length = second & 0x7F
        if length == 126:
            (length,) = struct.unpack("!H", await self._reader.readexactly(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", await self._reader.readexactly(8))
        mask = await self._reader.readexactly(4) if second & 0x80 else b""
        data = await self._reader.readexactly(length)
        if not mask:
            return data
        whole = (mask * (length // 4 + 1))[:length]
        return (int.from_bytes(data) ^ int.from_bytes(whole)).to_bytes(length)

    async def send(self, data: bytes, opcode: int = TEXT) -> None:
        length = len(data)
        if length < 126:
            head = struct.pack("!BB", 0x80 | opcode, length)
        elif length < 1 << 16:
            head = struct.pack("!BBH", 0x80 | opcode, 126, length)
        else:
            head = struct.pack("!BBQ", 0x80 | opcode, 127, length)
        self._writer.write(head + data)
        await self._writer.drain()

    def abort(self) -> None:
        self._writer.transport.abort()
