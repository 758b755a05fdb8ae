"""A photo that a customer attaches: the front of an amplifier with a red light, drawn by a few lines of code."""

from __future__ import annotations

import struct
import zlib

WIDTH, HEIGHT = 240, 120
_LIGHT = (186, 52, 9)
"""Where the light is, and its radius, in pixels."""


def photo_png() -> bytes:
    """Returns a PNG (RFC 2083) of some kilobytes at most; always the same bytes."""
    rows = b"".join(b"\0" + b"".join(bytes(_colour(x, y)) for x in range(WIDTH)) for y in range(HEIGHT))
    head = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(rows, 9)) + _chunk(b"IEND", b"")


def _colour(x: int, y: int) -> tuple[int, int, int]:
    across, down, radius = _LIGHT
    distance = ((x - across) ** 2 + (y - down) ** 2) / radius**2
    if distance <= 1:
        return 255, 60, 48
    if distance <= 6:
        glow = int((6 - distance) * 20)
        return 38 + glow, 40, 44
    if 20 <= y < HEIGHT - 20 and 12 <= x < WIDTH - 12:
        return (38, 40, 44) if (y // 4) % 8 else (58, 61, 66)
    return 150 - y // 4, 132 - y // 4, 108 - y // 4


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
