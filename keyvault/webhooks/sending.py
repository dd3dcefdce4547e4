"""One POST to somebody else's address: resolved once, pinned, never inside our own network."""

import http.client
import ipaddress
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from keyvault.errors import VaultError

TIMEOUT_SECONDS: Final = 10.0
# IPv4 inside of IPv6, which `is_global` lets pass.
NAT64: Final = ipaddress.ip_network("64:ff9b::/96")


class ForbiddenAddressError(VaultError):
    """Webhooks go to public https addresses only."""

    code = "forbidden-address"


@dataclass(frozen=True, slots=True)
class Sent:
    """How a POST ended: the HTTP status, 0 when there was none."""

    status: int

    @property
    def is_good(self) -> bool:
        """Whether the receiver has taken it; a redirect is no answer."""
        return 200 <= self.status < 300  # noqa: PLR2004  # the range of success


def checked_url(url: str) -> SplitResult:
    """The parts of an address that webhooks may go to.

    Raises:
        ForbiddenAddressError: no https, a user name, or no host.
    """
    parts = urlsplit(url)
    is_allowed = parts.netloc in _allowed()
    if parts.scheme != "https" and not (is_allowed and parts.scheme == "http"):
        message = "a webhook's address begins with https://"
        raise ForbiddenAddressError(message)
    if not parts.hostname or parts.username or parts.fragment:
        message = "a webhook's address is a host and a path, nothing else"
        raise ForbiddenAddressError(message)
    return parts


def post(*, url: str, body: bytes, headers: Mapping[str, str]) -> Sent:
    """Sends once, follows no redirect and reads no answer beyond its status.

    Raises:
        ForbiddenAddressError: the name leads into our own network.
    """
    parts = checked_url(url)
    host, port = str(parts.hostname), parts.port or (443 if parts.scheme == "https" else 80)
    try:
        address = _public_address(host=host, port=port, netloc=parts.netloc)
        connection = _pinned(parts=parts, host=host, port=port, address=address)
    except OSError:
        return Sent(status=0)
    try:
        path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
        connection.request("POST", path, body=body, headers=dict(headers))
        return Sent(status=connection.getresponse().status)
    except (OSError, http.client.HTTPException):
        return Sent(status=0)
    finally:
        connection.close()


def _pinned(
    *, parts: SplitResult, host: str, port: int, address: str
) -> http.client.HTTPConnection:
    """A connection to the address that was checked; the certificate must be the name's."""
    raw = socket.create_connection((address, port), timeout=TIMEOUT_SECONDS)
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)
    connection.sock = raw
    if parts.scheme == "https":
        try:
            connection.sock = ssl.create_default_context().wrap_socket(raw, server_hostname=host)
        except OSError:
            raw.close()
            raise
    return connection


def _public_address(*, host: str, port: int, netloc: str) -> str:
    found = [str(each[4][0]) for each in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    if netloc not in _allowed():
        for each in found:
            address = ipaddress.ip_address(each)
            mapped = getattr(address, "ipv4_mapped", None)
            if mapped is not None or address in NAT64 or not address.is_global:
                message = "a webhook's address must be public"
                raise ForbiddenAddressError(message)
    return found[0]


def _allowed() -> frozenset[str]:
    """Addresses inside our own network that development may use, "127.0.0.1:9000"."""
    return frozenset(getattr(settings, "KEYVAULT_WEBHOOK_ALLOWED_ADDRESSES", ()))
