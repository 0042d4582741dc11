"""The gateway, v10: sessions with numbered events, resume and replay, heartbeats.

Rules: https://discord.com/developers/docs/events/gateway
"""

import asyncio
import json
import struct
import time
import uuid
from contextlib import suppress

from tests.simulators.discord import shapes
from tests.simulators.discord.core import MEMBERS, MESSAGE_CONTENT, PRESENCES, Core, Event
from tests.simulators.discord.sessions import BINARY, FINAL, Connection, Session, compressor
from tests.simulators.discord.state import JSON
from tests.simulators.loopback import Exchange
from tests.simulators.slack.websocket import CLOSE, PING, PONG, TEXT, WebSocket, accept_headers

HEARTBEAT, IDENTIFY, PRESENCE, VOICE, RESUME, RECONNECT, REQUEST_MEMBERS = 1, 2, 3, 4, 6, 7, 8
INVALID_SESSION, HELLO, HEARTBEAT_ACK = 9, 10, 11
SENDS, SENDS_WINDOW, MOST_BYTES = 120, 60.0, 4096


class Gateway:
    def __init__(self, core: Core) -> None:
        self._core = core
        self.connections: list[Connection] = []
        self.sessions: list[Session] = []
        self.identifies: list[float] = []
        self.resumes: list[float] = []
        self.closes: list[int] = []  # codes with which we closed
        self._loop: asyncio.AbstractEventLoop | None = None

    def live(self) -> list[Connection]:
        """Connections whose session is running."""
        return [c for c in self.connections if c.session]

    def identifies_left(self) -> int:
        day = time.monotonic() - 86_400
        return self._core.settings.identifies - sum(1 for at in self.identifies if at > day)

    def dispatch(self, event: Event) -> None:
        """From any thread that holds the world's lock: numbers the event in every session."""
        for session in self.sessions:
            if session.dead or (event.intent and not session.intents & event.intent):
                continue
            session.add(event.type, event.build(bool(session.intents & MESSAGE_CONTENT)))
            if session.connection and self._loop:
                self._loop.call_soon_threadsafe(session.connection.news.set)

    async def serve(self, exchange: Exchange) -> bool:
        request = exchange.request
        self._loop = asyncio.get_running_loop()
        key = request.headers.get("sec-websocket-key", "")
        socket = WebSocket(*await exchange.upgrade(accept_headers(key)))
        connection = Connection(socket, compressor(request.query.get("compress")))
        self.connections.append(connection)
        pushing = asyncio.create_task(self._push(connection))
        try:
            await connection.send(
                HELLO, {"heartbeat_interval": int(self._core.settings.heartbeat_interval * 1000)}
            )
            if request.query.get("v") == "10":
                await self._listen(connection)
            else:
                await self._close(connection, 4012, "Invalid API version.")
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            pushing.cancel()
            self._leave(connection)
        return False

    def _leave(self, connection: Connection) -> None:
        with self._core.world.lock:
            self.connections.remove(connection)
            session = connection.session
            if session and session.connection is connection:
                session.connection, session.left = None, time.monotonic()

    async def _push(self, connection: Connection) -> None:
        while True:
            await connection.news.wait()
            connection.news.clear()
            session = connection.session
            while session and session.connection is connection:
                if connection.sent >= len(session.log):
                    break
                frame = session.log[connection.sent]
                connection.sent += 1
                await connection.write(frame)

    async def _listen(self, connection: Connection) -> None:
        while True:
            opcode, data = await connection.socket.receive()
            if connection.black_hole:
                continue
            if opcode == CLOSE:
                code = struct.unpack("!H", data[:2])[0] if len(data) >= 2 else 1005
                if code in FINAL and connection.session:
                    connection.session.dead = True
                with suppress(ConnectionError):
                    await connection.socket.send(data[:2], CLOSE)
                return
            if opcode == PING:
                await connection.socket.send(data, PONG)
            elif opcode in (TEXT, BINARY) and not await self._receive(connection, data):
                return

    async def _receive(self, connection: Connection, data: bytes) -> bool:
        """False where the connection is over."""
        if len(data) > MOST_BYTES:
            return await self._close(connection, 4002, "Payload too large.")
        try:
            frame = json.loads(data)
            op = frame["op"]
        except (ValueError, KeyError, TypeError):
            return await self._close(connection, 4002, "Error while decoding payload.")
        connection.received.append(frame)
        now = time.monotonic()
        connection.frames = [at for at in connection.frames if at > now - SENDS_WINDOW] + [now]
        if len(connection.frames) > SENDS:
            return await self._close(connection, 4008, "Rate limited.")
        if op == HEARTBEAT:
            connection.heartbeats += 1
            await connection.send(HEARTBEAT_ACK)
            return True
        if op == IDENTIFY:
            return await self._identify(connection, frame.get("d") or {})
        if op == RESUME:
            return await self._resume(connection, frame.get("d") or {})
        if connection.session is None:
            return await self._close(connection, 4003, "Not authenticated.")
        if op == REQUEST_MEMBERS:
            self._members(connection.session, frame.get("d") or {})
        if op in (PRESENCE, VOICE, REQUEST_MEMBERS):
            return True
        return await self._close(connection, 4001, "Unknown opcode.")

    async def _identify(self, connection: Connection, data: JSON) -> bool:
        core = self._core
        if connection.session:
            return await self._close(connection, 4005, "Already authenticated.")
        self.identifies.append(time.monotonic())
        if self.identifies_left() < 0:
            core.token = (
                f"reset.{uuid.uuid4().hex}"  # Discord resets the token, and says so by mail
            )
        if data.get("token", "").removeprefix("Bot ") != core.token:
            return await self._close(connection, 4004, "Authentication failed.")
        intents = data.get("intents")
        if not isinstance(intents, int) or intents >> 26:
            return await self._close(connection, 4013, "Invalid intent(s).")
        barred = MEMBERS | PRESENCES | (0 if core.message_content_allowed else MESSAGE_CONTENT)
        if intents & barred:
            return await self._close(connection, 4014, "Disallowed intent(s).")
        with core.world.lock:
            session = Session(intents, connection=connection)
            connection.session = session
            self.sessions.append(session)
            self._welcome(session)
        connection.news.set()
        return True

    def _welcome(self, session: Session) -> None:
        core = self._core
        bot = core.world.bot
        guilds = [g for g in core.world.guilds.values() if bot.id in g.members]
        ready = {
            "v": 10,
            "user": shapes.user_json(bot) | {"verified": True, "mfa_enabled": False, "email": None},
            "guilds": [{"id": guild.id, "unavailable": True} for guild in guilds],
            "session_id": session.id,
            "session_type": "normal",
            "resume_gateway_url": core.origin.replace("http", "ws", 1),
            "application": {"id": bot.id, "flags": core.flags},
            "private_channels": [],
        }
        session.add("READY", ready)
        for guild in [one for one in guilds if not one.unavailable]:
            session.add("GUILD_CREATE", shapes.guild_create_json(core, guild))

    async def _resume(self, connection: Connection, data: JSON) -> bool:
        core = self._core
        self.resumes.append(time.monotonic())
        if data.get("token", "").removeprefix("Bot ") != core.token:
            return await self._close(connection, 4004, "Authentication failed.")
        with core.world.lock:
            session = self._resumable(data)
            if session:
                if session.connection:
                    session.connection.socket.abort()
                connection.session, connection.sent = session, int(data["seq"])
                session.connection, session.left = connection, None
                session.add("RESUMED", {"_trace": []})
        if session is None:
            await asyncio.sleep(0)
            await connection.send(INVALID_SESSION, False)
            return True
        connection.news.set()
        return True

    def _resumable(self, data: JSON) -> Session | None:
        seq = data.get("seq")
        for session in self.sessions:
            if session.id == data.get("session_id") and not session.dead:
                gone = time.monotonic() - (session.left or time.monotonic())
                within = isinstance(seq, int) and 0 <= seq <= len(session.log)
                if within and gone <= self._core.settings.session_life:
                    return session
        return None

    async def _close(self, connection: Connection, code: int, reason: str) -> bool:
        """Waits for the bot's own close frame, so that ours is not lost."""
        self.closes.append(code)
        await connection.close(code, reason)
        with suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                while (await connection.socket.receive())[0] != CLOSE:
                    pass
        return False

    def _members(self, session: Session, asked: JSON) -> None:
        """Without the members intent one may ask for named people, not for everybody."""
        world = self._core.world
        with world.lock:
            guild = world.guilds[str(asked["guild_id"])]
            wanted = [str(one) for one in asked.get("user_ids") or []]
            if begin := asked.get("query"):
                wanted = [m for m in guild.members if world.users[m].name.startswith(begin)]
            found = [guild.members[one] for one in wanted if one in guild.members]
            told = {
                "guild_id": guild.id,
                "members": [shapes.member_json(m, world.users[m.user]) for m in found],
                "not_found": [one for one in wanted if one not in guild.members],
                "chunk_index": 0,
                "chunk_count": 1,
                "nonce": asked.get("nonce"),
            }
            session.add("GUILD_MEMBERS_CHUNK", told)
            if session.connection:
                session.connection.news.set()
