"""The endpoints that need no right: `account`, its parts, and `shop`."""

from datetime import datetime

from simulator.ecom.call import Call, window_name
from simulator.ecom.resources import CREATED_AT
from simulator.windows import VENDOR_TIME_ZONE
from simulator.wire import Response

DOMAINS = {"eu1": "webshopapp.com", "us1": "shoplightspeed.com"}

_EURO = {"id": 1, "shortcode": "eur", "symbol": "€", "title": "Euro"}
_DOLLAR = {"id": 2, "shortcode": "usd", "symbol": "$", "title": "US Dollar"}
_NETHERLANDS = {"id": 150, "code": "nl", "code3": "nld", "title": "Netherlands"}
_UNITED_STATES = {"id": 223, "code": "us", "code3": "usa", "title": "United States"}


def read_account(call: Call) -> Response:
    """`GET account`: the API account, not the shop."""
    account = {
        "id": int(call.api_key.key_hash[-6:], 16),
        "appId": False,
        "apiKey": call.presented_key,
        "createdAt": CREATED_AT,
        "updatedAt": CREATED_AT,
        "status": "live",
    }
    return call.ok({"account": account})


def read_permissions(call: Call) -> Response:
    """`GET account/permissions`: the six groups."""
    return call.ok({"accountPermissions": call.api_key.permissions})


def read_ratelimit(call: Call) -> Response:
    """`GET account/ratelimit`: the windows of the headers, in words."""
    windows = {
        window_name(reading.limit.seconds): {
            "limit": reading.limit.requests,
            "remaining": reading.remaining,
            "reset": reading.reset_seconds,
            "resetTime": datetime.fromtimestamp(reading.resets_at, VENDOR_TIME_ZONE).isoformat(
                timespec="seconds"
            ),
        }
        for reading in call.readings
    }
    return call.ok({"accountRatelimit": windows})


def read_shop(call: Call) -> Response:
    """`GET shop`."""
    key = call.api_key
    is_american = key.cluster == "us1"
    sub_domain = f"shop{key.shop_id}"
    shop = {
        "id": key.shop_id,
        "createdAt": CREATED_AT,
        "updatedAt": CREATED_AT,
        "status": "live",
        "isB2b": False,
        "subDomain": sub_domain,
        "mainDomain": f"{sub_domain}.{DOMAINS[key.cluster]}",
        "country": _UNITED_STATES if is_american else _NETHERLANDS,
        "currency": _DOLLAR if is_american else _EURO,
        "logo": False,
    }
    return call.ok({"shop": shop})
