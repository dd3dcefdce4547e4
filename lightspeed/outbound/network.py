"""Connections that go where they were checked to go, and end when their time is over.

A host name is looked up once; the addresses that came out are checked and connected to as
numbers, so a second look-up with another answer cannot happen. TLS still checks the name.
"""

import queue
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import httpcore2

from lightspeed.outbound.addresses import AllowedAddress, require_public
from lightspeed.outbound.deadline import Deadline

#: Host and port to IP addresses, best first; raises OSError when there are none.
Resolver = Callable[[str, int], Sequence[str]]

#: One dead address of several must not eat the whole deadline.
CONNECT_SECONDS = 3.0
#: As many addresses of a host are tried.
MAX_ADDRESSES = 4


def system_resolver(host: str, port: int) -> Sequence[str]:
    """Look a host up as the operating system does."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


@dataclass(frozen=True, slots=True)
class PinnedNetwork(httpcore2.NetworkBackend):
    """The network as one request may use it.

    Attributes:
        deadline: bounds look-up, connection and every read and write of the request together.
        allowed_addresses: hosts and ports that may resolve to an address that is not public.
        resolver: injected, so that tests need no name server.
        sockets: what opens a connection to a checked address.
    """

    deadline: Deadline
    allowed_addresses: frozenset[AllowedAddress]
    resolver: Resolver
    sockets: httpcore2.NetworkBackend

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        """Connect to the first address of `host` that answers.

        Raises:
            UnsafeAddressError: an address of the host is not public and not allowed.
            httpcore2.ConnectError: no such host, or no address answered.
            httpcore2.ConnectTimeout: the deadline is over.
        """
        addresses = self._look_up(host=host, port=port)
        if AllowedAddress(host=host, port=port) not in self.allowed_addresses:
            require_public(addresses)
        failure: Exception = httpcore2.ConnectError("The host has no address.")
        for address in addresses[:MAX_ADDRESSES]:
            seconds = min(_seconds_left(self.deadline), CONNECT_SECONDS)
            try:
                stream = self.sockets.connect_tcp(address, port, timeout=seconds)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
            else:
                return TimedStream(stream=stream, deadline=self.deadline)
        raise failure

    def _look_up(self, *, host: str, port: int) -> Sequence[str]:
        """Resolve in a thread of its own: a look-up cannot be interrupted, only left behind."""
        answers: queue.SimpleQueue[Sequence[str] | None] = queue.SimpleQueue()

        def look_up() -> None:
            try:
                answers.put(self.resolver(host, port))
            except (OSError, UnicodeError):
                answers.put(None)

        threading.Thread(target=look_up, name="latchkey-resolver", daemon=True).start()
        try:
            found = answers.get(timeout=_seconds_left(self.deadline))
        except queue.Empty:
            raise httpcore2.ConnectTimeout from None
        return found or ()


@dataclass(frozen=True, slots=True)
class TimedStream(httpcore2.NetworkStream):
    """A connection whose reads and writes share one deadline, whatever they are asked to wait."""

    stream: httpcore2.NetworkStream
    deadline: Deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what is there, waiting no longer than the deadline."""
        return self.stream.read(max_bytes, timeout=_seconds_left(self.deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all of it, waiting no longer than the deadline."""
        self.stream.write(buffer, timeout=_seconds_left(self.deadline))

    def close(self) -> None:
        """Close the connection."""
        self.stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        """Shake hands within the deadline; the name that is checked is the host's."""
        secured = self.stream.start_tls(
            ssl_context, server_hostname=server_hostname, timeout=_seconds_left(self.deadline)
        )
        return TimedStream(stream=secured, deadline=self.deadline)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - httpcore2's own signature
        """Pass on what httpcore2 asks about the connection."""
        return self.stream.get_extra_info(info)


def _seconds_left(deadline: Deadline) -> float:
    """Never 0, which a socket would take for "do not block"."""
    seconds = deadline.seconds_left()
    if seconds <= 0:
        raise httpcore2.ReadTimeout
    return seconds
