"""One client connection: bytes in, answers out, one request at a time."""

import asyncio
import socket
import struct
from typing import cast

from simulator.answers import json_response
from simulator.mishaps import Delivery
from simulator.site import Site
from simulator.wire import CONTINUE, Request, RequestReader, Response, WireError, encode_response

LINGER_SECONDS = 5
"""How long a refused client may go on sending; closing at once could cost it the answer."""

MAX_AHEAD_BYTES = 262_144
"""How much a client may send ahead while an answer is under way."""

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Connection(asyncio.Protocol):
    """Reads requests in order and answers each before the next."""

    def __init__(
        self, *, site: Site, cluster: str, peers: set["Connection"], quiet_seconds: float
    ) -> None:
        self._site = site
        self._cluster = cluster
        self._peers = peers
        self._quiet_seconds = quiet_seconds
        self._loop = asyncio.get_running_loop()
        self._delivery: asyncio.Task[None] | None = None
        self._is_refused = False
        self._writable = asyncio.Event()
        self._writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to read."""
        self._transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")[0]
        self._reader = RequestReader(cluster=self._cluster, peer=peer)
        self._quiet_since = self._loop.time()
        self._timer = self._loop.call_later(self._quiet_seconds, self._end_when_quiet)
        self._peers.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client, and a delivery that is under way with it."""
        self._peers.discard(self)
        self._timer.cancel()
        self._writable.set()
        if self._delivery is not None:
            self._delivery.cancel()

    def data_received(self, data: bytes) -> None:
        """Take bytes, and answer every request that they complete."""
        if self._is_refused:
            return
        self._reader.feed(data)
        if self._is_busy():
            if self._reader.buffered_bytes > MAX_AHEAD_BYTES:
                self._transport.pause_reading()
        else:
            self._serve()

    def pause_writing(self) -> None:
        """The client is slow to read: stop answering."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """The client has read: go on."""
        self._writable.set()
        self._go_on()

    def abort(self) -> None:
        """End the connection at once."""
        self._transport.abort()

    async def send(self, data: bytes) -> None:
        """Write, and wait while the client is slow to read."""
        self._transport.write(data)
        await self._writable.wait()

    def close(self) -> None:
        """Send what is written and end the connection."""
        self._transport.close()

    def reset(self) -> None:
        """End the connection with a TCP reset."""
        sock = self._transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._transport.abort()

    def _is_busy(self) -> bool:
        return self._delivery is not None or not self._writable.is_set()

    def _go_on(self) -> None:
        if not self._transport.is_closing() and not self._is_busy():
            self._transport.resume_reading()
            self._serve()

    def _serve(self) -> None:
        while not (self._is_busy() or self._is_refused or self._transport.is_closing()):
            try:
                request = self._reader.next_request()
            except WireError as error:
                self._refuse(error)
                return
            if request is None:
                if self._reader.awaits_continue():
                    self._transport.write(CONTINUE)
                return
            self._answer(request)

    def _answer(self, request: Request) -> None:
        self._quiet_since = self._loop.time()
        reply = self._site.reply(request)
        if isinstance(reply, Delivery):
            self._delivery = self._loop.create_task(reply.run(self))
            self._delivery.add_done_callback(self._finish_delivery)
            self._delivery_keeps_alive = reply.keep_alive
            return
        self._write(response=reply, request=request)

    def _write(self, *, response: Response, request: Request) -> None:
        self._transport.write(
            encode_response(
                response=response,
                keep_alive=request.is_kept_alive,
                with_body=request.method != "HEAD",
            )
        )
        if not request.is_kept_alive:
            self._transport.close()

    def _finish_delivery(self, task: asyncio.Task[None]) -> None:
        self._delivery = None
        self._quiet_since = self._loop.time()
        if task.cancelled():
            return
        task.result()
        if not self._delivery_keeps_alive:
            self._transport.close()
        self._go_on()

    def _refuse(self, error: WireError) -> None:
        details = {"code": error.status, "message": error.message}
        response = json_response(status=error.status, value={"error": details})
        self._transport.write(encode_response(response=response, keep_alive=False))
        self._transport.write_eof()
        self._is_refused = True
        self._timer.cancel()
        self._timer = self._loop.call_later(LINGER_SECONDS, self._transport.abort)

    def _end_when_quiet(self) -> None:
        if self._delivery is not None:
            self._quiet_since = self._loop.time()
        left = self._quiet_since + self._quiet_seconds - self._loop.time()
        if left <= 0:
            self._transport.abort()
            return
        self._timer = self._loop.call_later(left, self._end_when_quiet)
