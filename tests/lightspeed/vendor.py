"""A vendor without sockets: documented answers, one of which a test replaces."""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
from pydantic import SecretStr

from lightspeed.credential import EComCredential
from lightspeed.ecom import EComClient
from lightspeed.permissions import Group

KEY = "fa4e" * 8
SECRET = "0bad" * 8
BASE_URL = "https://api.webshopapp.com/"
SHOP_ID = 7001
ACCOUNT_ID = 389694
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

RATE_HEADERS = {
    "X-RateLimit-Limit": "300/3000/12000",
    "X-RateLimit-Remaining": "299/2999/11999",
    "X-RateLimit-Reset": "263/2063/23663",
}

Reply = httpx2.Response | Exception


def make_credential(**changes: Any) -> EComCredential:
    fields: dict[str, Any] = {
        "base_url": BASE_URL,
        "language": "en",
        "key": SecretStr(KEY),
        "secret": SecretStr(SECRET),
    }
    return EComCredential(**{**fields, **changes})


def grants(**changes: Mapping[str, object]) -> dict[str, object]:
    """What stands under accountPermissions, everything granted but for the changes."""
    return {group.value: {"read": True, "write": True} for group in Group} | changes


def json_reply(body: object, *, status: int = 200, **headers: str) -> httpx2.Response:
    fixed = {**RATE_HEADERS, "Content-Type": "application/json"}
    return httpx2.Response(status, content=json.dumps(body), headers={**fixed, **headers})


def error_reply(
    status: int, message: str = "Nothing to see here.", **headers: str
) -> httpx2.Response:
    error = {"code": status, "method": "GET", "request": "/en/shop.json", "message": message}
    return json_reply({"error": error}, status=status, **headers)


@dataclass
class Vendor:
    """Answers by path without language and ending; `replies` overrides, `seen` records.

    Only the test's key and secret are accepted.
    """

    replies: dict[str, Reply] = field(default_factory=dict)
    everywhere: Reply | None = None
    seen: list[httpx2.Request] = field(default_factory=list)

    @property
    def paths(self) -> list[str]:
        return [_resource(request) for request in self.seen]

    def transport(self) -> httpx2.MockTransport:
        return httpx2.MockTransport(self._answer)

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.seen.append(request)
        resource = _resource(request)
        reply = self.replies.get(resource, self.everywhere) or self._documented(request, resource)
        if isinstance(reply, Exception):
            raise reply
        return reply

    def _documented(self, request: httpx2.Request, resource: str) -> httpx2.Response:
        if request.headers["Authorization"] != basic(KEY, SECRET):
            return error_reply(401, "Access denied.")
        documented: dict[str, object] = {
            "account/permissions": {"accountPermissions": grants()},
            "shop": {
                "shop": {
                    "id": SHOP_ID,
                    "status": "trial",
                    "subDomain": "bakery",
                    "mainDomain": "www.bakery.example",
                    "country": {"id": 151, "code": "nl", "code3": "nld", "title": "Netherlands"},
                    "currency": {"id": 1, "code": "eur"},
                }
            },
            "account": {"account": {"id": ACCOUNT_ID, "appId": False, "apiKey": KEY}},
            "account/ratelimit": {
                "accountRatelimit": {
                    "limit5Min": {"limit": 300, "remaining": 299, "reset": 263, "resetTime": "x"},
                    "limitHour": {"limit": 3000, "remaining": 2999, "reset": 2063},
                    "limitDay": {"limit": 12000, "remaining": 11999, "reset": 23663},
                }
            },
        }
        return json_reply(documented.get(resource, {"count": 206}))


def basic(key: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{key}:{secret}".encode()).decode()


def make_client(
    vendor: Vendor | httpx2.BaseTransport,
    *,
    credential: EComCredential | None = None,
    request_seconds: float = 10.0,
    monotonic: Callable[[], float] = lambda: 0.0,
) -> EComClient:
    return EComClient(
        credential=credential or make_credential(),
        transport=vendor.transport() if isinstance(vendor, Vendor) else vendor,
        request_seconds=request_seconds,
        clock=TickingClock(),
        monotonic=monotonic,
    )


@dataclass
class TickingClock:
    """Aware times, one second after another from noon."""

    ticks: int = 0

    def __call__(self) -> datetime:
        self.ticks += 1
        return NOON + timedelta(seconds=self.ticks - 1)


def _resource(request: httpx2.Request) -> str:
    return request.url.path.removeprefix("/en/").removesuffix(".json")
