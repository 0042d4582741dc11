"""Socket Mode: several connections, each envelope to one of them, acknowledged by its id.

Rules: https://docs.slack.dev/apis/events-api/using-socket-mode
"""

import asyncio
import json
import random
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass, field

from tests.simulators.loopback import Exchange
from tests.simulators.slack.core import Attempt, Core, Delivery
from tests.simulators.slack.state import JSON
from tests.simulators.slack.websocket import CLOSE, PING, PONG, TEXT, WebSocket, accept_headers

MOST = 10
TICKET_LIFE = 30.0


@dataclass
class Connection:
    """One socket. `black_hole` swallows what comes and says nothing, not even pongs; `deaf`
    still answers pings, but whatever is sent to it is lost."""

    id: str
    socket: WebSocket
    opened: float = field(default_factory=time.monotonic)
    black_hole: bool = False
    deaf: bool = False
    closing: bool = False
    received: list[JSON] = field(default_factory=list)
    pings: int = 0  # from the app
    pongs: int = 0  # to our own pings

    async def send(self, body: JSON) -> None:
        if not self.black_hole and not self.deaf:
            with suppress(ConnectionError):
                await self.socket.send(json.dumps(body).encode())


class SocketMode:
    def __init__(self, core: Core) -> None:
        self._core = core
        self._tickets: dict[str, float] = {}
        self._waiting: dict[str, tuple[Delivery, Attempt, asyncio.Event]] = {}
        self.connections: list[Connection] = []

    def open_url(self) -> str:
        """The address that apps.connections.open gives; it is good for one connection."""
        ticket = uuid.uuid4().hex
        self._tickets[ticket] = time.monotonic()
        host = self._core.origin.removeprefix("http://")
        return f"ws://{host}/link/?ticket={ticket}&app_id={self._core.world.app.app_id}"

    def live(self) -> list[Connection]:
        return [c for c in self.connections if not c.closing]

    async def serve(self, exchange: Exchange) -> bool:
        request = exchange.request
        made = self._tickets.pop(request.query.get("ticket", ""), None)
        key = request.headers.get("sec-websocket-key", "")
        if made is None or time.monotonic() > made + TICKET_LIFE or not key:
            await exchange.start(401, {"content-type": "text/plain"})
            await exchange.send(b"invalid ticket")
            return await exchange.finish()
        socket = WebSocket(*await exchange.upgrade(accept_headers(key)))
        connection = Connection(f"socket-{uuid.uuid4().hex[:8]}", socket)
        self.connections.append(connection)
        pinging = asyncio.create_task(self._ping(connection))
        try:
            await self._greet(connection)
            await self._listen(connection)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            pinging.cancel()
            self.connections.remove(connection)
        return False

    async def _greet(self, connection: Connection) -> None:
        info = {"host": "applink-simulated", "build_number": 1, "approximate_connection_time": 3600}
        await connection.send(
            {
                "type": "hello",
                "num_connections": len(self.connections),
                "debug_info": info,
                "connection_info": {"app_id": self._core.world.app.app_id},
            }
        )
        if len(self.connections) > MOST:
            await self.disconnect("too_many_websockets", connection, grace=0)

    async def _listen(self, connection: Connection) -> None:
        while True:
            opcode, data = await connection.socket.receive()
            if connection.black_hole:
                continue
            if opcode == CLOSE:
                with suppress(ConnectionError):
                    await connection.socket.send(data[:2], CLOSE)
                return
            if opcode == PING:
                connection.pings += 1
                await connection.socket.send(data, PONG)
            elif opcode == PONG:
                connection.pongs += 1
            elif opcode == TEXT:
                self._acknowledge(connection, json.loads(data))

    def _acknowledge(self, connection: Connection, frame: JSON) -> None:
        connection.received.append(frame)
        found = self._waiting.get(str(frame.get("envelope_id")))
        if found is None:
            return
        delivery, attempt, arrived = found
        attempt.acked = attempt.acked or time.monotonic()
        delivery.response = frame.get("payload", delivery.response)
        arrived.set()

    async def _ping(self, connection: Connection) -> None:
        while True:
            await asyncio.sleep(self._core.settings.ping_interval)
            if not connection.black_hole:
                with suppress(ConnectionError):
                    await connection.socket.send(b"Ping from applink-simulated", PING)

    async def attempt(self, delivery: Delivery, retry: int, reason: str | None) -> str | None:
        """Sends to one connection and waits; None, or why it failed."""
        live = self.live()
        if not live:
            delivery.attempts.append(Attempt("none", retry, reason))
            return "no_connection"
        connection = random.choice(live)
        envelope = str(uuid.uuid4())
        attempt = Attempt(connection.id, retry, reason, envelope_id=envelope)
        delivery.attempts.append(attempt)
        arrived = asyncio.Event()
        self._waiting[envelope] = (delivery, attempt, arrived)
        await connection.send(_envelope(delivery, envelope, retry, reason))
        try:
            await asyncio.wait_for(arrived.wait(), self._core.settings.ack_timeout)
        except TimeoutError:
            return "timeout"
        return None

    async def disconnect(
        self, reason: str, connection: Connection | None = None, grace: float | None = None
    ) -> None:
        """Announces the end of a connection (of all), and ends it after the grace time.

        Reasons: warning, refresh_requested, link_disabled, too_many_websockets.
        """
        wait = self._core.settings.disconnect_grace if grace is None else grace
        for target in [connection] if connection else list(self.connections):
            host = {"host": "applink-simulated"}
            await target.send({"type": "disconnect", "reason": reason, "debug_info": host})
            target.closing = reason != "warning"
            asyncio.get_running_loop().call_later(wait, target.socket.abort)


def _envelope(delivery: Delivery, envelope: str, retry: int, reason: str | None) -> JSON:
    body: JSON = {
        "envelope_id": envelope,
        "type": delivery.kind,
        "payload": delivery.payload,
        "accepts_response_payload": delivery.kind != "events_api",
    }
    if delivery.kind == "events_api":
        body |= {"retry_attempt": retry, "retry_reason": reason or ""}
    return body
