"""Addresses that look like a good host's and lead elsewhere, or would in some parser."""

import random
from collections.abc import Iterator

TEMPLATES = (
    "{scheme}://{evil}/{good}",
    "{scheme}://{evil}/f?{good}",
    "{scheme}://{evil}/f#{good}",
    "{scheme}://{good}@{evil}/f",
    "{scheme}://{good}:443@{evil}/f",
    "{scheme}://{good}%40{evil}/f",
    "{scheme}://{evil}@{good}/f",
    "{scheme}://user:word@{good}/f",
    "{scheme}://@{good}/f",
    "{scheme}://{evil}\\@{good}/f",
    "{scheme}://{good}\\@{evil}/f",
    "{scheme}://{evil}\\.{good}/f",
    "{scheme}://{good}\\{evil}/f",
    "{scheme}:\\\\{good}\\f",
    "{scheme}://{good}.{evil}/f",
    "{scheme}://{good}.evil.example/f",
    "{scheme}://evil.example.{good}/f",
    "{scheme}://x{good}/f",
    "{scheme}://{evil}#@{good}/f",
    "{scheme}://{evil}?@{good}/f",
    "{scheme}://{good}#@{evil}/f",
    "{scheme}://{good}?@{evil}/f",
    "{scheme}://{good}%00.{evil}/f",
    "{scheme}://{good}%2e{evil}/f",
    "{scheme}://{good}%23@{evil}/f",
    "{scheme}://{evil}%2f{good}/f",
    "{scheme}://{good}\t@{evil}/f",
    "{scheme}://{good}\r\n@{evil}/f",
    "{scheme}://{good}\x00@{evil}/f",
    "{scheme}:// {good}/f",
    "{scheme}://{good} .{evil}/f",
    " {scheme}://{evil}/{good}",
    "{scheme}:/{evil}/f",
    "{scheme}:{evil}/f",
    "{scheme}:///{evil}/f",
    "//{evil}/f",
    "///{evil}/{good}",
    "\\\\{evil}\\f",
    "{scheme}://{good}。{evil}/f",
    "{scheme}://{evil}/f",
    "{scheme}://[{good}]@{evil}/f",
    "{scheme}://[{evil}]/f",
    "ftp://{good}/f",
    "{scheme}s://{good}/f",
    "ws://{good}/f",
    "file:///etc/passwd",
    "data:text/plain,{good}",
    "javascript:alert('{good}')",
    "",
    "{good}/f",
)
# Names and numbers of the machine itself, of its network, and of a cloud's metadata.
INNER_HOSTS = (
    "localhost",
    "127.0.0.2",
    "127.1",
    "2130706434",
    "0x7f000002",
    "0x7f.0.0.2",
    "0177.0.0.2",
    "0",
    "0.0.0.0",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.2]",
    "[::ffff:7f00:2]",
    "[::127.0.0.2]",
    "[64:ff9b::7f00:2]",
    "[2002:7f00:2::]",
    "[fe80::1%25lo]",
    "[fd00:ec2::254]",
    "169.254.169.254",
    "10.0.0.1",
    "192.168.0.1",
    "metadata.google.internal",
    "127。0。0。2",
    "①②⑦.⓪.⓪.②",
    "127.0.0.2.nip.io",
)


def confusions(good: str, evil: str, scheme: str) -> Iterator[str]:
    """Every one, none of which may be fetched. `evil` is HOST or HOST:PORT."""
    port = f":{evil.partition(':')[2]}" if ":" in evil else ""
    for template in TEMPLATES:
        yield template.format(good=good, evil=evil, scheme=scheme)
    for host in INNER_HOSTS:
        yield f"{scheme}://{host}{port}/f"


def fuzzed(dice: random.Random, good: str, evil: str, scheme: str) -> str:
    """One of their kind, put together at random."""
    hosts = (good, evil, *INNER_HOSTS)
    marks = ("@", ":", "/", "\\", "#", "?", ".", "%2f", "%40", "%00", "\t", " ", "[", "]", "。", "")
    begin = (f"{scheme}://", f"{scheme}://{good}/", f"{scheme}:/", "//", f"{scheme}:\\\\")
    parts = [dice.choice(begin)]
    for _ in range(dice.randint(1, 4)):
        parts += [dice.choice(hosts), dice.choice(marks)]
    return "".join(parts) + dice.choice(("/f", "f", ""))


def fits_a_header(url: str) -> bool:
    """Whether a server can send somebody there."""
    return url == url.strip() and url.isascii() and url.isprintable()
