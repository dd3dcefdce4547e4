"""What a vendor has announced about one kind of credential, and how the API says so.

A plan (`onboarding.migration`) writes these rows; the vault does not know why. There are few, so a
process keeps them for a second: a lease costs no query for them.
"""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final
from uuid import UUID

from keyvault.models import Credential, Retirement

KEPT_SECONDS: Final = 1.0

Key = tuple[str, str]


def announce(
    *,
    endpoint: str,
    kind: str,
    deprecated_at: datetime | None,
    sunset_at: datetime | None,
    is_refused: bool,
    link: str = "",
    reason: str = "",
) -> None:
    """Says what holds of one kind of credential from now on. One query or two.

    Args:
        endpoint: a name in settings.KEYVAULT_ENDPOINTS, without a shop.
        kind: a value of Credential.Kind.
        deprecated_at: from when it counts as deprecated.
        sunset_at: when the vendor stops accepting it.
        is_refused: whether that has come.
        link: where people read about it.
        reason: in words that a backend's log may show.
    """
    Retirement.objects.update_or_create(
        endpoint=endpoint,
        kind=kind,
        defaults={
            "deprecated_at": deprecated_at,
            "sunset_at": sunset_at,
            "is_refused": is_refused,
            "link": link,
            "reason": reason,
        },
    )
    forget_kept()


def withdraw(*, endpoint: str, kind: str) -> None:
    """Takes an announcement back: its plan was called off."""
    Retirement.objects.filter(endpoint=endpoint, kind=kind).delete()
    forget_kept()


def headers_for(*, endpoint: str, kind: str) -> dict[str, str]:
    """The headers that go with a lease of such a credential; usually none.

    `Deprecation` is a structured date (RFC 9745 section 2), `Sunset` an HTTP date (RFC 8594
    section 3), `Link` names where to read more. A date that is still to come is sent as well: that
    is what both headers are for.
    """
    row = _shelf.rows().get((endpoint.partition("/")[0], kind))
    if row is None:
        return {}
    headers = {}
    if row.deprecated_at is not None:
        headers["Deprecation"] = f"@{int(row.deprecated_at.timestamp())}"
    if row.sunset_at is not None:
        headers["Sunset"] = format_datetime(row.sunset_at.astimezone(UTC), usegmt=True)
    if headers and row.link:
        headers["Link"] = f'<{row.link}>; rel="deprecation"; type="text/html"'
    return headers


def refusal_of(*, keychain_id: UUID) -> Retirement | None:
    """Why a store has nothing to lend, when it is because the vendor refuses its keys. Two queries.

    Args:
        keychain_id: a store without a credential that may be lent.
    """
    refused = {(row.endpoint, row.kind): row for row in Retirement.objects.filter(is_refused=True)}
    held = Credential.objects.filter(
        keychain_id=keychain_id, state=Credential.State.SUSPENDED
    ).values_list("endpoint", "kind")
    found = (refused.get((endpoint.partition("/")[0], kind)) for endpoint, kind in held)
    return next((row for row in found if row is not None), None)


class _Shelf:
    """The rows of this process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._until = 0.0
        self._rows: dict[Key, Retirement] = {}

    def rows(self) -> dict[Key, Retirement]:
        with self._lock:
            if self._clock() >= self._until:
                self._rows = {(row.endpoint, row.kind): row for row in Retirement.objects.all()}
                self._until = self._clock() + KEPT_SECONDS
            return self._rows

    def forget(self) -> None:
        with self._lock:
            self._until = 0.0


_shelf = _Shelf()


def forget_kept() -> None:
    """Reads the rows anew at the next lease."""
    _shelf.forget()
