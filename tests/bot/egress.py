"""Where this process goes: what it looks up, what it connects to, and whom it must not reach."""

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.simulators.loopback import Exchange, LoopbackServer

Addresses = list[str]


class Egress:
    """What was tried. Nothing but loopback is connected to, whoever tries."""

    def __init__(self) -> None:
        self.looked_up: list[str] = []
        self.connected: list[tuple[str, int]] = []
        # What DNS says: the first answer, the second one, …; the last one stays.
        self.names: dict[str, list[Addresses]] = {}

    def getaddrinfo(self, host: str, port: Any, *args: Any, **how: Any) -> Any:
        if host not in self.names:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        self.looked_up.append(host)
        answers = self.names[host]
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        return [
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (address, port, 0, 0))
            if ":" in address
            else (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in addresses
        ]


_watching: list[Egress] = []
_installed: list[bool] = []


def _audit(event: str, args: tuple[Any, ...]) -> None:
    if event != "socket.connect" or not _watching or not isinstance(args[1], tuple):
        return
    host, port = args[1][:2]
    _watching[-1].connected.append((host, port))
    if not host.startswith("127."):
        raise PermissionError(f"a test does not go to {host}")


@contextmanager
def watched() -> Iterator[Egress]:
    """Every connection of this process is noted while this is open."""
    if not _installed:
        sys.addaudithook(_audit)  # there is no taking one away
        _installed.append(True)
    _watching.append(Egress())
    try:
        yield _watching[-1]
    finally:
        _watching.pop()


class Bystander(LoopbackServer):
    """Somebody whom nothing is to reach; keeps who came, and would give what was asked for."""

    def __init__(self, host: str, port: int = 0) -> None:
        self.host = host
        super().__init__(port)

    async def handle(self, exchange: Exchange) -> bool:
        await exchange.start(200, {"content-type": "text/plain"})
        await exchange.send(b"not yours")
        return await exchange.finish()
