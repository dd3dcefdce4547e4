"""Which addresses a credential may travel to: public unicast ones, and named exceptions.

The standard library's `is_global` is the base. It lets through what would reach the inside by a
detour, so IPv6 is narrowed to global unicast without the tunnelling ranges, and known metadata
services on public addresses are refused by hand.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import NamedTuple

from lightspeed.errors import UnsafeAddressError

#: IPv6 that is routed on the internet at all (RFC 4291 section 2.4, as IANA has assigned it).
_GLOBAL_UNICAST = IPv6Network("2000::/3")
#: Ranges inside it that carry or translate to IPv4, where an inner address could hide.
_TUNNELS = (
    IPv6Network("2001::/32"),  # Teredo, RFC 4380
    IPv6Network("2002::/16"),  # 6to4, RFC 3056
)
#: What older tables of the standard library still call global.
_REFUSED_V4 = (
    IPv4Network("192.0.0.0/24"),  # IETF protocols, RFC 6890; Oracle's metadata service
    IPv4Network("192.88.99.0/24"),  # 6to4 relays, RFC 7526
    IPv4Network("168.63.129.16/32"),  # Azure's metadata and DNS service
)


class AllowedAddress(NamedTuple):
    """A host and port that may be reached wherever it resolves to, and without TLS.

    Only for a simulator in development, and only by an explicit setting.
    """

    host: str
    port: int


def allowed_addresses(places: Iterable[str]) -> frozenset[AllowedAddress]:
    """Read a setting such as `["127.0.0.1:8001"]`.

    Raises:
        ValueError: one is not `host:port`. Refuse to start.
    """
    found = set()
    for place in places:
        host, _, port = place.rpartition(":")
        if not (host and port.isascii() and port.isdigit()):
            message = f"Not host:port: {place}."
            raise ValueError(message)
        found.add(AllowedAddress(host=host.strip("[]").lower(), port=int(port)))
    return frozenset(found)


def is_public(address: str) -> bool:
    """Tell whether an IP address may be connected to.

    Args:
        address: as the resolver gave it. What is not an IP address is not public.

    False for loopback, private, shared, link-local (metadata services among them), multicast,
    reserved and documentation addresses; for IPv4 mapped, compatible or translated into IPv6
    (`::ffff:0:0/96`, NAT64 `64:ff9b::/96`), 6to4 and Teredo.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    if parsed.is_multicast or not parsed.is_global:
        return False
    if isinstance(parsed, IPv4Address):
        return not any(parsed in network for network in _REFUSED_V4)
    return _is_plain_ipv6(parsed)


def require_public(addresses: Iterable[str]) -> None:
    """Refuse a host when any of its addresses is not public.

    Raises:
        UnsafeAddressError: alert staff; a name that also points inside is not to be trusted.
    """
    if not all(is_public(address) for address in addresses):
        raise UnsafeAddressError


def _is_plain_ipv6(address: IPv6Address) -> bool:
    return address in _GLOBAL_UNICAST and not any(address in network for network in _TUNNELS)
