"""One POST to somebody else's address: resolved once, pinned, never inside our own network."""

import http.client
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from keyvault.errors import VaultError
from keyvault.webhooks.addresses import is_public

# For all of a POST once its address is looked up.
DEADLINE_SECONDS: Final = 10.0
_ADDRESS: Final = re.compile(r"[^\s\x00-\x1f\x7f]{1,500}")
# Of `Retry-After`; a date is left to our own pauses.
_SECONDS: Final = re.compile(r"[0-9]{1,9}")
_NOT_ONE: Final = (
    "a webhook's address is https://, a host and a path: 500 characters at most, no blanks, "
    "no user name, no fragment"
)
_NOT_PUBLIC: Final = "a webhook's address must be public"


class ForbiddenAddressError(VaultError):
    """Webhooks go to public https addresses only."""

    code = "forbidden-address"


@dataclass(frozen=True, slots=True)
class Sent:
    """How a POST ended.

    Attributes:
        status: of HTTP, 0 when there was none.
        retry_after_seconds: how long the receiver asks to be left alone, 0 when it does not.
    """

    status: int
    retry_after_seconds: int = 0

    @property
    def is_good(self) -> bool:
        """Whether the receiver has taken it; a redirect is no answer."""
        return 200 <= self.status < 300  # noqa: PLR2004  # the range of success

    @property
    def is_gone(self) -> bool:
        """Whether the receiver wants to be told nothing any more (RFC 9110, section 15.5.11)."""
        return self.status == HTTPStatus.GONE


def checked_url(url: str) -> SplitResult:
    """The parts of an address that webhooks may go to.

    Raises:
        ForbiddenAddressError: no https, a user name, no host, a number that is no port, an address
            inside our own network, or nothing that can be sent as it stands.
    """
    try:
        parts = urlsplit(url if _ADDRESS.fullmatch(url) else "")
        is_whole = bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise ForbiddenAddressError(_NOT_ONE) from None
    is_allowed = parts.netloc in _allowed()
    is_secured = parts.scheme == "https" or (is_allowed and parts.scheme == "http")
    is_sendable = parts.path.isascii() and parts.query.isascii()
    has_more = "@" in parts.netloc or bool(parts.fragment)
    if not (is_whole and is_secured and is_sendable) or has_more:
        raise ForbiddenAddressError(_NOT_ONE)
    if not is_allowed:
        _refuse_inside(str(parts.hostname))
    return parts


def post(
    *,
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    deadline_seconds: float = DEADLINE_SECONDS,
) -> Sent:
    """Sends once, follows no redirect and reads no answer beyond its head.

    Args:
        url: see `checked_url`.
        body: what is posted.
        headers: with it.
        deadline_seconds: when it is over, whatever the receiver does.

    Raises:
        ForbiddenAddressError: the name leads into our own network.
    """
    parts = checked_url(url)
    host, port = str(parts.hostname), parts.port or (443 if parts.scheme == "https" else 80)
    try:
        address = _public_address(host=host, port=port, netloc=parts.netloc)
        ends = time.monotonic() + deadline_seconds
        with (
            socket.create_connection((address, port), timeout=deadline_seconds) as raw,
            _cut_after(max(0, ends - time.monotonic()), raw=raw) as is_late,
        ):
            answer = _exchange(raw, parts=parts, body=body, headers=headers)
            # Of half a status line, the half that came makes a status too.
            if is_late.is_set():
                return Sent(status=0)
            asked = answer.getheader("Retry-After") or ""
            pause = int(asked) if _SECONDS.fullmatch(asked) else 0
            return Sent(status=answer.status, retry_after_seconds=pause)
    except (OSError, http.client.HTTPException, UnicodeError):
        return Sent(status=0)


def _exchange(
    raw: socket.socket, *, parts: SplitResult, body: bytes, headers: Mapping[str, str]
) -> http.client.HTTPResponse:
    """One request over a connection that stands; the head of its answer."""
    path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port or 443)
    # Not named in `Host` then: some receivers know themselves by their bare name only.
    connection.default_port = http.client.HTTPS_PORT
    connection.sock = _secured(raw, parts=parts)
    with closing(connection):
        connection.request("POST", path, body=body, headers=dict(headers))
        return connection.getresponse()


def _secured(raw: socket.socket, *, parts: SplitResult) -> socket.socket:
    """TLS to the address that was checked; the certificate must be the name's."""
    if parts.scheme != "https":
        return raw
    return ssl.create_default_context().wrap_socket(raw, server_hostname=parts.hostname)


@contextmanager
def _cut_after(seconds: float, *, raw: socket.socket) -> Iterator[threading.Event]:
    """Ends a connection that goes on for too long, even when something comes all the time.

    Yields:
        What is set when that was needed.
    """
    is_late = threading.Event()
    with raw.dup() as twin:
        timer = threading.Timer(seconds, _cut, args=(twin, is_late))
        timer.daemon = True
        timer.start()
        try:
            yield is_late
        finally:
            timer.cancel()
            timer.join()


def _cut(twin: socket.socket, is_late: threading.Event) -> None:
    is_late.set()
    with suppress(OSError):
        twin.shutdown(socket.SHUT_RDWR)


def _refuse_inside(host: str) -> None:
    """Refuses at once what is written as an address of our own network; a name is looked up."""
    try:
        is_inside = not is_public(host)
    except ValueError:
        return
    if is_inside:
        raise ForbiddenAddressError(_NOT_PUBLIC)


def _public_address(*, host: str, port: int, netloc: str) -> str:
    found = [str(each[4][0]) for each in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    if netloc not in _allowed() and not all(is_public(each) for each in found):
        raise ForbiddenAddressError(_NOT_PUBLIC)
    return found[0]


def _allowed() -> frozenset[str]:
    """Addresses inside our own network that development may use, "127.0.0.1:9000"."""
    return frozenset(getattr(settings, "KEYVAULT_WEBHOOK_ALLOWED_ADDRESSES", ()))
