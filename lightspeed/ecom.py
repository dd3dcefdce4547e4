"""A client of the C-Series eCom API for one credential.

    GET {base_url}{language}/{resource}.json        Authorization: Basic base64(key:secret)

A success is one root object named after the resource; an error is
`{"error": {"code", "method", "request", "message"}}` or, in old answers, `{"message"}`
(LIGHTSPEED.md section 1). Every method sends exactly one request and retries nothing.
"""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar

import httpx2

from lightspeed import wire
from lightspeed.credential import EComCredential
from lightspeed.errors import (
    CredentialRefusedError,
    Flaw,
    ForbiddenError,
    LanguageInactiveError,
    Outage,
    ThrottledError,
    UnreadableAnswerError,
    VendorError,
    VendorUnavailableError,
)
from lightspeed.outbound.answers import JsonAnswer, fetch_json
from lightspeed.outbound.deadline import REQUEST_SECONDS, Deadline, Monotonic
from lightspeed.permissions import Group, Permissions, permissions_from_wire
from lightspeed.ratelimits import (
    WindowReading,
    read_headers,
    read_ratelimit_resource,
    retry_after_seconds,
)
from lightspeed.resources import (
    Account,
    Shop,
    account_from_wire,
    count_from_wire,
    shop_from_wire,
)

T = TypeVar("T")

USER_AGENT = "Latchkey"

#: What tells a wrong language from an unknown resource; both are 404. The vendor's sentence is
#: "Unknown or inactive language." [C]; the one word is what we rely on.
_ABOUT_LANGUAGE = re.compile(r"\blanguage\b", re.IGNORECASE)

#: The cheapest resource that needs a group's Read right, by which it can be checked. [I]
COUNTED_RESOURCES: Mapping[Group, str] = {
    Group.CONTENT: "textpages",
    Group.PRODUCTS: "products",
    Group.CUSTOMERS: "customers",
    Group.ORDERS: "orders",
    Group.SETTINGS: "languages",
    Group.TRACKING: "shop/tracking",
}


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """What was asked for, and what the answer told besides.

    Attributes:
        value: the thing asked for.
        limits: the windows of the answer's headers; empty when it showed none.
        answered_at: aware; when the answer was complete.
    """

    value: T
    limits: tuple[WindowReading, ...]
    answered_at: datetime


def utc_now() -> datetime:
    """Return the time as the system's clock has it."""
    return datetime.now(UTC)


