"""Endpoints: names in settings, so that a credential never carries an address of its own.

    ecom-eu1                 settings.KEYVAULT_ENDPOINTS["ecom-eu1"]
    retail-x/corner-shop     settings.KEYVAULT_ENDPOINTS["retail-x"] with {shop} filled in

Where each shop has a host of its own, its part of the host stands behind a slash. It can only ever
be one label of a host name under the domain that the settings give.
"""

import re
from typing import Final

from django.conf import settings

_SHOP: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


def endpoint_name(*, name: str, shop: str = "") -> str:
    """The endpoint of a shop.

    Args:
        name: a name in settings.KEYVAULT_ENDPOINTS.
        shop: the shop's part of the host; empty where all share one.

    Raises:
        ValueError: this cannot be one label of a host name.
    """
    if not shop:
        return name
    if _SHOP.fullmatch(shop) is None:
        message = "this cannot be part of a host name"
        raise ValueError(message)
    return f"{name}/{shop}"


def address_of(endpoint: str) -> str:
    """The root address behind an endpoint, with a slash at the end.

    Raises:
        KeyError: the settings do not name it; an operator must.
        ValueError: its shop cannot be part of a host name.
    """
    name, _, shop = endpoint.partition("/")
    template: str = settings.KEYVAULT_ENDPOINTS[name]
    if "{shop}" not in template:
        return template
    if _SHOP.fullmatch(shop) is None:
        message = "this cannot be part of a host name"
        raise ValueError(message)
    return template.replace("{shop}", shop)
