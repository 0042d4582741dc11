"""The door for files: where it goes, what it tells whom, and what it bears with."""

import asyncio
import random
import socket
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx2
import pytest

from bot import downloads
from bot.discord.files import HOSTS as DISCORD_HOSTS
from bot.downloads import Download, fetch
from bot.errors import (
    DownloadFailed,
    DownloadThrottled,
    FileGone,
    FileTooLarge,
    FileWithheld,
    ForeignFile,
    PrivateAddress,
)
from bot.hosts import Allowed, allowed_from, is_public
from bot.slack.files import HOSTS, KEYED
from tests.bot.confusions import confusions, fits_a_header, fuzzed
from tests.bot.egress import Bystander, Egress, watched
from tests.simulators.downloads import (
    BadDownload,
    Claim,
    Cut,
    Drip,
    Endless,
    Redirect,
    Stall,
    send_file,
)
from tests.simulators.loopback import Exchange, LoopbackServer

pytestmark = pytest.mark.asyncio
SLACK = Allowed(HOSTS, KEYED)
TOKEN = {"Authorization": "Bearer secret"}
DATA = b"twenty-five days of holiday"


class Files(LoopbackServer):
    """A platform of one's own that serves one file, or does not."""

    path = "/f"

    def __init__(self) -> None:
        super().__init__()
        self.fault: BadDownload | None = None
        self.status = 200
        self.headers: dict[str, str] = {}

    async def handle(self, exchange: Exchange) -> bool:
        if self.fault is not None and exchange.request.path != "/moved":
            return await self.fault.send(exchange, DATA, "text/plain")
        if self.status == 200 and not self.headers:
            return await send_file(exchange, DATA, "text/plain")
        await exchange.start(self.status, self.headers)
        return await exchange.finish()

    @property
    def allowed(self) -> Allowed:
        return allowed_from(f"{self.url}/api/", "slack.com", hosts=HOSTS, keyed=KEYED)

    @property
    def place(self) -> tuple[str, int]:
        return self.host, self._port


@pytest.fixture
def files() -> Iterator[Files]:
    with Files() as server:
        yield server


@pytest.fixture
def bystander(files: Files) -> Iterator[Bystander]:
    """On the same port of another address."""
    with Bystander("127.0.0.2", files.place[1]) as server:
        yield server


@pytest.fixture
def egress(monkeypatch: pytest.MonkeyPatch) -> Iterator[Egress]:
    """The names that it knows are all that can be looked up."""
    with watched() as found:
        monkeypatch.setattr(socket, "getaddrinfo", found.getaddrinfo)
        yield found


def netloc(server: LoopbackServer) -> str:
    return urlsplit(server.url).netloc


def confusions_of(files: Files, bystander: Bystander) -> list[str]:
    """All but the platform's own second name."""
    tried = list(confusions(netloc(files), netloc(bystander), "http"))
    tried.remove(f"http://localhost:{files.place[1]}/f")
    return tried


async def got(files: Files, limit: int = 10_000) -> Download:
    return await fetch(files.url, headers=TOKEN, allowed=files.allowed, limit=limit)


async def refused(url: str, allowed: Allowed) -> Exception:
    with pytest.raises(DownloadFailed) as caught:
        await fetch(url, headers=TOKEN, allowed=allowed, limit=10_000)
    return caught.value


async def test_a_file_comes_with_its_type_and_whoever_gives_it_sees_the_token(
    files: Files,
) -> None:
    assert await got(files) == Download(DATA, "text/plain")
    assert files.requests[0].headers["authorization"] == "Bearer secret"
    assert files.requests[0].headers["accept-encoding"] == "identity"


async def test_no_confused_address_of_slacks_is_looked_up_or_connected_to(egress: Egress) -> None:
    egress.names = {host: [["127.0.0.2"]] for host in ("evil.example", "localhost")}
    tried = list(confusions("files.slack.com", "evil.example", "https"))
    for name in ("evil.example.files", "xfiles"):
        tried.remove(f"https://{name}.slack.com/f")  # nobody but Slack can have these
    tried += [
        "http://files.slack.com/f",
        "https://files.slack.com:8443/f",
        "https://files.slack.com:80/f",
        "https://files.slack.com:99999/f",
        "https://files.slack.com./f",
        "https://FILES.slack.com/f",
        "https://ｆiles.slack.com/f",
        "https://files.ſlack.com/f",
        "https://files.sl\u0430ck.com/f",
        "https://filesslack.com/f",
        "https://slack.com/f",
    ]
    assert len(tried) > 80
    for url in tried:
        assert isinstance(await refused(url, SLACK), ForeignFile), url
    assert (egress.looked_up, egress.connected) == ([], [])


