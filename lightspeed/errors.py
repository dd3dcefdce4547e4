"""What can come of asking the vendor, one exception per outcome.

    VendorError
    ├── CredentialRefusedError    401: wrong key or secret, switched off, deleted, other cluster
    ├── ForbiddenError            403: the key is good and lacks the right
    ├── LanguageInactiveError     404: the language is not active in that shop
    ├── ThrottledError            429: over a window; says when to come back        (retryable)
    ├── VendorUnavailableError    5xx, time-out, no connection, reset               (retryable)
    ├── UnreadableAnswerError     an answer came that cannot be trusted             (retryable)
    └── UnsafeAddressError        the host is not one that we may talk to

A missing permission of the key is a result, not an error: see `permissions.Permissions.missing`.
No message, attribute or cause holds a secret or the vendor's own words.
"""

from enum import StrEnum
from typing import ClassVar

from lightspeed.ratelimits import WindowReading


class Outage(StrEnum):
    """Why the vendor counts as unavailable."""

    TIMEOUT = "timeout"
    CONNECTION = "connection"
    SERVER_ERROR = "server_error"


class Flaw(StrEnum):
    """Why an answer cannot be read."""

    TOO_LARGE = "too_large"
    ENCODED = "encoded"
    TRUNCATED = "truncated"
    NOT_JSON = "not_json"
    REDIRECT = "redirect"
    UNEXPECTED_STATUS = "unexpected_status"
    UNEXPECTED_SHAPE = "unexpected_shape"


class VendorError(Exception):
    """The vendor did not give what was asked; the subclass says why.

    Attributes:
        code: stable name of the outcome, for records and metrics.
        retryable: asking again later, unchanged, can succeed.
        status: the vendor's HTTP status, or None when no answer came.
        limits: the windows that the answer's headers showed; empty when it showed none.
    """

    code: ClassVar[str] = "vendor_error"
    retryable: ClassVar[bool] = False
    message: ClassVar[str] = "The vendor could not be asked."

    def __init__(
        self, *, status: int | None = None, limits: tuple[WindowReading, ...] = ()
    ) -> None:
        super().__init__(self.message)
        self.status = status
        self.limits = limits

    @property
    def problem(self) -> str:
        """The outcome as one token for records, with its detail where there is one."""
        return self.code


class CredentialRefusedError(VendorError):
    """The vendor answered 401. It does not say which of the causes it is: ask the merchant."""

    code = "refused"
    message = "The vendor refused this key and secret."


class ForbiddenError(VendorError):
    """The vendor answered 403: the key works, the permission for this resource is not ticked."""

    code = "forbidden"
    message = "The key may not read this."


class LanguageInactiveError(VendorError):
    """The language in the address is not active in the shop: ask for another language."""

    code = "language_inactive"
    message = "This language is not active in the shop."


class ThrottledError(VendorError):
    """The key is over one of its windows.

    Attributes:
        retry_after_seconds: whole seconds until the vendor answers again, at least 1.
    """

    code = "throttled"
    retryable = True
    message = "The vendor asks us to wait."

    def __init__(
        self,
        *,
        retry_after_seconds: int,
        status: int | None = None,
        limits: tuple[WindowReading, ...] = (),
    ) -> None:
        super().__init__(status=status, limits=limits)
        self.retry_after_seconds = retry_after_seconds


class VendorUnavailableError(VendorError):
    """The vendor is down or out of reach. Says nothing about the key: ask again later."""

    code = "unavailable"
    retryable = True
    message = "The vendor cannot be reached."

    def __init__(
        self,
        *,
        reason: Outage,
        status: int | None = None,
        limits: tuple[WindowReading, ...] = (),
    ) -> None:
        super().__init__(status=status, limits=limits)
        self.reason = reason

    @property
    def problem(self) -> str:
        """`unavailable.` and the reason."""
        return f"{self.code}.{self.reason}"


class UnreadableAnswerError(VendorError):
    """An answer came that is not the documented one. Says nothing about the key: ask later."""

    code = "unreadable"
    retryable = True
    message = "The vendor gave an answer that cannot be read."

    def __init__(
        self,
        *,
        flaw: Flaw,
        status: int | None = None,
        limits: tuple[WindowReading, ...] = (),
    ) -> None:
        super().__init__(status=status, limits=limits)
        self.flaw = flaw

    @property
    def problem(self) -> str:
        """`unreadable.` and the flaw."""
        return f"{self.code}.{self.flaw}"


class UnsafeAddressError(VendorError):
    """The address is not one that we may send a credential to. Nothing was sent: alert staff."""

    code = "unsafe_address"
    message = "This address is not allowed."
