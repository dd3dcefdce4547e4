"""The vendor's two C-Series clusters, and how a pasted Back Office address tells which one.

Hosts: LIGHTSPEED.md section 1 [C]. A shop's Back Office stands at
`https://SHOP.webshopapp.com/admin/…` (eu1) or `https://SHOP.shoplightspeed.com/admin/…` (us1).
"""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

#: Longer texts are not addresses; a longer paste is cut here before it is read.
MAX_ADDRESS_CHARACTERS = 2048

#: Host names under a cluster's domain that belong to the vendor, not to a shop. Inferred.
_VENDOR_HOSTS = frozenset({"api", "www"})
#: What a paste out of an e-mail or a document leaves around an address.
_AROUND = " \t\r\n\"'<>\u201c\u201d\u2018\u2019"
_SHOP_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Cluster:
    """One of the vendor's installations: a key of one is refused by the other.

    Attributes:
        name: `eu1` or `us1`.
        base_url: root of its API, with a closing slash.
        shop_domain: the domain under which its shops' Back Offices stand.
    """

    name: str
    base_url: str
    shop_domain: str


EU1 = Cluster(name="eu1", base_url="https://api.webshopapp.com/", shop_domain="webshopapp.com")
US1 = Cluster(
    name="us1", base_url="https://api.shoplightspeed.com/", shop_domain="shoplightspeed.com"
)
CLUSTERS: dict[str, Cluster] = {cluster.name: cluster for cluster in (EU1, US1)}


@dataclass(frozen=True, slots=True)
class BackOffice:
    """What a Back Office address tells.

    Attributes:
        cluster: where the shop lives.
        shop: its name in the address, such as `my-shop`; None when the host is the vendor's own.
    """

    cluster: Cluster
    shop: str | None


def other_cluster(cluster: Cluster) -> Cluster:
    """Return the one to ask when `cluster` refused a key and the merchant agrees to try."""
    return US1 if cluster.name == EU1.name else EU1


def back_office_from_address(text: str) -> BackOffice | None:
    """Recognise the cluster and the shop in an address that a merchant pasted.

    Args:
        text: an address with or without scheme, path and surrounding spaces or quotes.

    Returns:
        None when the host is not under a cluster's domain, as with a shop's own domain name.
    """
    host = _host(text[:MAX_ADDRESS_CHARACTERS].strip(_AROUND))
    for cluster in CLUSTERS.values():
        name, dot, rest = host.partition(".")
        if dot and rest == cluster.shop_domain and _SHOP_NAME.fullmatch(name):
            return BackOffice(cluster=cluster, shop=None if name in _VENDOR_HOSTS else name)
    return None


def _host(address: str) -> str:
    """Take the host out of an address as a browser would; empty when there is none."""
    try:
        parts = urlsplit(address if "://" in address else f"https://{address}")
        return (parts.hostname or "").rstrip(".")
    except ValueError:
        return ""
