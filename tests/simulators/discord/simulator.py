"""Discord on loopback, for discord.py and whatever else speaks its protocols."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from tests.simulators.discord import (
    rest,
    rest_commands,
    rest_interactions,
    rest_messages,
    rest_read,
    rest_threads,
    serving,
)
from tests.simulators.discord.admin import Admin
from tests.simulators.discord.core import Core, Settings
from tests.simulators.discord.gateway import INVALID_SESSION, RECONNECT, Gateway
from tests.simulators.discord.interacting import Interacting
from tests.simulators.discord.observing import Observer
from tests.simulators.discord.people import People
from tests.simulators.discord.rates import Call
from tests.simulators.downloads import BadDownload
from tests.simulators.loopback import Exchange, LoopbackServer

MODULES = (rest_commands, rest_interactions, rest_messages, rest_read, rest_threads)


class DiscordSimulator(LoopbackServer, People, Interacting, Admin, Observer):
    """`api_url`, `gateway_url` and `token` go into the settings.

    Its methods are what people do (`say`, `dm`, `edit`, `command`, `click`, …); its fields are
    what happened (`calls`, `pings`, `interactions`, …). It begins with the guild home, where
    ana and ben are with the bot in #general and #random, and with eve, who is in no guild.
    """

    path = "/api/v10"

    def __init__(self, port: int = 0, settings: Settings | None = None) -> None:
        LoopbackServer.__init__(self, port)
        self.core = core = Core()
        core.settings = settings or core.settings
        self.gateway = Gateway(core)
        core.dispatch = self.gateway.dispatch
        core.identifies_left = self.gateway.identifies_left
        self.world, self.settings = core.world, core.settings
        self.faults, self.rates, self.calls = core.faults, core.rates, core.calls
        self.pings, self.typing = core.pings, core.typing
        self.ana, self.ben, self.eve = (self.add_user(name) for name in ("ana", "ben", "eve"))
        self.home = self.add_guild("home", self.ana, self.ben)
        self.general, self.random = self.add_channel("general"), self.add_channel("random")

    @property
    def api_url(self) -> str:
        return self.url

    @property
    def gateway_url(self) -> str:
        return f"ws://127.0.0.1:{self._port}/"

    @property
    def token(self) -> str:
        """Changes when Discord resets it."""
        return self.core.token

    @property
    def bot_id(self) -> str:
        return self.world.bot.id

    app_id = bot_id  # as for every application of the last years

    @property
    def mention(self) -> str:
        """How a message names the bot."""
        return f"<@{self.bot_id}>"

    @property
    def message_content_allowed(self) -> bool:
        """The Message Content switch of the developer portal."""
        return self.core.message_content_allowed

    @message_content_allowed.setter
    def message_content_allowed(self, allowed: bool) -> None:
        self.core.message_content_allowed = allowed

    @property
    def commands(self) -> list[str]:
        """The names of the global commands."""
        return [command["name"] for command in self.core.commands.get("", [])]

    # The connections

    @property
    def connected(self) -> bool:
        return bool(self.gateway.live())

    def reconnect(self) -> None:
        """Asks every connection to reconnect and resume."""
        self._everyone(RECONNECT)

    def invalidate(self, resumable: bool = False) -> None:
        """Ends every session; `resumable` lets it be resumed all the same."""
        for session in self.gateway.sessions:
            session.dead = session.dead or not resumable
        self._everyone(INVALID_SESSION, resumable)

    def _everyone(self, op: int, data: bool | None = None) -> None:
        for connection in list(self.gateway.connections):
            asyncio.run_coroutine_threadsafe(connection.send(op, data), self._loop).result()

    def cut_sockets(self) -> None:
        """Every socket ends at once, without a frame."""
        for connection in list(self.gateway.connections):
            self._loop.call_soon_threadsafe(connection.socket.abort)

    def close_sockets(self, code: int) -> None:
        """Every socket is closed by Discord with this code, such as 4009 or 4004."""
        for connection in list(self.gateway.connections):
            asyncio.run_coroutine_threadsafe(connection.close(code), self._loop).result()

    def black_hole(self) -> None:
        """The sockets of now swallow everything and stay open; new ones work."""
        for connection in list(self.gateway.connections):
            connection.black_hole = True

    def forget_sessions(self) -> None:
        """No session of now can be resumed."""
        for session in self.gateway.sessions:
            session.dead = True

    @contextmanager
    def lost_events(self) -> Iterator[None]:
        """What happens inside reaches nobody, and no resume brings it back."""
        self.core.losing = True
        try:
            yield
        finally:
            self.core.losing = False

    # The server

    async def _serve(self) -> None:
        self.core.origin = self.url.removesuffix(self.path)
        await super()._serve()

    async def handle(self, exchange: Exchange) -> bool:
        request = exchange.request
        if "sec-websocket-key" in request.headers:
            return await self.gateway.serve(exchange)
        if request.path.startswith("/attachments/"):
            return await serving.attachment(self.core, exchange)
        path = request.path.removeprefix(self.path)
        name, handler, _ = rest.find(request.method, path)
        call = Call(request.method, name, path, {}, arrived=request.arrived)
        self.calls.append(call)
        fault = self.faults.take(name)
        assert not isinstance(fault, BadDownload), "only files are downloaded"
        if fault and not fault.after:
            ended = await serving.suffer(self.core, exchange, call, fault)
            if ended is not None:
                return ended
        with self.world.lock:
            limit = self.rates.check(call)
            reply = None if limit else rest.answer(self.core, call, request, handler)
        if fault and fault.after:
            ended = await serving.suffer(self.core, exchange, call, fault)
            if ended is not None:
                return ended
        if limit:
            return await serving.limited(self.core, exchange, call, limit)
        assert reply is not None
        return await serving.reply(self.core, exchange, call, reply)
