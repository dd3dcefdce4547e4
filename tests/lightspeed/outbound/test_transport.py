import ssl
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count

import httpcore2
import httpx2
import pytest

from lightspeed.errors import UnsafeAddressError
from lightspeed.outbound.addresses import AllowedAddress
from lightspeed.outbound.deadline import Deadline
from lightspeed.outbound.network import MAX_ADDRESSES, PinnedNetwork, Resolver, system_resolver
from lightspeed.outbound.transport import DEADLINE_EXTENSION, OutboundTransport
from tests.lightspeed.outbound.local_servers import (
    LOOPBACK,
    authority_for,
    hanging,
    head,
    resetting,
    sending,
    sending_for_ever,
    serving,
)

HOST = "api.webshopapp.com"
PUBLIC = "93.184.216.34"
OTHER_PUBLIC = "2606:2800:220:1::1"
ANSWER = head("Content-Type: application/json", "Content-Length: 2") + b"{}"


@dataclass
class Names:
    """A resolver that knows one host and counts how often it was asked."""

    addresses: Sequence[str] = (PUBLIC,)
    asked: list[tuple[str, int]] = field(default_factory=list)

    def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append((host, port))
        return self.addresses


@dataclass
class Sockets(httpcore2.NetworkBackend):
    """Takes connections to public addresses to a local server instead, except to dead ones."""

    port: int = 0
    dead: Sequence[str] = ()
    connected: list[tuple[str, int]] = field(default_factory=list)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        self.connected.append((host, port))
        if host in self.dead:
            raise httpcore2.ConnectTimeout
        return httpcore2.SyncBackend().connect_tcp(LOOPBACK, self.port, timeout, None, [])


def get(transport: httpx2.BaseTransport, url: str, *, seconds: float = 10.0) -> bytes:
    """Send a request and read its body to the end, within a deadline."""
    deadline = Deadline.after(seconds)
    return send(transport, httpx2.Request("GET", url, extensions={DEADLINE_EXTENSION: deadline}))


def send(transport: httpx2.BaseTransport, request: httpx2.Request) -> bytes:
    response = transport.handle_request(request)
    try:
        return response.read()
    finally:
        response.close()


def local(port: int, *, resolver: Resolver = system_resolver) -> OutboundTransport:
    """A transport that may reach one port of this machine."""
    return OutboundTransport(
        allowed_addresses=frozenset({AllowedAddress(host=LOOPBACK, port=port)}), resolver=resolver
    )


def secured(
    *, port: int, names: Names, dead: Sequence[str] = (), trusts: str = HOST
) -> tuple[OutboundTransport, Sockets]:
    """A transport as in production, but for where its connections really end."""
    sockets = Sockets(port=port, dead=dead)
    context = authority_for(trusts).client
    return OutboundTransport(resolver=names, ssl_context=context, sockets=sockets), sockets


@pytest.fixture
def tls_port() -> Iterator[int]:
    with serving(sending(ANSWER), tls=authority_for(HOST).server) as port:
        yield port


def test_a_host_is_looked_up_once_and_its_address_is_what_is_connected_to(tls_port: int) -> None:
    names = Names()
    transport, sockets = secured(port=tls_port, names=names)
    assert get(transport, f"https://{HOST}/en/shop.json") == b"{}"
    assert names.asked == [(HOST, 443)]
    assert sockets.connected == [(PUBLIC, 443)]


def test_the_next_address_is_tried_when_one_is_dead(tls_port: int) -> None:
    transport, sockets = secured(port=tls_port, names=Names([PUBLIC, OTHER_PUBLIC]), dead=[PUBLIC])
    assert get(transport, f"https://{HOST}/") == b"{}"
    assert [address for address, _ in sockets.connected] == [PUBLIC, OTHER_PUBLIC]


def test_only_some_addresses_of_a_dead_host_are_tried() -> None:
    many = [f"93.184.216.{last}" for last in range(1, 100)]
    transport, sockets = secured(port=0, names=Names(many), dead=many)
    with pytest.raises(httpx2.TimeoutException):
        get(transport, f"https://{HOST}/")
    assert len(sockets.connected) == MAX_ADDRESSES


def test_a_certificate_of_another_name_is_refused() -> None:
    with serving(sending(ANSWER), tls=authority_for("api.example").server) as port:
        transport, _ = secured(port=port, names=Names(), trusts="api.example")
        with pytest.raises(httpx2.NetworkError):
            get(transport, f"https://{HOST}/")


