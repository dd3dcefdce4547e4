"""An httpx2 transport that reaches public hosts over verified TLS, and nothing else.

Each request has a connection of its own: what one answer left behind cannot reach the next, and
a connection that the vendor has quietly closed is never mistaken for an outage.
"""

import logging
import ssl
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import ClassVar

import httpcore2
import httpx2

from lightspeed.errors import UnsafeAddressError
from lightspeed.outbound.addresses import AllowedAddress
from lightspeed.outbound.deadline import REQUEST_SECONDS, Deadline
from lightspeed.outbound.network import PinnedNetwork, Resolver, system_resolver

#: Under this name a request's `extensions` carry its `Deadline`.
DEADLINE_EXTENSION = "deadline"

# At DEBUG it logs the headers of answers, and what a vendor repeats there is not ours to log.
logging.getLogger("httpcore2").setLevel(logging.INFO)

_PORTS = {"https": 443, "http": 80}
_SAME_FAILURE: tuple[tuple[type[Exception], type[httpx2.TransportError]], ...] = (
    (httpcore2.TimeoutException, httpx2.ReadTimeout),
    (httpcore2.RemoteProtocolError, httpx2.RemoteProtocolError),
    (httpcore2.ProtocolError, httpx2.LocalProtocolError),
    (httpcore2.NetworkError, httpx2.NetworkError),
)


Observe = Callable[[str, str], AbstractContextManager[Callable[[int], None]]]


class OutboundTransport(httpx2.BaseTransport):
    """Sends each request to the host in its address only. Safe to share between threads.

    It follows no redirect, knows no proxy, reads no environment variable, keeps no cookie and
    never retries.

    Args:
        allowed_addresses: hosts and ports that may be inside and may go without TLS: a simulator in
            development, by an explicit setting; empty in production.
        resolver: looks host names up.
        ssl_context: verifies certificates; httpx2's own by default, without the environment.
        sockets: opens connections to addresses that were checked.

    Attributes:
        observe: what is put around each request, for traces; gets method and host, and gives
            what is told the answer's status. None: nothing.
    """

    observe: ClassVar[Observe | None] = None

    def __init__(
        self,
        *,
        allowed_addresses: frozenset[AllowedAddress] = frozenset(),
        resolver: Resolver = system_resolver,
        ssl_context: ssl.SSLContext | None = None,
        sockets: httpcore2.NetworkBackend | None = None,
    ) -> None:
        self._allowed_addresses = allowed_addresses
        self._resolver = resolver
        self._ssl_context = ssl_context or httpx2.create_ssl_context(trust_env=False)
        self._sockets = sockets or httpcore2.SyncBackend()

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request; the answer's body is read by whoever iterates its stream.

        Args:
            request: `extensions["deadline"]` bounds it, body included; else `REQUEST_SECONDS`.

        Raises:
            UnsafeAddressError: not https, or an address inside; nothing was sent.
            httpx2.TransportError: time-out, no connection, or an answer that is not HTTP.
        """
        observe = type(self).observe
        if observe is None:
            return self._send(request)
        with observe(request.method, request.url.host) as note:
            response = self._send(request)
            note(response.status_code)
        return response

    def _send(self, request: httpx2.Request) -> httpx2.Response:
        self._require_tls(request.url)
        deadline = request.extensions.get(DEADLINE_EXTENSION)
        if not isinstance(deadline, Deadline):
            deadline = Deadline.after(REQUEST_SECONDS)
        outgoing = _core_request(request)
        connection = httpcore2.HTTPConnection(
            origin=outgoing.url.origin,
            ssl_context=self._ssl_context,
            network_backend=PinnedNetwork(
                deadline=deadline,
                allowed_addresses=self._allowed_addresses,
                resolver=self._resolver,
                sockets=self._sockets,
            ),
        )
        with ExitStack() as cleanup, _failures_of_httpx2():
            cleanup.callback(connection.close)
            answer = connection.handle_request(outgoing)
            stream = _BodyStream(answer=answer, cleanup=cleanup.pop_all())
        return httpx2.Response(answer.status, headers=answer.headers, stream=stream)

    def _require_tls(self, url: httpx2.URL) -> None:
        place = AllowedAddress(host=url.host, port=url.port or _PORTS.get(url.scheme, 0))
        if url.scheme != "https" and (url.scheme != "http" or place not in self._allowed_addresses):
            raise UnsafeAddressError


class _BodyStream(httpx2.SyncByteStream):
    """The body as it arrives; closing it closes the connection, read to the end or not."""

    def __init__(self, *, answer: httpcore2.Response, cleanup: ExitStack) -> None:
        self._answer = answer
        self._cleanup = cleanup

    def __iter__(self) -> Iterator[bytes]:
        with _failures_of_httpx2():
            yield from self._answer.iter_stream()

    def close(self) -> None:
        self._cleanup.close()


def _core_request(request: httpx2.Request) -> httpcore2.Request:
    return httpcore2.Request(
        method=request.method,
        url=httpcore2.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        ),
        headers=request.headers.raw,
        content=request.stream,
    )


@contextmanager
def _failures_of_httpx2() -> Iterator[None]:
    """Speak httpx2's exceptions, as every transport does.

    The cause is left out: its frames hold the request with its Authorization header.
    """
    try:
        yield
    except tuple(theirs for theirs, _ in _SAME_FAILURE) as error:
        ours = next(ours for theirs, ours in _SAME_FAILURE if isinstance(error, theirs))
        raise ours(type(error).__name__) from None
