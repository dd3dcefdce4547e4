"""A stand-in without sockets, a clock that is set by hand, and a client for the wire."""

import base64
import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from simulator.limits import parse_limits
from simulator.running import RunningSimulator
from simulator.server import Options, WindowKind, build_site
from simulator.site import Site
from simulator.windows import Clock
from simulator.wire import Request, Response

KEY = "fa4e" * 8
SECRET = "0bad" * 8
OTHER_KEY = "0ff0" * 8

NOON = 1_795_345_200.0
"""2026-11-22 12:00:00 in Amsterdam."""


@dataclass
class HandClock:
    """A clock that stands still until a test moves it."""

    now: float = NOON

    def __call__(self) -> float:
        return self.now


def make_site(
    *,
    limits: str = "300/300,3000/3600,12000/86400",
    windows: str = "fixed",
    clock: Clock | None = None,
) -> Site:
    """A site that knows one key of eu1 with every right."""
    options = Options(
        limits=parse_limits(limits), windows=WindowKind(windows), clock=clock or HandClock()
    )
    site = build_site(options)
    put_key(site)
    return site


def put_key(site: Site, **fields: Any) -> dict[str, Any]:
    """Create or change the test's key."""
    described, _ = site.control.put_key(
        {"key": KEY, "secret": SECRET, **fields}, default_cluster="eu1"
    )
    return described


def authorization(key: str = KEY, secret: str = SECRET) -> str:
    return "Basic " + base64.b64encode(f"{key}:{secret}".encode()).decode()


def ask(
    site: Site,
    target: str,
    *,
    method: str = "GET",
    header: str | None = None,
    body: bytes = b"",
    cluster: str = "eu1",
    dropped: bool = False,
) -> Response:
    """Send one vendor request past the sockets."""
    path, _, query = target.partition("?")
    reply = site.reply(
        Request(
            method=method,
            path=path,
            query=query,
            headers={"authorization": authorization() if header is None else header},
            body=body,
            is_body_dropped=dropped,
            cluster=cluster,
        )
    )
    assert isinstance(reply, Response)
    return reply


def content(response: Response) -> dict[str, Any]:
    return json.loads(response.body)


def message(response: Response) -> str:
    return content(response)["error"]["message"]


def rates(response: Response) -> dict[str, str]:
    """The rate headers by the last word of their names."""
    return {
        name.rpartition("-")[2]: value
        for name, value in response.headers
        if name.startswith("X-RateLimit-")
    }


@dataclass(frozen=True)
class Answer:
    """What a client read."""

    status: int
    headers: dict[str, str]
    body: bytes


def fetch(
    url: str, path: str, *, method: str = "GET", body: bytes | None = None, **headers: str
) -> Answer:
    """One request over a connection of its own, with the test's key."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    sent = {"Authorization": authorization()}
    sent.update({name.replace("_", "-"): value for name, value in headers.items()})
    try:
        connection.request(method, path, body=body, headers=sent)
        response = connection.getresponse()
        return Answer(response.status, dict(response.headers), response.read())
    finally:
        connection.close()


def steer(url: str, control: str, document: object) -> Answer:
    """POST a JSON document to the control."""
    return fetch(url, f"/_sim/{control}", method="POST", body=json.dumps(document).encode())


@contextmanager
def dial(simulator: RunningSimulator) -> Iterator[socket.socket]:
    """A bare connection to eu1 that takes little at a time."""
    parts = urlsplit(simulator.url_eu1)
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
        sock.settimeout(30)
        sock.connect((parts.hostname, parts.port))
        yield sock


def read_all(sock: socket.socket) -> bytes:
    """Everything until the other side closes."""
    data = bytearray()
    while piece := sock.recv(65_536):
        data += piece
    return bytes(data)
