"""Slack on loopback, for slack-bolt and whatever else speaks its protocols."""

import asyncio
import json
import time

import httpx2

from tests.simulators.downloads import BadDownload, send_file
from tests.simulators.loopback import Exchange, LoopbackServer
from tests.simulators.slack import web
from tests.simulators.slack.admin import Admin
from tests.simulators.slack.core import Core, Delivery, Settings
from tests.simulators.slack.delivering import deliver
from tests.simulators.slack.errors import Refused
from tests.simulators.slack.faults import Delay, Drop, Error, Fault, Hang, Status
from tests.simulators.slack.http_delivery import HttpDelivery
from tests.simulators.slack.observing import Observer
from tests.simulators.slack.people import People
from tests.simulators.slack.rates import Call
from tests.simulators.slack.serving import download, respond, upload
from tests.simulators.slack.socket_mode import SocketMode
from tests.simulators.slack.web import Answer


class SlackSimulator(LoopbackServer, People, Admin, Observer):
    """`url` goes into SLACK_API_URL; the tokens are `app.bot_token` and `app.app_token`.

    Its methods are what people do (`say`, `dm`, `edit`, `command`, `click`, …); its fields are
    what happened (`calls`, `deliveries`, `pings`, `statuses`, …). It begins with the members
    ana (an admin) and ben, in #general with the app and in #random without it.
    """

    path = "/api/"

    def __init__(self, port: int = 0, settings: Settings | None = None) -> None:
        LoopbackServer.__init__(self, port)
        self.core = core = Core()
        core.settings = settings or core.settings
        core.send = self._send
        self.world, self.app, self.settings = core.world, core.world.app, core.settings
        self.faults, self.rates, self.calls = core.faults, core.rates, core.calls
        self.deliveries, self.pings, self.statuses = core.deliveries, core.pings, core.statuses
        self.prompts, self.notices = core.prompts, core.notices
        self.sockets = SocketMode(core)
        self.http = HttpDelivery(core)
        self.add_user("ana", is_admin=True)
        self.add_user("ben")
        self.general = self.add_channel("general", "ana", "ben", self.app.user_id)
        self.random = self.add_channel("random", "ana", "ben")

    # The connections

    def disconnect(self, reason: str = "refresh_requested", grace: float | None = None) -> None:
        """A disconnect frame on every socket, which then closes."""
        asyncio.run_coroutine_threadsafe(
            self.sockets.disconnect(reason, grace=grace), self._loop
        ).result()

    def cut_sockets(self) -> None:
        """Every socket ends at once, without a frame."""
        for connection in list(self.sockets.connections):
            self._loop.call_soon_threadsafe(connection.socket.abort)

    async def post(self, body: bytes, headers: dict[str, str]) -> httpx2.Response:
        """Any request to the request URL; see `http.headers` for forged signatures."""
        work = asyncio.run_coroutine_threadsafe(self.http.post(body, headers), self._loop)
        return await asyncio.wrap_future(work)

    async def replay(self, delivery: Delivery, attempt: int = 0) -> httpx2.Response:
        """Sends a delivery's request again as it was, signature and timestamp included."""
        sent = delivery.attempts[attempt]
        return await self.post(sent.body, sent.headers)

    async def verify_url(self) -> bool:
        work = asyncio.run_coroutine_threadsafe(self.http.verify_url(), self._loop)
        return await asyncio.wrap_future(work)

    # The server

    async def _serve(self) -> None:
        self.core.origin = self.url.removesuffix(self.path)
        await super()._serve()

    def _send(self, delivery: Delivery) -> None:
        if not self.core.origin:
            delivery.outcome = "lost"
            return
        self._loop.call_soon_threadsafe(self._spawn, delivery)

    def _spawn(self, delivery: Delivery) -> None:
        attempt = self.http.attempt if self.http.url else self.sockets.attempt
        task = self._loop.create_task(deliver(self.core, delivery, attempt))
        self._tasks.add(task)
        task.add_done_callback(self._delivered)

    def _delivered(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception):
            self._failure = error

    async def handle(self, exchange: Exchange) -> bool:
        path = exchange.request.path
        if path.startswith("/link"):
            return await self.sockets.serve(exchange)
        if path.startswith("/files-pri/"):
            name = "files.download"
        elif path.startswith("/upload/"):
            name = "files.upload"
        elif path.startswith("/response/"):
            name = "response_url"
        else:
            name = path.removeprefix(self.path)
        call = Call(name, {}, arrived=exchange.request.arrived)
        self.calls.append(call)
        fault = self.faults.take(name)
        if isinstance(fault, BadDownload):
            return await self._send_badly(exchange, call, fault)
        if fault and not fault.after and await self._suffer(exchange, call, fault):
            return False
        reply = self._answer(exchange, call)
        if fault and fault.after and await self._suffer(exchange, call, fault):
            return False
        call.status = reply.status
        return await _reply(exchange, reply)

    async def _send_badly(self, exchange: Exchange, call: Call, fault: BadDownload) -> bool:
        reply = self._answer(exchange, call)
        if call.error:
            return await _reply(exchange, reply)
        call.error = f"({type(fault).__name__})"
        return await fault.send(exchange, reply.body["page"], reply.headers["content-type"])

    def _answer(self, exchange: Exchange, call: Call) -> Answer:
        request = exchange.request
        with self.world.lock:
            if call.method == "files.download":
                return download(self.core, call, request)
            if call.method == "files.upload":
                return upload(self.core, call, request)
            if call.method == "response_url":
                return respond(self.core, call, request)
            try:
                args = web.arguments(request, call.method)
            except Refused as refused:
                call.error = refused.error
                return Answer(200, {"ok": False, "error": refused.error}, {})
            call.args = web.recorded(args)
            if call.method == "apps.connections.open":
                return self._open_socket(call, web.token_of(request, args))
            return web.answer(self.core, call, request, args)

    def _open_socket(self, call: Call, token: str) -> Answer:
        try:
            web.check_token(self.core, token, app_level=True)
        except Refused as refused:
            call.error = refused.error
            return Answer(200, {"ok": False, "error": refused.error}, {})
        return Answer(200, {"ok": True, "url": self.sockets.open_url()}, {})

    async def _suffer(self, exchange: Exchange, call: Call, fault: Fault) -> bool:
        """Acts the fault out; true where the connection is over with it."""
        match fault:
            case Delay():
                await asyncio.sleep(fault.seconds)
                return False
            case Drop():
                call.error = "(dropped)"
                await exchange.reset()
            case Hang():
                call.error = "(hung)"
                await exchange.hang()
            case Error():
                call.error, call.status = fault.name, 200
                body = {"ok": False, "error": fault.name} | fault.fields
                return not await _reply(exchange, Answer(200, body, {})) or True
            case Status():
                call.error, call.status = f"(HTTP {fault.status})", fault.status
                headers = {"content-type": "text/html"}
                if fault.retry_after is not None:
                    headers["retry-after"] = str(fault.retry_after)
                    self.rates.bar(call.method, time.monotonic(), fault.retry_after)
                page = Answer(fault.status, {"page": "<h1>Server Error</h1>"}, headers)
                await _reply(exchange, page)
        return True


async def _reply(exchange: Exchange, answer: Answer) -> bool:
    headers = {"content-type": "application/json; charset=utf-8"} | answer.headers
    page = answer.body.get("page")
    if isinstance(page, bytes):
        return await send_file(exchange, page, headers["content-type"])
    await exchange.start(answer.status, headers)
    await exchange.send((json.dumps(answer.body) if page is None else str(page)).encode())
    return await exchange.finish()
