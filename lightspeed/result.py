"""What a live check of a key can find."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from lightspeed.permissions import Permission, Permissions
from lightspeed.ratelimits import WindowReading
from lightspeed.resources import Shop


class Outcome(StrEnum):
    """What a check found. Only `PASSED` allows a key to be stored."""

    PASSED = "passed"
    #: 401: wrong key or secret, or switched off; the vendor does not say which.
    REFUSED = "refused"
    #: 401, and the vendor accepts the two the other way round.
    SWAPPED = "swapped"
    LANGUAGE_INACTIVE = "language_inactive"
    #: The key belongs to another shop than was expected: see `CheckResult.shop`.
    OTHER_SHOP = "other_shop"
    #: Boxes to tick: see `CheckResult.missing`.
    MISSING_PERMISSIONS = "missing_permissions"
    #: A shop was expected, and the key may not say which shop is its own.
    SHOP_UNKNOWN = "shop_unknown"
    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"
    #: An answer could not be read, so that something required could not be checked.
    UNREADABLE = "unreadable"

    @property
    def is_retryable(self) -> bool:
        """The vendor is the cause, not the key: keep the draft and check again by itself."""
        return self in (Outcome.THROTTLED, Outcome.UNAVAILABLE, Outcome.UNREADABLE)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one check found out. Holds no secret.

    Attributes:
        outcome: the one thing to tell first.
        permissions: what was granted, as far as it could be checked; None when nothing could.
        missing: required boxes that are not ticked, in the order of `required`.
        unchecked: required boxes that could not be checked.
        shop: whose key it is; None when that could not be read.
        account_id: the vendor's number of the API account; None when it could not be read.
        limits: the windows of the latest answer that showed any; empty when none did.
        request_times: aware; one moment per request sent, oldest first, to be counted against
            the key's windows.
        retry_after_seconds: what the vendor asks to wait; None unless throttled.
        status: the vendor's HTTP status behind a failure; None when no answer came or none failed.
        problem: the failure as one token for records, such as `unavailable.timeout`; None if none.
    """

    outcome: Outcome
    permissions: Permissions | None
    missing: tuple[Permission, ...]
    unchecked: tuple[Permission, ...]
    shop: Shop | None
    account_id: int | None
    limits: tuple[WindowReading, ...]
    request_times: tuple[datetime, ...]
    retry_after_seconds: int | None
    status: int | None
    problem: str | None
