"""The one door through which files are fetched: from the platforms' own hosts alone, in bounded
time, and no more bytes than a file may have."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
from aiohttp.resolver import ThreadedResolver

from bot import wording_files
from bot.errors import (
    DownloadFailed,
    DownloadThrottled,
    FileGone,
    FileTooLarge,
    FileWithheld,
    ForeignFile,
)
from bot.hosts import Allowed, PublicResolver
from knowledge.extraction import MAX_BYTES

# Seconds: until a host is connected, between two pieces of a file, and for all of it.
CONNECT, IDLE, TOTAL = 10.0, 15.0, 300.0
# Times that a file may be said to be elsewhere.
REDIRECTS = 3
MOVED = (301, 302, 303, 307, 308)
PIECE = 64 * 1024
# Seconds to wait where the platform asks for it without saying how long.
UNSAID_WAIT = 30.0
# What counts of the wait that it asks for.
LEAST_WAIT, MOST_WAIT = 0.5, 300.0


@dataclass(frozen=True)
class Download:
    """What came, and the type that it came with."""

    data: bytes
    mime: str


async def fetch(
    url: str, *, headers: Mapping[str, str], allowed: Allowed, limit: int = MAX_BYTES
) -> Download:
    """The file at this address, of at most `limit` bytes. Raises DownloadFailed."""
    try:
        async with asyncio.timeout(TOTAL), _session(allowed) as session:
            return await _follow(session, url, headers, allowed, limit)
    except TimeoutError:
        raise DownloadFailed(wording_files.TOO_LATE) from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise DownloadFailed(type(error).__name__) from None


def _session(allowed: Allowed) -> aiohttp.ClientSession:
    """One for each file: nothing is kept, neither connections nor cookies nor names."""
    resolver = PublicResolver() if allowed.own is None else ThreadedResolver()
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(resolver=resolver, use_dns_cache=False, force_close=True),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT, sock_read=IDLE),
        # Packed bytes could unpack to any number of them.
        auto_decompress=False,
        headers={"Accept-Encoding": "identity"},
    )


async def _follow(
    session: aiohttp.ClientSession,
    url: str,
    headers: Mapping[str, str],
    allowed: Allowed,
    limit: int,
) -> Download:
    for _ in range(REDIRECTS + 1):
        address = allowed.check(url)
        sent = headers if allowed.is_keyed(address) else {}
        async with session.get(address, headers=sent, allow_redirects=False) as answer:
            if answer.status not in MOVED:
                return await _read(answer, limit)
            url = answer.headers.get("location", "")
            if url.startswith("/") and not url.startswith("//"):
                url = f"{address.origin()}{url}"
    raise ForeignFile(wording_files.NOWHERE)


async def _read(answer: aiohttp.ClientResponse, limit: int) -> Download:
    _check(answer)
    if (answer.content_length or 0) > limit:
        raise FileTooLarge(limit)
    data = bytearray()
    async for piece in answer.content.iter_chunked(PIECE):
        data += piece
        if len(data) > limit:
            raise FileTooLarge(limit)
    return Download(bytes(data), answer.content_type)


def _check(answer: aiohttp.ClientResponse) -> None:
    """Raises where no file follows."""
    if answer.status in (404, 410):
        raise FileGone()
    if answer.status in (401, 403):
        raise FileWithheld(wording_files.HTTP.format(status=answer.status))
    if answer.status == 429:
        raise DownloadThrottled(_seconds(answer.headers.get("retry-after", "")))
    if answer.status != 200:
        raise DownloadFailed(wording_files.HTTP.format(status=answer.status))
    if answer.headers.get("content-encoding", "identity") != "identity":
        raise DownloadFailed(wording_files.PACKED)


def _seconds(said: str) -> float:
    try:
        return min(max(LEAST_WAIT, float(said)), MOST_WAIT)
    except ValueError:
        return UNSAID_WAIT
