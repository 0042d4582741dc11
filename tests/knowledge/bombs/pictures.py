"""Pictures that claim too much, or hold nothing that could be recognised."""

import io
import random
import struct
import zlib

from PIL import Image, PngImagePlugin

from tests.knowledge.bombs import Bombs
from tests.knowledge.bombs.pdfs import swollen
from tests.knowledge.pictures import saved


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int, height: int, packed: bytes, depth: int = 8, colour: int = 0) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        chunk(*one) for one in ((b"IHDR", head), (b"IDAT", packed), (b"IEND", b""))
    )


def jpeg(width: int, height: int) -> bytes:
    """A small JPEG that claims this size."""
    data = saved(Image.new("L", (64, 64), "white"), "JPEG")
    at = data.index(b"\xff\xc0") + 5
    return data[:at] + struct.pack(">HH", height, width) + data[at + 4 :]


def progressive(scans: int) -> bytes:
    """A JPEG of 40 megapixels that is gone through again and again."""
    data = saved(Image.new("L", (8000, 5000), "grey"), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * scans + b"\xff\xd9"


def webp(width: int, height: int) -> bytes:
    data = saved(Image.new("RGB", (64, 64), "white"), "WEBP", lossless=True)
    at = data.index(b"VP8L") + 9
    size = struct.pack("<I", (width - 1) | (height - 1) << 14)
    return data[:at] + size + data[at + 4 :]


def gif(width: int, height: int, frames: int) -> bytes:
    """Frames of this size, each of one byte."""
    frame = b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02\x02\x4c\x01\x00"
    colours = b"\0\0\0\xff\xff\xff"
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + colours
    return head + frame * frames + b";"


def noise(width: int, height: int) -> bytes:
    bits = random.Random(5).randbytes(width * height // 8)
    return saved(Image.frombytes("1", (width, height), bits))


def commented(megabytes: int) -> bytes:
    info = PngImagePlugin.PngInfo()
    info.add(b"zTXt", b"Comment\0\0" + swollen(megabytes))
    return saved(Image.new("L", (64, 64)), pnginfo=info)


def animated(frames: int) -> bytes:
    first, buffer = Image.new("L", (2000, 2000)), io.BytesIO()
    others = [Image.new("L", (2000, 2000), number % 255) for number in range(frames)]
    first.save(buffer, "PNG", save_all=True, append_images=others)
    return buffer.getvalue()


BOMBS: Bombs = {
    "PNG of 100,000 by 100,000": ("a.png", lambda: png(100_000, 100_000, swollen(1))),
    "PNG of 45 megapixels in 16 bits and four colours": (
        "a.png",
        lambda: png(7500, 5900, swollen(250, byte=b"\0"), 16, 6),
    ),
    "PNG with more than it claims": ("a.png", lambda: png(10, 10, swollen(250))),
    "PNG of one row": ("a.png", lambda: png(44_000_000, 1, swollen(50, byte=b"\0"))),
    "PNG with 250 MB of words": ("a.png", lambda: commented(250)),
    "PNG of 40 moving pictures": ("a.png", lambda: animated(40)),
    "JPEG of 65,535 by 65,535": ("a.jpg", lambda: jpeg(65_535, 65_535)),
    "JPEG of 40 megapixels, gone through 3,000 times": ("a.jpg", lambda: progressive(3000)),
    "WebP of 16,383 by 16,383": ("a.webp", lambda: webp(16_383, 16_383)),
    "GIF of 65,535 by 65,535": ("a.gif", lambda: gif(65_535, 65_535, 1)),
    "GIF of 100,000 frames": ("a.gif", lambda: gif(6000, 6000, 100_000)),
    "noise of 45 megapixels": ("a.png", lambda: noise(9000, 4992)),
    "noise as large as is recognised": ("a.png", lambda: noise(2000, 2000)),
    "noise that is enlarged": ("a.png", lambda: noise(992, 992)),
}
