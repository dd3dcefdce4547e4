"""Whose word on the client's address is taken.

A proxy tells the client's address and scheme in headers that anybody can send. They are believed
only from `settings.TRUSTED_PROXIES`; from anyone else they are removed before another part of the
site sees them. After this middleware `REMOTE_ADDR` is the client's address, for login limits, logs
and the record alike, and nothing else may be asked for it.
"""

from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from config.environment import UNIX

FORWARDED_FOR: Final = "HTTP_X_FORWARDED_FOR"
# What only a proxy may say; the names that frameworks and libraries are known to look at.
PROXY_HEADERS: Final = (
    FORWARDED_FOR,
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PORT",
    "HTTP_X_REAL_IP",
    "HTTP_X_REQUEST_ID",
    "HTTP_CLIENT_IP",
    "HTTP_FORWARDED",
)
# Probes come by address from inside the network, not by the site's name and not by TLS.
PROBES: Final = frozenset({"/healthz", "/readyz", "/metrics"})
MOST_HOPS: Final = 20

Address = IPv4Address | IPv6Address


class TrustedProxyMiddleware:
    """Settles who the client is; stands first."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self._is_unix_trusted = UNIX in settings.TRUSTED_PROXIES
        self._networks = [
            ip_network(proxy, strict=False) for proxy in settings.TRUSTED_PROXIES if proxy != UNIX
        ]

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on with the client's own address."""
        meta = request.META
        peer = meta.get("REMOTE_ADDR", "")
        if self._is_trusted(peer):
            meta["REMOTE_ADDR"] = self._client(peer, forwarded=meta.pop(FORWARDED_FOR, ""))
        else:
            # A server that listens on IPv6 as well tells IPv4 addresses in IPv6 dress.
            meta["REMOTE_ADDR"] = str(_address(peer) or peer)
            for name in PROXY_HEADERS:
                meta.pop(name, None)
        if request.path_info in PROBES:
            meta["HTTP_HOST"] = settings.ALLOWED_HOSTS[0]
        return self.get_response(request)

    def _is_trusted(self, peer: str) -> bool:
        if not peer:
            return self._is_unix_trusted
        address = _address(peer)
        return address is not None and any(address in network for network in self._networks)

    def _client(self, peer: str, *, forwarded: str) -> str:
        """The nearest address that is no proxy of ours, read from the right.

        What stands further left was written by the client and may be a lie.
        """
        client = str(_address(peer) or peer)
        for word in reversed(forwarded.split(",")[-MOST_HOPS:]):
            address = _address(word)
            if address is None:
                break
            client = str(address)
            if not self._is_trusted(client):
                break
        return client


def _address(text: str) -> Address | None:
    """The address in one word of the header; an IPv4 address in IPv6 dress counts as IPv4."""
    try:
        address = ip_address(text.strip().removeprefix("[").partition("]")[0])
    except ValueError:
        return None
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address