async def test_slacks_own_address_is_connected_to(egress: Egress) -> None:
    """That nothing was in the test above is no accident."""
    egress.names = {"files.slack.com": [["8.8.8.8"]]}
    await refused("https://files.slack.com/files-pri/T1-F1/a.txt?t=x", SLACK)
    assert (egress.looked_up, egress.connected) == (["files.slack.com"], [("8.8.8.8", 443)])


async def test_where_the_platform_is_ones_own_it_is_the_only_host(
    files: Files, bystander: Bystander, egress: Egress
) -> None:
    egress.names = {"127.0.0.2.nip.io": [["127.0.0.2"]]}
    for url in [*confusions_of(files, bystander), "https://files.slack.com/f"]:
        assert isinstance(await refused(url, files.allowed), ForeignFile), url
    assert egress.connected == []
    assert bystander.requests == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_leads_elsewhere(
    files: Files, bystander: Bystander, egress: Egress, status: int
) -> None:
    for url in filter(fits_a_header, confusions_of(files, bystander)):
        files.fault = Redirect(url, status)
        assert isinstance(await refused(files.url, files.allowed), ForeignFile), url
    assert set(egress.connected) == {files.place}
    assert bystander.requests == []


async def test_a_redirect_within_the_platform_is_followed(files: Files) -> None:
    for url in ("/moved", files.url.replace("/f", "/moved")):
        files.fault = Redirect(url)
        assert (await got(files)).data == DATA
    assert [r.path for r in files.requests] == ["/f", "/moved"] * 2
    assert all("authorization" in r.headers for r in files.requests)


async def test_a_file_that_is_sent_round_in_circles_is_given_up(files: Files) -> None:
    files.fault = Redirect("/f")
    assert isinstance(await refused(files.url, files.allowed), ForeignFile)
    assert len(files.requests) == 4


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.2"],
        ["10.0.0.1"],
        ["169.254.169.254"],
        ["100.64.0.1"],
        ["192.0.0.192"],
        ["::1"],
        ["fe80::1%lo"],
        ["fd00:ec2::254"],
        ["::ffff:127.0.0.2"],
        ["::127.0.0.2"],
        ["64:ff9b::7f00:2"],
        ["2002:7f00:2::"],
        ["fec0::1"],
        ["224.0.0.1"],
        ["8.8.8.8", "127.0.0.2"],
    ],
)
async def test_a_name_that_leads_to_a_private_address_is_not_connected_to(
    egress: Egress, addresses: list[str]
) -> None:
    egress.names = {"cdn.discordapp.com": [addresses]}
    error = await refused("https://cdn.discordapp.com/f", Allowed(DISCORD_HOSTS))
    assert isinstance(error, PrivateAddress)
    assert egress.connected == []


async def test_a_name_is_looked_up_once_and_what_was_checked_is_connected_to(
    egress: Egress,
) -> None:
    egress.names = {"files.slack.com": [["8.8.8.8"], ["127.0.0.2"]]}
    await refused("https://files.slack.com/f", SLACK)
    assert (egress.looked_up, egress.connected) == (["files.slack.com"], [("8.8.8.8", 443)])


async def test_public_addresses_are_public_however_they_are_wrapped() -> None:
    wrapped = ("::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::")
    assert all(is_public(one) for one in ("8.8.8.8", "2606:4700::1111", *wrapped))


async def test_the_token_goes_to_slack_com_alone() -> None:
    keyed = {
        host: SLACK.is_keyed(SLACK.check(f"https://{host}/f"))
        for host in ("files.slack.com", "acme.slack.com", "a.slack-edge.com", "b.slack-files.com")
    }
    assert list(keyed.values()) == [True, True, False, False]
    discord = Allowed(DISCORD_HOSTS)
    assert not discord.is_keyed(discord.check("https://cdn.discordapp.com/f?ex=1&is=0&hm=2"))


@pytest.mark.parametrize("base", ["http://slack:9010", "https://slack.example:8443"])
async def test_a_platform_of_ones_own_is_wherever_it_was_set_up(base: str) -> None:
    own = allowed_from(f"{base}/api/", "slack.com", hosts=HOSTS)
    assert str(own.check(f"{base}/f")) == f"{base}/f"
    for url in ("https://files.slack.com/f", "http://slack:9011/f", "http://10.0.0.1:9010/f"):
        with pytest.raises(ForeignFile):
            own.check(url)


@pytest.mark.parametrize(("own", "said"), [("localhost", "127.0.0.1"), ("127.0.0.1", "localhost")])
async def test_this_machine_has_two_names_and_goes_by_the_one_that_was_set_up(
    own: str, said: str
) -> None:
    near = allowed_from(f"http://{own}:9010/api/", "slack.com", hosts=HOSTS)
    assert str(near.check(f"http://{said}:9010/f")) == f"http://{own}:9010/f"
    for url in (f"http://{said}:9011/f", f"https://{said}:9010/f", "http://127.0.0.2:9010/f"):
        with pytest.raises(ForeignFile):
            near.check(url)


