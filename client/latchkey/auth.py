"""The auth object: for httpx and httpx2 their own kind, for requests a callable."""

import base64
import weakref
from collections.abc import AsyncGenerator, Generator, Mapping
from functools import lru_cache
from importlib import import_module
from typing import Any, Protocol

from latchkey.held import Held


class Permits(Protocol):
    """Where permits come from, and where answers go."""

    def take(self) -> Held:
        """Takes one permit."""

    async def take_async(self) -> Held:
        """Takes one permit."""

    def give_back(
        self, held: Held, *, status: int | None, headers: Mapping[str, str], redirects: int = 0
    ) -> None:
        """Says how the vendor answered."""

    async def give_back_async(
        self, held: Held, *, status: int | None, headers: Mapping[str, str], redirects: int = 0
    ) -> None:
        """Says how the vendor answered."""

    def is_late(self, held: Held) -> bool:
        """Whether a permit can no longer be used in time."""

    def put_back(self, held: Held) -> None:
        """Takes a permit back that was not used."""

    def lose(self, held: Held) -> None:
        """Says that nobody will say how the vendor answered."""


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
        held = self._permits.take()
        _sign(request, held)
        # The hook is not called when there is no answer, and then nothing else is either.
        lost = weakref.finalize(request, self._permits.lose, held)
        lost.atexit = False
        asked = weakref.ref(request)

        def give_back(response: Any, **_options: Any) -> None:  # noqa: ANN401  # requests'
            # When a redirect is followed, the answers to further requests come here too; by then
            # the lease may be settled, so a redirect counts as if it were always followed.
            if response.request is asked() and lost.detach():
                further = int(response.is_redirect) + _repeated(response)
                self._permits.give_back(held, **_told(response), redirects=further)

        request.register_hook("response", give_back)
        return request

    def sync_auth_flow(self, request: Any) -> Generator[Any, Any, None]:  # noqa: ANN401  # httpx's
        """Signs a request of httpx."""
        permit = _Permit(request, self._permits.take())

        def trace(name: str, info: Any) -> None:  # noqa: ANN401  # httpcore's
            held = permit.leaving(name, info)
            if held is not None and self._permits.is_late(held):
                permit.held = None
                self._permits.put_back(held)
                permit.renew(self._permits.take(), info)
            if permit.trace is not None:
                permit.trace(name, info)

        request.extensions = {**request.extensions, "trace": trace}
        response = None
        try:
            response = yield request
        finally:
            if permit.held is not None:
                further = _followed(response)
                self._permits.give_back(permit.held, **_told(response), redirects=further)

    async def async_auth_flow(self, request: Any) -> AsyncGenerator[Any, Any]:  # noqa: ANN401  # httpx's
        """Signs a request of httpx's async client; waiting for a permit blocks nobody else."""
        permit = _Permit(request, await self._permits.take_async())

        async def trace(name: str, info: Any) -> None:  # noqa: ANN401  # httpcore's
            held = permit.leaving(name, info)
            if held is not None and self._permits.is_late(held):
                permit.held = None
                self._permits.put_back(held)
                permit.renew(await self._permits.take_async(), info)
            if permit.trace is not None:
                await permit.trace(name, info)

        request.extensions = {**request.extensions, "trace": trace}
        response = None
        try:
            response = yield request
        finally:
            if permit.held is not None:
                further = _followed(response)
                told = _told(response)
                await self._permits.give_back_async(permit.held, **told, redirects=further)


class _Permit:
    """What a request of httpx is sent with.

    It may have to wait for a connection of httpx for longer than its permit lasts. Where it is sent
    at last, a permit that is late is put back, since it was not used, and another one is taken.

    Attributes:
        held: the lease; None: there is none for now.
        trace: the program's own `trace` extension.
    """

    def __init__(self, request: Any, held: Held) -> None:  # noqa: ANN401  # httpx's
        _sign(request, held)
        self.held: Held | None = held
        self.trace = request.extensions.get("trace")

    def leaving(self, name: str, info: Any) -> Held | None:  # noqa: ANN401  # httpcore's
        """What it is sent with, at the moment when it is; None before, and for what follows."""
        if self.held is None or not name.endswith("send_request_headers.started"):
            return None
        # Neither a request to a proxy nor one to another host bears it.
        mine = _authorization(self.held).encode()
        return self.held if mine in dict(info["request"].headers).values() else None

    def renew(self, held: Held, info: Any) -> None:  # noqa: ANN401  # httpcore's
        """Sends it with another lease."""
        self.held, request = held, info["request"]
        others = [each for each in request.headers if each[0].lower() != b"authorization"]
        request.headers = [*others, (b"Authorization", _authorization(held).encode())]


def _sign(request: Any, held: Held) -> None:  # noqa: ANN401  # either library's request
    request.headers["Authorization"] = _authorization(held)


def _authorization(held: Held) -> str:
    credential = held.lease.credential
    if "access_token" in credential:
        return f"Bearer {credential['access_token']}"
    pair = f"{credential['key']}:{credential['secret']}".encode()
    return f"Basic {base64.b64encode(pair).decode()}"


def _told(response: Any) -> dict[str, Any]:  # noqa: ANN401  # either library's
    """What the vendor has answered, if it has."""
    if response is None:
        return {"status": None, "headers": {}}
    return {"status": response.status_code, "headers": response.headers}


def _followed(response: Any) -> int:  # noqa: ANN401  # httpx's
    """How many redirects httpx has followed on the way to an answer."""
    return len(getattr(response, "history", ()))


def _repeated(response: Any) -> int:  # noqa: ANN401  # requests'
    """How often urllib3 has sent a request again by itself (an adapter's `max_retries`)."""
    return len(getattr(getattr(response.raw, "retries", None), "history", ()))