class EComClient:
    """Asks the vendor in one credential's name. Not for use by several threads at once.

    Every method raises `CredentialRefusedError`, `ForbiddenError`, `LanguageInactiveError`,
    `ThrottledError`, `VendorUnavailableError`, `UnreadableAnswerError` or `UnsafeAddressError`
    (see `errors`); each takes a `deadline` that is kept if it is sooner than the client's own.

    Args:
        credential: used for every request.
        transport: `outbound.transport.OutboundTransport`, or a test's own. It may be shared.
        request_seconds: total time for one request, body included.
        clock: aware times, for the record.
        monotonic: seconds, for deadlines.
    """

    def __init__(
        self,
        *,
        credential: EComCredential,
        transport: httpx2.BaseTransport,
        request_seconds: float = REQUEST_SECONDS,
        clock: Callable[[], datetime] = utc_now,
        monotonic: Monotonic = time.monotonic,
    ) -> None:
        self._credential = credential
        self._transport = transport
        self._request_seconds = request_seconds
        self._clock = clock
        self._monotonic = monotonic
        self._request_times: list[datetime] = []

    @property
    def request_times(self) -> tuple[datetime, ...]:
        """When each request of this client ended, oldest first, failed ones included.

        These are the moments to count against the key's windows: the end is the latest at which
        the vendor can have counted the request.
        """
        return tuple(self._request_times)

    def start_deadline(self, seconds: float) -> Deadline:
        """Start a deadline on this client's clock, to bound several requests together."""
        return Deadline.after(seconds, clock=self._monotonic)

    def swapped(self) -> "EComClient":
        """Return a client that takes this one's key for the secret and the secret for the key."""
        return EComClient(
            credential=self._credential.swapped(),
            transport=self._transport,
            request_seconds=self._request_seconds,
            clock=self._clock,
            monotonic=self._monotonic,
        )

    def permissions(self, *, deadline: Deadline | None = None) -> Answer[Permissions]:
        """Ask what the key was granted: `GET account/permissions.json`. Seems to need no right."""
        return self._ask(
            resource="account/permissions",
            root="accountPermissions",
            read=permissions_from_wire,
            deadline=deadline,
        )

    def shop(self, *, deadline: Deadline | None = None) -> Answer[Shop]:
        """Ask which shop the key belongs to: `GET shop.json`.

        Never `shop/company.json`, which holds bank data.
        """
        return self._ask(resource="shop", root="shop", read=shop_from_wire, deadline=deadline)

    def account(self, *, deadline: Deadline | None = None) -> Answer[Account]:
        """Ask for the API account: `GET account.json`. The key in its answer is not kept."""
        return self._ask(
            resource="account", root="account", read=account_from_wire, deadline=deadline
        )

    def ratelimit(self, *, deadline: Deadline | None = None) -> Answer[tuple[WindowReading, ...]]:
        """Ask for the windows: `GET account/ratelimit.json`. Counts against them itself [I]."""
        return self._ask(
            resource="account/ratelimit",
            root="accountRatelimit",
            read=read_ratelimit_resource,
            deadline=deadline,
        )

    def count(self, group: Group, *, deadline: Deadline | None = None) -> Answer[int]:
        """Count the things of a permission group; an answer proves the group's Read right."""
        return self._ask(
            resource=f"{COUNTED_RESOURCES[group]}/count",
            root=None,
            read=count_from_wire,
            deadline=deadline,
        )

    def _ask(
        self,
        *,
        resource: str,
        root: str | None,
        read: Callable[[Mapping[str, object]], T | None],
        deadline: Deadline | None,
    ) -> Answer[T]:
        """Send one request; `read` returns None for an object that is not the documented one."""
        answer = self._send(resource=resource, deadline=deadline)
        limits = read_headers(answer.headers)
        if not 200 <= answer.status < 300:  # noqa: PLR2004 - HTTP's own class
            raise _error_for(answer=answer, limits=limits, now=self._request_times[-1])
        value = _read(body=answer.body, root=root, read=read)
        if value is None:
            raise UnreadableAnswerError(
                flaw=Flaw.UNEXPECTED_SHAPE, status=answer.status, limits=limits
            )
        return Answer(value=value, limits=limits, answered_at=self._request_times[-1])

    def _send(self, *, resource: str, deadline: Deadline | None) -> JsonAnswer:
        credential = self._credential
        request = httpx2.Request(
            "GET",
            f"{credential.base_url}{credential.language}/{resource}.json",
            headers={"Authorization": credential.authorization(), "User-Agent": USER_AGENT},
        )
        own = self.start_deadline(self._request_seconds)
        try:
            return fetch_json(
                transport=self._transport,
                request=request,
                deadline=own if deadline is None else deadline.sooner(self._request_seconds),
            )
        finally:
            self._request_times.append(self._clock())


def _read(
    *, body: object, root: str | None, read: Callable[[Mapping[str, object]], T | None]
) -> T | None:
    """Take the value out of a body; a frame of its own, which an error does not carry along."""
    fields = body if root is None else wire.child(body, root)
    return read(fields) if isinstance(fields, Mapping) else None


def _error_for(
    *, answer: JsonAnswer, limits: tuple[WindowReading, ...], now: datetime
) -> VendorError:
    """Turn an answer of 400 or above into its exception."""
    status = answer.status
    match status:
        case 401:
            return CredentialRefusedError(status=status, limits=limits)
        case 403:
            return ForbiddenError(status=status, limits=limits)
        case 404 if _ABOUT_LANGUAGE.search(_message(answer.body)):
            return LanguageInactiveError(status=status, limits=limits)
        case 429:
            wait = retry_after_seconds(
                readings=limits, retry_after=answer.headers.get("Retry-After"), now=now
            )
            return ThrottledError(retry_after_seconds=wait, status=status, limits=limits)
        case _ if status >= 500:  # noqa: PLR2004 - HTTP's own class
            return VendorUnavailableError(reason=Outage.SERVER_ERROR, status=status, limits=limits)
        case _:
            return UnreadableAnswerError(flaw=Flaw.UNEXPECTED_STATUS, status=status, limits=limits)


def _message(body: object) -> str:
    """Find an error's sentence in either of its two forms."""
    error = wire.child(body, "error") or body
    found = error.get("message") if isinstance(error, Mapping) else None
    return found if isinstance(found, str) else ""
