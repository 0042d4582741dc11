"""The bot process: every platform whose tokens are set, and one responder for them all."""

import asyncio
import gc
import logging
import signal
from collections.abc import Collection, Mapping
from importlib import import_module
from types import ModuleType

from bot.errors import DeliveryError
from bot.platforms import SERVICES
from bot.responder import Responder
from knowledge.providers import aclose_chat_models
from knowledge.threads import in_pool
from knowledge.warming import warm_up

logger = logging.getLogger(__name__)

# Seconds until a platform that can't be used is tried again.
REST = 60.0


async def run(platforms: Collection[str]) -> None:
    """Serve until SIGTERM or SIGINT. Without tokens the process idles: others may depend on it."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    connected = _set_up({name: import_module(SERVICES[name]) for name in platforms})
    warming = asyncio.create_task(_warm_up())
    responder = Responder()
    try:
        async with asyncio.TaskGroup() as tasks:
            answering = tasks.create_task(responder.run(stop))
            # What is in hand is brought to an end before its platform is left.
            drained = asyncio.Event()
            answering.add_done_callback(lambda _: drained.set())
            for name, module in connected.items():
                tasks.create_task(_serve(name, module, responder, drained))
            await stop.wait()
    finally:
        await warming
        await aclose_chat_models()


async def _warm_up() -> None:
    await in_pool(warm_up)
    # What is loaded by now stays, and the garbage collector need not look through it again: it
    # would stop everything for a tenth of a second.
    gc.collect()
    gc.freeze()


def _set_up(services: Mapping[str, ModuleType]) -> dict[str, ModuleType]:
    """Those that have what they need; of the others is logged what is missing."""
    for name, module in services.items():
        if missing := module.missing():
            logger.info("%s is not set up: %s is missing", name, ", ".join(missing))
    return {name: module for name, module in services.items() if module.configured()}


async def _serve(name: str, module: ModuleType, responder: Responder, stop: asyncio.Event) -> None:
    """Keep one platform connected; where that fails it rests, and the others serve on."""
    while not stop.is_set():
        rest = REST
        try:
            await module.serve(responder, stop)
        except DeliveryError as error:
            rest = max(REST, getattr(error, "seconds", 0.0))
            logger.error("%s rests: %s. Trying again every %d s.", name, error, rest)
        except Exception:
            # The platform's outermost loop: a fault of one is not the end of the others.
            logger.exception("%s broke off; connecting anew in %d s", name, REST)
        else:
            continue
        try:
            async with asyncio.timeout(rest):
                await stop.wait()
        except TimeoutError:
            continue