@pytest.mark.parametrize("fault", [Claim(), Endless()])
async def test_more_bytes_than_a_file_may_have_are_not_waited_for(
    files: Files, fault: BadDownload
) -> None:
    files.fault = fault
    began = time.monotonic()
    with pytest.raises(FileTooLarge, match="more than 1 MB"):
        await got(files, limit=1024**2)
    assert time.monotonic() - began < 1


async def test_a_file_may_have_just_as_many_bytes_as_the_limit(files: Files) -> None:
    assert (await got(files, limit=len(DATA))).data == DATA
    with pytest.raises(FileTooLarge):
        await got(files, limit=len(DATA) - 1)


@pytest.mark.parametrize(("fault", "name"), [(Stall(), "IDLE"), (Drip(0.05), "TOTAL"), (Cut(), "")])
async def test_a_file_that_does_not_come_is_given_up_in_time(
    files: Files, fault: BadDownload, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name:
        monkeypatch.setattr(downloads, name, 0.3)
    files.fault = fault
    began = time.monotonic()
    error = await refused(files.url, files.allowed)
    assert type(error) is DownloadFailed
    assert not error.permanent
    assert time.monotonic() - began < 1


async def test_a_host_that_takes_no_connection_is_given_up_in_time(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "CONNECT", 0.2)
    with socket.create_server(("127.0.0.3", 0), backlog=0) as full:
        host, port = full.getsockname()
        with socket.create_connection((host, port)):  # the only one that it holds
            began = time.monotonic()
            error = await refused(f"http://{host}:{port}/f", Allowed(own=("http", host, port)))
            assert type(error) is DownloadFailed
            assert time.monotonic() - began < 1


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (404, FileGone),
        (410, FileGone),
        (401, FileWithheld),
        (403, FileWithheld),
        (500, DownloadFailed),
        (206, DownloadFailed),
    ],
)
async def test_what_a_status_means(files: Files, status: int, error: type[Exception]) -> None:
    files.status = status
    assert type(await refused(files.url, files.allowed)) is error


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("7", 7.0), ("", 30.0), ("soon", 30.0), ("0", 0.5), ("inf", 300.0), ("nan", 0.5)],
)
async def test_a_platform_that_asks_to_wait_says_how_long(
    files: Files, said: str, seconds: float
) -> None:
    files.status, files.headers = 429, {"retry-after": said} if said else {}
    error = await refused(files.url, files.allowed)
    assert isinstance(error, DownloadThrottled)
    assert error.seconds == seconds


async def test_packed_bytes_are_not_unpacked(files: Files) -> None:
    files.headers = {"content-encoding": "gzip"}
    assert "packed" in str(await refused(files.url, files.allowed))


async def test_whoever_is_stopped_while_a_file_comes_stops(files: Files) -> None:
    files.fault = Stall()
    coming = asyncio.create_task(got(files))
    await asyncio.sleep(0.1)
    coming.cancel()
    with pytest.raises(asyncio.CancelledError):
        await coming


@pytest.mark.soak
async def test_nothing_leads_elsewhere_however_it_is_put_together(
    files: Files, bystander: Bystander, egress: Egress
) -> None:
    """Promise 19. What is let through, every parser reads as leading to the platform."""
    good, evil = netloc(files), netloc(bystander)
    dice, passed, fetched, redirects = random.Random(19), 0, 0, 0
    egress.names = {"localhost": [["127.0.0.2"]]}
    for _ in range(200_000):
        url = fuzzed(dice, good, evil, "http")
        try:
            address = str(files.allowed.check(url))
        except ForeignFile:
            continue
        passed += 1
        for split in (urlsplit(address), httpx2.URL(address)):
            port = split.port
            host = split.host if isinstance(split, httpx2.URL) else split.hostname
            assert (host, port) == files.place, url
    for number in range(2_000):
        url = fuzzed(dice, good, evil, "http")
        files.fault = Redirect(url) if number % 2 and fits_a_header(url) else None
        redirects += files.fault is not None
        try:
            await fetch(
                files.url if files.fault else url,
                headers=TOKEN,
                allowed=files.allowed,
                limit=10_000,
            )
            fetched += 1
        except DownloadFailed:
            continue
    print(
        f"\nhosts: {passed} of 200,000 addresses led to the platform and nowhere else; of 2,000 "
        f"files, {redirects} sent elsewhere, {fetched} came; connections elsewhere: "
        f"{len(set(egress.connected) - {files.place})}, requests elsewhere: "
        f"{len(bystander.requests)}"
    )
    assert passed > 1_000
    assert fetched > 50
    assert set(egress.connected) == {files.place}
    assert bystander.requests == []
