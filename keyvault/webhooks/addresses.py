"""Which addresses a webhook may go to: public unicast ones.

The standard library's `is_global` is the base. It lets through what would reach the inside by a
detour, so IPv6 is narrowed to global unicast without the tunnelling ranges, and metadata services
on public addresses are refused by hand.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address
from typing import Final

# IPv6 that is routed on the internet at all (RFC 4291, section 2.4, as IANA has assigned it).
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
_REFUSED: Final = (
    # Inside it, what carries IPv4, where an inner address could hide.
    IPv6Network("2001::/32"),  # Teredo, RFC 4380
    IPv6Network("2002::/16"),  # 6to4, RFC 3056
    # What older tables of the standard library still call global.
    IPv4Network("192.0.0.0/24"),  # IETF protocols, RFC 6890; Oracle's metadata service
    IPv4Network("192.88.99.0/24"),  # 6to4 relays, RFC 7526
    IPv4Network("168.63.129.16/32"),  # Azure's metadata and DNS service
)


def is_public(address: str) -> bool:
    """Whether an address, as the resolver gives it, lies outside of everybody's own networks."""
    parsed = ip_address(address)
    if parsed.is_multicast or not parsed.is_global:
        return False
    if any(parsed in network for network in _REFUSED):
        return False
    return isinstance(parsed, IPv4Address) or parsed in _GLOBAL_UNICAST