def test_a_certificate_of_an_unknown_authority_is_refused(tls_port: int) -> None:
    transport = OutboundTransport(resolver=Names(), sockets=Sockets(port=tls_port))
    with pytest.raises(httpx2.NetworkError):
        get(transport, f"https://{HOST}/")


def test_certificates_are_verified_whatever_the_environment_says(
    tls_port: int, monkeypatch: pytest.MonkeyPatch, tmp_path: "pytest.TempPathFactory"
) -> None:
    pem = ssl.DER_cert_to_PEM_cert(authority_for(HOST).client.get_ca_certs(binary_form=True)[0])
    trusted = tmp_path / "trusted.pem"  # type: ignore[operator]
    trusted.write_text(pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    transport = OutboundTransport(resolver=Names(), sockets=Sockets(port=tls_port))
    with pytest.raises(httpx2.NetworkError):
        get(transport, f"https://{HOST}/")


def test_no_proxy_of_the_environment_is_used(
    tls_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://192.168.1.1:3128")
    transport, sockets = secured(port=tls_port, names=Names())
    assert get(transport, f"https://{HOST}/") == b"{}"
    assert sockets.connected == [(PUBLIC, 443)]


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "017700000001",
        "0",
        "localhost",
        "169.254.169.254",
        "2852039166",
        "10.0.0.1",
        "192.168.1.1",
        "::1",
        "::",
        "::ffff:127.0.0.1",
        "::ffff:7f00:1",
        "0:0:0:0:0:ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::10.0.0.1",
        "2002:7f00:1::",
        "fe80::1",
        "fd00::1",
    ],
)
def test_no_spelling_of_an_address_inside_is_connected_to(host: str) -> None:
    sockets = Sockets()
    network = PinnedNetwork(
        deadline=Deadline.after(60.0),
        allowed_addresses=frozenset(),
        resolver=system_resolver,
        sockets=sockets,
    )
    with pytest.raises(UnsafeAddressError):
        network.connect_tcp(host, 443)
    assert sockets.connected == []


@pytest.mark.parametrize(
    "inside", ["127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a9fe:a9fe", "fd00::1"]
)
def test_a_name_that_points_inside_is_not_connected_to(inside: str) -> None:
    transport, sockets = secured(port=0, names=Names([PUBLIC, inside]))
    with pytest.raises(UnsafeAddressError):
        get(transport, f"https://{HOST}/")
    assert sockets.connected == []


@pytest.mark.parametrize(
    "url", [f"http://{HOST}/", f"http://{HOST}:443/", "ftp://files.example/", "ws://127.0.0.1:1/"]
)
def test_without_tls_nothing_is_sent(url: str) -> None:
    names = Names()
    sockets = Sockets()
    allowed = frozenset({AllowedAddress(host="127.0.0.1", port=1)})
    transport = OutboundTransport(allowed_addresses=allowed, resolver=names, sockets=sockets)
    with pytest.raises(UnsafeAddressError):
        get(transport, url)
    assert (names.asked, sockets.connected) == ([], [])


def test_the_simulator_is_reached_by_its_host_and_port_only() -> None:
    with serving(sending(ANSWER)) as port:
        assert get(local(port), f"http://{LOOPBACK}:{port}/") == b"{}"
        for other in (f"http://localhost:{port}/", f"http://{LOOPBACK}:{port + 1}/"):
            with pytest.raises(UnsafeAddressError):
                get(local(port), other)


def test_a_redirect_is_handed_back_and_not_followed() -> None:
    redirect = head("Location: http://169.254.169.254/", "Content-Length: 0", status="302 Found")
    with serving(sending(redirect)) as port:
        request = httpx2.Request("GET", f"http://{LOOPBACK}:{port}/")
        response = local(port).handle_request(request)
        response.close()
    assert response.status_code == 302


@pytest.mark.parametrize("error", [OSError("no such host"), UnicodeError("label too long")])
def test_a_host_that_cannot_be_looked_up_is_no_connection(error: Exception) -> None:
    def resolver(host: str, port: int) -> Sequence[str]:
        raise error

    with pytest.raises(httpx2.NetworkError):
        get(OutboundTransport(resolver=resolver), f"https://{HOST}/")


def test_a_host_without_addresses_is_no_connection() -> None:
    with pytest.raises(httpx2.NetworkError):
        get(OutboundTransport(resolver=Names([])), f"https://{HOST}/")


