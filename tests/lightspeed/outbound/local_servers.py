"""Servers on loopback that behave as a test tells them to, with TLS where it is asked for."""

import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

LOOPBACK = "127.0.0.1"

Behaviour = Callable[[socket.socket], None]


@contextmanager
def serving(behaviour: Behaviour, *, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """Answer every connection by `behaviour`, which gets it with the request's head read."""
    listener = socket.create_server((LOOPBACK, 0))

    def run() -> None:
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            with suppress(OSError), peer:
                if tls is None:
                    _answer(peer, behaviour)
                else:
                    with tls.wrap_socket(peer, server_side=True) as secured:
                        _answer(secured, behaviour)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(timeout=10)


def _answer(peer: socket.socket, behaviour: Behaviour) -> None:
    head = b""
    while b"\r\n\r\n" not in head and (piece := peer.recv(65536)):
        head += piece
    behaviour(peer)


def sending(*pieces: bytes) -> Behaviour:
    """Send these bytes and close."""

    def behave(peer: socket.socket) -> None:
        for piece in pieces:
            peer.sendall(piece)

    return behave


def sending_for_ever(start: bytes, piece: bytes) -> Behaviour:
    """Never stop until the other side goes away."""

    def behave(peer: socket.socket) -> None:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer.sendall(start)
        while True:
            peer.sendall(piece)

    return behave


def hanging(start: bytes = b"") -> Behaviour:
    """Send this and then nothing until the other side goes away."""

    def behave(peer: socket.socket) -> None:
        peer.sendall(start)
        while peer.recv(65536):
            pass

    return behave


def resetting(start: bytes = b"") -> Behaviour:
    """Send this, then cut the connection with a TCP reset."""

    def behave(peer: socket.socket) -> None:
        peer.sendall(start)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")

    return behave


def head(*lines: str, status: str = "200 OK") -> bytes:
    """The head of an answer, JSON unless a line says otherwise."""
    fields = lines or ("Content-Type: application/json",)
    return "\r\n".join((f"HTTP/1.1 {status}", *fields, "", "")).encode()


@dataclass(frozen=True)
class Authority:
    """A certificate authority for one test run, and what trusts it."""

    server: ssl.SSLContext
    client: ssl.SSLContext


@cache
def authority_for(name: str) -> Authority:
    """Make a server that proves to be `name`, and a client that trusts its authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "A test's own authority")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([_subject_of(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _load(server, pem + private)
    return Authority(server=server, client=ssl.create_default_context(cadata=pem.decode()))


def _subject_of(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _load(context: ssl.SSLContext, pem: bytes) -> None:
    import tempfile  # noqa: PLC0415 - OpenSSL takes a key from a file only

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "server.pem"
        path.write_bytes(pem)
        context.load_cert_chain(path)
