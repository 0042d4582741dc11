"""What goes out on the wire: answers, faults, attachments."""

import asyncio
import json
import time

from tests.simulators.discord.core import Core
from tests.simulators.discord.errors import Refused
from tests.simulators.discord.faults import CDN, Delay, Drop, Error, Fault, Hang, Limited, Status
from tests.simulators.discord.rates import ADDRESS, Call, Limit, bucket, refusal
from tests.simulators.discord.rest import Answer
from tests.simulators.discord.state import Attachment
from tests.simulators.downloads import BadDownload, send_file
from tests.simulators.loopback import Exchange, Request


async def reply(core: Core, exchange: Exchange, call: Call, answer: Answer) -> bool:
    call.status = answer.status
    if answer.status in (401, 403, 429):
        core.rates.invalid += 1
    headers = {"via": "1.1 google"} | core.rates.headers(call) | answer.headers
    if answer.status == 204:
        await exchange.start(204, headers)
        return await exchange.finish()
    await exchange.start(answer.status, {"content-type": "application/json"} | headers)
    await exchange.send(json.dumps(answer.body).encode())
    return await exchange.finish()


async def suffer(core: Core, exchange: Exchange, call: Call, fault: Fault) -> bool | None:
    """Acts the fault out. None lets the call go on; else whether the connection does."""
    match fault:
        case Delay():
            await asyncio.sleep(fault.seconds)
            return None
        case Drop():
            await exchange.reset()
        case Hang():
            await exchange.hang()
        case Error():
            call.code = fault.code
            refused = Refused(fault.code)
            return await reply(core, exchange, call, Answer(refused.status, refused.body))
        case Limited():
            about = "*" if fault.everywhere else bucket(call)
            core.rates.bar(about if fault.via else ADDRESS, fault.retry_after)
            limit = Limit(fault.retry_after, fault.everywhere, fault.via)
            return await limited(core, exchange, call, limit)
        case Status():
            return await _page(core, exchange, call, fault.status)
    return False


async def limited(core: Core, exchange: Exchange, call: Call, limit: Limit) -> bool:
    body, headers = refusal(limit)
    if limit.via:
        return await reply(core, exchange, call, Answer(429, body, headers))
    return await _page(core, exchange, call, 429, {"retry-after": headers["retry-after"]})


async def _page(
    core: Core, exchange: Exchange, call: Call, status: int, more: dict[str, str] | None = None
) -> bool:
    call.status = status
    core.rates.invalid += status in (401, 403, 429)
    await exchange.start(status, {"content-type": "text/html"} | (more or {}))
    await exchange.send(b"<h1>Error</h1>")
    return await exchange.finish()


async def attachment(core: Core, exchange: Exchange) -> bool:
    """A file's bytes, while its address is good. No limits of the API count here."""
    request = exchange.request
    call = Call(request.method, CDN, request.path, {}, arrived=request.arrived)
    core.calls.append(call)
    fault = core.faults.take(CDN)
    file = _file(core, request)
    if file is None:
        call.status = 404
        await exchange.start(404, {"content-type": "text/plain;charset=UTF-8"})
        await exchange.send(b"This content is no longer available.")
        return await exchange.finish()
    if isinstance(fault, BadDownload):
        return await fault.send(exchange, file.data, file.content_type)
    if fault is not None and (ended := await suffer(core, exchange, call, fault)) is not None:
        return ended
    call.status = 200
    return await send_file(exchange, file.data, file.content_type)


def _file(core: Core, request: Request) -> Attachment | None:
    """None where there is no such file, or the signature of its address is wrong or too old."""
    _, _, message, wanted, _ = request.path.split("/", 4)
    with core.world.lock:
        found = core.world.find_message(message)
        held = {a.id: a for a in found.attachments} if found else core.loose
        file, signed = held.get(wanted), request.query.get("hm") == f"{core.signature:08x}"
        until = int(request.query.get("ex") or "0", 16)
    return file if signed and until > time.time() else None
