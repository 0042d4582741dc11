"""From where files may be fetched: a platform's own hosts, by name and by address. Pure, but for
the resolver, which hands on only addresses that were checked, so that nothing else is connected to.
"""

import asyncio
import re
import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from bot.errors import ForeignFile, PrivateAddress

# An address as the platforms write it. What parsers may read differently, such as user names,
# backslashes, capitals and other alphabets in a host, is not fetched at all.
_PLAIN = re.compile(r"(https?)://([a-z0-9.-]+|\[[0-9a-f:]+\])(?::(\d{1,5}))?(/[!-\[\]-~]*)")
_PORTS = {"http": 80, "https": 443}
# Two names of one host.
_LOCAL = ("localhost", "127.0.0.1")
_GLOBAL = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
# Held to be global by older Pythons; a cloud keeps its metadata there.
_PROTOCOLS = ip_network("192.0.0.0/24")

Origin = tuple[str, str, int]  # scheme, host, port


@dataclass(frozen=True)
class Allowed:
    """A platform's hosts; a name that begins with a dot stands for every name below it.

    Request headers, which may hold a token, go to those of `keyed` only. `own` is where a
    platform is that was set up in place of the public one: its only host, which may be private,
    and which gets the token over its scheme anyway.
    """

    hosts: tuple[str, ...] = ()
    keyed: tuple[str, ...] = ()
    own: Origin | None = None

    def check(self, url: str) -> URL:
        """The address, safe to be fetched. Raises ForeignFile."""
        origin = _origin_of(url)
        if origin is None or not (self._is_own(origin) or self._public(origin)):
            raise ForeignFile()
        address = URL(url.partition("#")[0], encoded=True)
        if (address.scheme, address.raw_host, address.port) != origin:
            raise ForeignFile()
        return address if self.own is None else address.with_host(self.own[1])

    def _is_own(self, origin: Origin) -> bool:
        scheme, host, port = origin
        names = _LOCAL if host in _LOCAL else (host,)
        return self.own in [(scheme, name, port) for name in names]

    def _public(self, origin: Origin) -> bool:
        scheme, host, port = origin
        return scheme == "https" and port == _PORTS[scheme] and _among(host, self.hosts)

    def is_keyed(self, address: URL) -> bool:
        """Whether the headers may go there. The address was checked."""
        return self.own is not None or _among(str(address.raw_host), self.keyed)


def allowed_from(
    api_url: str, home: str, *, hosts: tuple[str, ...], keyed: tuple[str, ...] = ()
) -> Allowed:
    """Where files are for whoever talks to this API; `home` is the public one's host."""
    address = URL(api_url)
    if address.host == home and address.scheme == "https":
        return Allowed(hosts, keyed)
    return Allowed(own=(address.scheme, str(address.raw_host), address.port or 0))


def _origin_of(url: str) -> Origin | None:
    found = _PLAIN.fullmatch(url)
    if found is None:
        return None
    return found[1], found[2].strip("[]"), int(found[3] or _PORTS[found[1]])


def _among(host: str, names: tuple[str, ...]) -> bool:
    return any(host.endswith(name) if name.startswith(".") else host == name for name in names)


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet, however it is wrapped."""
    found = ip_address(address)
    if isinstance(found, IPv6Address):
        inner = _inner(found)
        if inner is None:
            return found.is_global and found in _GLOBAL
        found = inner
    return found.is_global and not found.is_multicast and found not in _PROTOCOLS


def _inner(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that this one leads to, if it does."""
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


class PublicResolver(AbstractResolver):
    """Asks once, and refuses a name of which any address is not public."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family)
        addresses = [(kind, str(where[0])) for kind, _, _, _, where in found]
        if not all(is_public(address) for _, address in addresses):
            raise PrivateAddress(host)
        flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        return [
            ResolveResult(hostname=host, host=address, port=port, family=kind, proto=0, flags=flags)
            for kind, address in addresses
        ]

    async def close(self) -> None:
        return