def test_a_slow_look_up_ends_with_the_deadline() -> None:
    is_over = threading.Event()

    def resolver(host: str, port: int) -> Sequence[str]:
        is_over.wait(timeout=60)
        return [PUBLIC]

    try:
        with pytest.raises(httpx2.TimeoutException):
            get(OutboundTransport(resolver=resolver), f"https://{HOST}/", seconds=0.05)
    finally:
        is_over.set()


def test_a_deadline_that_is_over_connects_nowhere() -> None:
    transport, sockets = secured(port=0, names=Names())
    with pytest.raises(httpx2.TimeoutException):
        get(transport, f"https://{HOST}/", seconds=0.0)
    assert sockets.connected == []


def test_without_a_deadline_of_its_own_a_request_gets_the_usual_one() -> None:
    with serving(sending(ANSWER)) as port:
        assert send(local(port), httpx2.Request("GET", f"http://{LOOPBACK}:{port}/")) == b"{}"


def test_a_server_that_never_shakes_hands_is_left_at_the_deadline() -> None:
    with serving(hanging()) as port:
        transport, _ = secured(port=port, names=Names())
        with pytest.raises(httpx2.TimeoutException):
            get(transport, f"https://{HOST}/", seconds=0.2)


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\n", head("Content-Length: 5") + b"{"])
def test_a_server_that_hangs_is_left_at_the_deadline(start: bytes) -> None:
    with serving(hanging(start)) as port, pytest.raises(httpx2.TimeoutException):
        get(local(port), f"http://{LOOPBACK}:{port}/", seconds=0.2)


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (head("Content-Length: 100000000"), b" "),
        (head("Transfer-Encoding: chunked"), b"1\r\n \r\n"),
        (b"HTTP/1.1 200 OK\r\n", b"X-Slow: 1\r\n"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
)
def test_a_server_that_trickles_is_left_at_the_deadline(start: bytes, piece: bytes) -> None:
    seconds = count()
    deadline = Deadline(at=8.0, clock=lambda: float(next(seconds)))
    with serving(sending_for_ever(start, piece)) as port:
        request = httpx2.Request(
            "GET", f"http://{LOOPBACK}:{port}/", extensions={DEADLINE_EXTENSION: deadline}
        )
        with pytest.raises((httpx2.TimeoutException, httpx2.RemoteProtocolError)):
            send(local(port), request)


def test_a_trickle_over_tls_is_left_at_the_deadline() -> None:
    seconds = count()
    deadline = Deadline(at=50.0, clock=lambda: float(next(seconds)))
    trickle = sending_for_ever(head("Content-Length: 100000000"), b" ")
    with serving(trickle, tls=authority_for(HOST).server) as port:
        transport, _ = secured(port=port, names=Names())
        request = httpx2.Request(
            "GET", f"https://{HOST}/", extensions={DEADLINE_EXTENSION: deadline}
        )
        with pytest.raises(httpx2.TimeoutException):
            send(transport, request)


def test_a_reset_is_a_lost_connection() -> None:
    with serving(resetting()) as port, pytest.raises(httpx2.NetworkError):
        get(local(port), f"http://{LOOPBACK}:{port}/")


@pytest.mark.parametrize("garbage", [b"", b"SSH-2.0-server\r\n", b"HTTP/1.1 2000 Oh\r\n\r\n"])
def test_what_is_not_http_is_a_protocol_error(garbage: bytes) -> None:
    with serving(sending(garbage)) as port, pytest.raises(httpx2.RemoteProtocolError):
        get(local(port), f"http://{LOOPBACK}:{port}/")


def test_a_request_that_cannot_be_written_is_a_local_protocol_error() -> None:
    with serving(sending(ANSWER)) as port:
        request = httpx2.Request("GET", f"http://{LOOPBACK}:{port}/", headers={"X": "a\r\nb"})
        with pytest.raises(httpx2.LocalProtocolError):
            send(local(port), request)


def test_a_body_is_sent() -> None:
    with serving(sending(ANSWER)) as port:
        request = httpx2.Request("POST", f"http://{LOOPBACK}:{port}/", json={"grant": "x"})
        assert send(local(port), request) == b"{}"


def test_each_answer_closes_its_connection_read_or_not() -> None:
    left = threading.Event()

    def behave(peer: object) -> None:
        try:
            sending_for_ever(head("Content-Length: 100000000"), b"x" * 65536)(peer)  # type: ignore[arg-type]
        finally:
            left.set()

    with serving(behave) as port:
        request = httpx2.Request("GET", f"http://{LOOPBACK}:{port}/")
        local(port).handle_request(request).close()
        assert left.wait(timeout=10)
