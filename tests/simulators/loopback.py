"""A small HTTP/1.1 server on loopback whose handlers own the socket.

A framework would hide what the tests are about: a connection that is reset in the
middle of a chunk, or one that stays open and says nothing.
"""

import asyncio
import fcntl
import json
import socket
import struct
import sys
import termios
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

import h11

READ_SIZE = 64 * 1024


@dataclass
class Request:
    """One request as it arrived. `body` is the parsed JSON, or None where there is none.

    `arrived` is `time.monotonic()` when the whole request was there; `gone` becomes true
    when the client was seen to leave before the reply was complete.
    """

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    raw: bytes
    arrived: float = field(default_factory=time.monotonic)
    gone: bool = False

    @property
    def body(self) -> Any:
        try:
            return json.loads(self.raw)
        except ValueError:
            return None


class Exchange:
    """One connection: receives requests, and sends, holds or breaks the reply to each."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.request: Request
        self._whole = False
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.SERVER)
        # drain() then waits for the kernel to have everything, so that an abort cuts
        # exactly behind what was sent.
        writer.transport.set_write_buffer_limits(0)

    async def receive(self) -> bool:
        """Waits for the next request of this connection; false when there is none."""
        head, raw, self._whole = None, b"", False
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                self._http.receive_data(await self._reader.read(READ_SIZE))
            elif isinstance(event, h11.Request):
                head = event
                if self._http.they_are_waiting_for_100_continue:
                    await self._write(h11.InformationalResponse(status_code=100, headers=[]))
            elif isinstance(event, h11.Data):
                raw += event.data
            elif isinstance(event, h11.EndOfMessage) and head is not None:
                self.request, self._whole = _request(head, raw), True
                return True
            else:
                return False

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        """Sends the status line and headers; the body follows chunked, as both APIs send it."""
        pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
        await self._write(h11.Response(status_code=status, headers=pairs))

    async def send(self, data: bytes) -> None:
        if self._reader.at_eof():
            raise ConnectionResetError("the client left")
        if data:
            await self._write(h11.Data(data=data))

    async def finish(self) -> bool:
        """Ends the reply; true if the connection can carry another request."""
        await self._write(h11.EndOfMessage())
        if self._http.our_state is not h11.DONE:
            return False
        self._http.start_next_cycle()
        return True

    async def upgrade(
        self, headers: Mapping[str, str]
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Switches protocols (HTTP 101); from here on the caller owns both streams."""
        pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
        await self._write(h11.InformationalResponse(status_code=101, headers=pairs))
        return self._reader, self._writer

    async def hang(self) -> None:
        """Says nothing more, until the client gives up or the server stops."""
        while await self._reader.read(READ_SIZE):
            pass
        raise ConnectionResetError("the client left")

    def close(self) -> None:
        """Closes at once; the peer sees the connection end (FIN), however far the reply was."""
        self._writer.transport.abort()

    async def reset(self) -> None:
        """Closes with RST, which a zero linger time makes the kernel send.

        It also makes the kernel drop what the peer has not acknowledged, so wait for that.
        """
        sock = self._writer.get_extra_info("socket")
        while not self._writer.is_closing() and _unacknowledged(sock):
            await asyncio.sleep(0.001)
        if not self._writer.is_closing():
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    @property
    def unfinished(self) -> bool:
        return self._whole and self._http.our_state in (h11.SEND_RESPONSE, h11.SEND_BODY)

    async def _write(self, event: h11.Event) -> None:
        data = self._http.send(event)
        if data:
            self._writer.write(data)
            await self._writer.drain()


class LoopbackServer:
    """Runs in a thread of its own between `__enter__` and `__exit__`; all of 127.* is loopback."""

    path = ""
    host = "127.0.0.1"

    def __init__(self, port: int = 0) -> None:
        self.requests: list[Request] = []
        self._port = port
        self._tasks: set[asyncio.Task[None]] = set()
        self._failure: Exception | None = None

    @property
    def url(self) -> str:
        """What goes into the SDK's base URL setting."""
        return f"http://{self.host}:{self._port}{self.path}"

    async def handle(self, exchange: Exchange) -> bool:
        """Replies to `exchange.request`; false if the connection is over."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        self._listener = socket.create_server((self.host, self._port))
        self._listener.setblocking(False)
        self._port = self._listener.getsockname()[1]
        self._started = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve()), name=type(self).__name__, daemon=True
        )
        self._thread.start()
        self._started.wait()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()
        if self._failure is not None and error is None:
            raise self._failure

    def serve_until_interrupted(self) -> None:
        """The command line: prints the address, then serves until Ctrl-C."""
        with self, suppress(KeyboardInterrupt):
            sys.stdout.write(f"{self.url}\n")
            sys.stdout.flush()
            threading.Event().wait()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        # asyncio.Server leaks, in Python 3.11, a connection that it accepts while it closes.
        self._loop.add_reader(self._listener, self._accept)
        self._started.set()
        await self._stopping.wait()
        self._loop.remove_reader(self._listener)
        self._listener.close()
        await asyncio.sleep(0)  # every task has begun, and so closes its socket
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)  # the aborted transports close their sockets

    def _accept(self) -> None:
        with suppress(BlockingIOError, ConnectionError):
            connection, _ = self._listener.accept()
            # asyncio sees to it only where it opened the socket itself; a reply that is written
            # in pieces would wait 40 ms for an acknowledgement.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            task = self._loop.create_task(self._connection(connection))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _connection(self, connection: socket.socket) -> None:
        exchange = Exchange(*await asyncio.open_connection(sock=connection))
        try:
            while await exchange.receive():
                self.requests.append(exchange.request)
                if not await self.handle(exchange):
                    break
        except (ConnectionError, h11.RemoteProtocolError):
            if exchange.unfinished:
                exchange.request.gone = True
        except Exception as error:
            # A fault of the simulator, or of the test's answer function: told at the end.
            self._failure = error
        finally:
            exchange.close()


def _unacknowledged(sock: socket.socket) -> int:
    """How many sent bytes the peer has not acknowledged."""
    return int(struct.unpack("i", fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, bytes(4)))[0])


def _request(head: h11.Request, raw: bytes) -> Request:
    url = urlsplit(head.target.decode())
    return Request(
        method=head.method.decode(),
        path=unquote(url.path),
        query=dict(parse_qsl(url.query)),
        headers={name.decode(): value.decode() for name, value in head.headers},
        raw=raw,
    )
