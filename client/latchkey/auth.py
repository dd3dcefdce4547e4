"""The auth object: for httpx and httpx2 their own kind, for requests a callable."""

import asyncio
import base64
from collections.abc import AsyncGenerator, Generator, Mapping
from functools import lru_cache
from importlib import import_module
from typing import Any, Protocol

from latchkey.held import Held


class Permits(Protocol):
    """Where permits come from, and where answers go."""

    def take(self) -> Held:
        """Takes one permit."""

    def give_back(
        self, held: Held, *, status: int | None, headers: Mapping[str, str], redirects: int = 0
    ) -> None:
        """Says how the vendor answered."""


def auth_of(permits: Permits) -> Any:  # noqa: ANN401  # an auth object of whichever library is there
    """An auth object for httpx and requests."""
    return _kind()(permits)


@lru_cache
def _kind() -> type:
    """Its class; looked for when it is needed, since it costs the import of those libraries."""
    bases: list[type] = [_Spending]
    for name in ("httpx", "httpx2"):
        try:
            bases.append(import_module(name).Auth)
        except ImportError:
            continue
    return type("VendorAuth", tuple(bases), {})


class _Spending:
    """Takes a permit for each request, and gives it back with the answer."""

    requires_request_body = False
    requires_response_body = False

    def __init__(self, permits: Permits) -> None:
        self._permits = permits

    def __call__(self, request: Any) -> Any:  # noqa: ANN401  # requests' prepared request
        """Signs a request of `requests`; its answer comes back by a hook."""
        held = self._sign(request)

        def give_back(response: Any, **_options: Any) -> None:  # noqa: ANN401  # requests'
            # When a redirect is followed, the answers to further requests come here too; by then
            # the lease may be settled, so a redirect counts as if it were always followed.
            if response.request is request:
                self._give_back(held, response, redirects=int(response.is_redirect))

        request.register_hook("response", give_back)
        return request

    def sync_auth_flow(self, request: Any) -> Generator[Any, Any, None]:  # noqa: ANN401  # httpx's
        """Signs a request of httpx."""
        held = self._sign(request)
        response = None
        try:
            response = yield request
        finally:
            self._give_back(held, response, redirects=_followed(response))

    async def async_auth_flow(self, request: Any) -> AsyncGenerator[Any, Any]:  # noqa: ANN401  # httpx's
        """Signs a request of httpx's async client; waiting for a permit blocks nobody else."""
        held = await asyncio.to_thread(self._sign, request)
        response = None
        try:
            response = yield request
        finally:
            await asyncio.to_thread(self._give_back, held, response, redirects=_followed(response))

    def _sign(self, request: Any) -> Held:  # noqa: ANN401  # either library's request
        held = self._permits.take()
        credential = held.lease.credential
        if "access_token" in credential:
            request.headers["Authorization"] = f"Bearer {credential['access_token']}"
        else:
            pair = f"{credential['key']}:{credential['secret']}".encode()
            request.headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        return held

    def _give_back(self, held: Held, response: Any, *, redirects: int) -> None:  # noqa: ANN401  # httpx's
        if response is None:
            self._permits.give_back(held, status=None, headers={})
        else:
            self._permits.give_back(
                held, status=response.status_code, headers=response.headers, redirects=redirects
            )


def _followed(response: Any) -> int:  # noqa: ANN401  # httpx's
    """How many redirects httpx has followed on the way to an answer."""
    return len(getattr(response, "history", ()))
