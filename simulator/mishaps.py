"""What a planned fault does to an answer.

Some kinds replace the answer (`spoil`); the others misuse the connection (`DELIVERIES`).
"""

import asyncio
import math
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from simulator.faults import MEBIBYTE, Fault, FaultKind
from simulator.wire import Response, encode_response

METADATA_ADDRESS = "http://169.254.169.254/latest/meta-data/"
"""Where a cloud machine keeps its own credentials: no client may follow a redirect there."""

TRICKLE_SECONDS = 0.25
CHUNK_BYTES = 65_536

_GIANT_START = b'{"products":["'
_GIANT_END = b'"]}'
_HTML = b"<!doctype html><title>Lightspeed</title><h1>Sign in</h1><p>Please sign in to go on.</p>"
_SERVER_ERROR = b"<html><body><h1>500 Internal Server Error</h1></body></html>"


class Line(Protocol):
    """One connection while a delivery owns it."""

    async def send(self, data: bytes) -> None:
        """Write, and wait while the client is slow to read."""

    def close(self) -> None:
        """Send what is written and end the connection."""

    def reset(self) -> None:
        """End the connection with a TCP reset."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """An answer to be handed over in an unusual way."""

    fault: Fault
    response: Response
    keep_alive: bool
    with_body: bool

    async def run(self, line: Line) -> None:
        """Hand it over."""
        await DELIVERIES[self.fault.kind](self, line)

    def encoded(self) -> bytes:
        """Give the answer's bytes as they would ordinarily be."""
        return encode_response(
            response=self.response, keep_alive=self.keep_alive, with_body=self.with_body
        )


def spoil(*, response: Response, fault: Fault) -> Response:
    """Replace an answer where the fault's kind does that; else give it back.

    The rate headers of the answer stay.
    """
    rate = tuple(header for header in response.headers if header[0].startswith("X-RateLimit-"))
    html = "text/html; charset=UTF-8"
    match fault.kind:
        case FaultKind.SERVER_ERROR:
            return Response(status=500, body=_SERVER_ERROR, content_type=html, headers=rate)
        case FaultKind.HTML:
            return Response(status=200, body=_HTML, content_type=html, headers=rate)
        case FaultKind.REDIRECT:
            location = ("Location", METADATA_ADDRESS)
            return Response(status=302, content_type=html, headers=(*rate, location))
        case FaultKind.GZIP_BOMB:
            encoding = ("Content-Encoding", "gzip")
            bomb = gzip_bomb(fault.size_bytes)
            return Response(status=200, body=bomb, headers=(*rate, encoding))
        case FaultKind.GIANT:
            return Response(status=200, headers=rate)
        case _:
            return response


@lru_cache(maxsize=2)
def gzip_bomb(size_bytes: int) -> bytes:
    """Compress JSON of about `size_bytes`, rounded up to whole MiB, into one gzip stream.

    One MiB of filler is compressed once up to a byte boundary and repeated, so that only the
    checksum costs time.
    """
    blocks = math.ceil(size_bytes / MEBIBYTE)
    filler = b" " * MEBIBYTE
    packer = zlib.compressobj(level=9, wbits=-zlib.MAX_WBITS)
    start = packer.compress(_GIANT_START) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(filler) + packer.flush(zlib.Z_FULL_FLUSH)
    end = packer.compress(_GIANT_END) + packer.flush()
    checksum = zlib.crc32(_GIANT_START)
    for _ in range(blocks):
        checksum = zlib.crc32(filler, checksum)
    checksum = zlib.crc32(_GIANT_END, checksum)
    total = len(_GIANT_START) + blocks * MEBIBYTE + len(_GIANT_END)
    header = bytes.fromhex("1f8b08000000000002ff")
    trailer = checksum.to_bytes(4, "little") + (total % 2**32).to_bytes(4, "little")
    return header + start + block * blocks + end + trailer


async def _trickle(delivery: Delivery, line: Line) -> None:
    """Spread the bytes over the fault's seconds, so that no single read ever waits for long."""
    data = delivery.encoded()
    slices = max(1, min(len(data), math.ceil(delivery.fault.seconds / TRICKLE_SECONDS)))
    size = math.ceil(len(data) / slices)
    for start in range(0, len(data), size):
        await line.send(data[start : start + size])
        await asyncio.sleep(delivery.fault.seconds / slices)


async def _delay(delivery: Delivery, line: Line) -> None:
    """Say nothing for the fault's seconds, then answer."""
    await asyncio.sleep(delivery.fault.seconds)
    await line.send(delivery.encoded())


async def _truncate(delivery: Delivery, line: Line) -> None:
    """Claim the whole length, send half of the body, and close."""
    body = delivery.response.body
    head = encode_response(
        response=delivery.response, keep_alive=False, with_body=False, content_length=len(body)
    )
    await line.send(head + body[: len(body) // 2])
    line.close()


async def _stream_giant(delivery: Delivery, line: Line) -> None:
    """Send valid JSON of the fault's size."""
    filler_bytes = max(0, delivery.fault.size_bytes - len(_GIANT_START) - len(_GIANT_END))
    length = filler_bytes + len(_GIANT_START) + len(_GIANT_END)
    await line.send(
        encode_response(
            response=delivery.response, keep_alive=False, with_body=False, content_length=length
        )
    )
    await line.send(_GIANT_START)
    for sent in range(0, filler_bytes, CHUNK_BYTES):
        await line.send(b"x" * min(CHUNK_BYTES, filler_bytes - sent))
    await line.send(_GIANT_END)
    line.close()


async def _hang(delivery: Delivery, line: Line) -> None:
    """Say nothing for the fault's seconds, then close."""
    await asyncio.sleep(delivery.fault.seconds)
    line.close()


async def _reset(_: Delivery, line: Line) -> None:
    line.reset()


DELIVERIES: dict[FaultKind, Callable[[Delivery, Line], Awaitable[None]]] = {
    FaultKind.SLOW: _trickle,
    FaultKind.DELAY: _delay,
    FaultKind.TRUNCATE: _truncate,
    FaultKind.GIANT: _stream_giant,
    FaultKind.HANG: _hang,
    FaultKind.RESET: _reset,
}

UNANSWERED = (FaultKind.HANG, FaultKind.RESET)
"""Kinds after which the request has no status."""
