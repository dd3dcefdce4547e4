"""Errors of the API as problem details (RFC 9457), and nothing of what is behind them."""

import json
import math
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import structlog
from django.http import HttpResponse

from keyvault.api.measures import begin_problems, count_problem
from keyvault.errors import (
    AddressRefusedError,
    BadSignatureError,
    IdempotencyError,
    KekUnavailableError,
    KeyringError,
    LeaseClosedError,
    MissingScopeError,
    NoCredentialError,
    OverspentError,
    PoolEmptyError,
    RetiredError,
    ShreddedKeychainError,
    TamperedSecretError,
    TooManyRequestsError,
    UnknownKekError,
    UnknownRecordError,
    UnknownTokenError,
    VaultError,
)

CONTENT_TYPE: Final = "application/problem+json"
RETRY_SECONDS: Final = 1
# PostgreSQL's state of a write where none may be made; Django has no error of its own for it.
_READ_ONLY: Final = "25006"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem: its status, and words that fit every case of it."""

    status: HTTPStatus
    title: str


# The stable types; docs/reference/api.md lists them.
KINDS: Final[dict[str, Kind]] = {
    "bad-request": Kind(HTTPStatus.BAD_REQUEST, "The request is not one that this site takes"),
    "bad-json": Kind(HTTPStatus.BAD_REQUEST, "The body is not one JSON object"),
    "unknown-token": Kind(HTTPStatus.UNAUTHORIZED, "The token is missing, unknown or over"),
    "bad-signature": Kind(HTTPStatus.UNAUTHORIZED, "The request is not signed as it must be"),
    "missing-scope": Kind(HTTPStatus.FORBIDDEN, "The token does not allow this"),
    "address-refused": Kind(HTTPStatus.FORBIDDEN, "Not from this address"),
    "not-found": Kind(HTTPStatus.NOT_FOUND, "There is nothing here"),
    "method-not-allowed": Kind(HTTPStatus.METHOD_NOT_ALLOWED, "Not with this method"),
    "no-credential": Kind(HTTPStatus.CONFLICT, "The store has no key that may be lent"),
    "credential-retired": Kind(HTTPStatus.GONE, "The vendor refuses this kind of key"),
    "lease-closed": Kind(HTTPStatus.CONFLICT, "The lease is over"),
    "length-required": Kind(HTTPStatus.LENGTH_REQUIRED, "The body's length must be told"),
    "too-large": Kind(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is too large"),
    "not-json": Kind(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The body must be application/json"),
    "invalid": Kind(HTTPStatus.UNPROCESSABLE_ENTITY, "A value is missing or does not fit"),
    "idempotency-key-reused": Kind(
        HTTPStatus.UNPROCESSABLE_ENTITY, "The Idempotency-Key stands for another request"
    ),
    "too-many-requests": Kind(HTTPStatus.TOO_MANY_REQUESTS, "The token asks too often"),
    "overspent": Kind(HTTPStatus.UNPROCESSABLE_ENTITY, "More was used than permitted"),
    "pool-empty": Kind(HTTPStatus.TOO_MANY_REQUESTS, "No key has a free permit"),
    "internal": Kind(HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong here"),
    "unavailable": Kind(HTTPStatus.SERVICE_UNAVAILABLE, "Not available for the moment"),
    "unknown-kek": Kind(HTTPStatus.SERVICE_UNAVAILABLE, "The key that opens it is not at hand"),
}
begin_problems(types=KINDS)

_TYPES: Final[dict[type[VaultError], str]] = {
    UnknownTokenError: "unknown-token",
    MissingScopeError: "missing-scope",
    UnknownRecordError: "not-found",
    ShreddedKeychainError: "not-found",
    NoCredentialError: "no-credential",
    RetiredError: "credential-retired",
    LeaseClosedError: "lease-closed",
    OverspentError: "overspent",
    AddressRefusedError: "address-refused",
    BadSignatureError: "bad-signature",
    IdempotencyError: "idempotency-key-reused",
    TooManyRequestsError: "too-many-requests",
    PoolEmptyError: "pool-empty",
    UnknownKekError: "unknown-kek",
    KekUnavailableError: "unavailable",
    KeyringError: "unavailable",
    TamperedSecretError: "internal",
}


def is_read_only(error: BaseException | None) -> bool:
    """Whether the database takes no writes now, as when another server takes over from it."""
    return getattr(getattr(error, "__cause__", None), "sqlstate", None) == _READ_ONLY


def problem(
    *, type_: str, detail: str = "", headers: dict[str, str] | None = None, **extra: Any
) -> HttpResponse:
    """A problem as a response; it is counted.

    Args:
        type_: one of `KINDS`.
        detail: this case in words that are safe to show.
        headers: further headers.
        **extra: further members.
    """
    kind = KINDS[type_]
    count_problem(type_=type_)
    body = {
        "type": type_,
        "title": kind.title,
        "status": int(kind.status),
        "detail": detail,
        "request_id": request_id(),
        **extra,
    }
    return HttpResponse(
        json.dumps(body), status=kind.status, content_type=CONTENT_TYPE, headers=headers
    )


def problem_of(error: VaultError) -> HttpResponse:
    """The problem that stands for one of the vault's errors."""
    type_ = next((_TYPES[each] for each in type(error).__mro__ if each in _TYPES), "internal")
    if isinstance(error, PoolEmptyError):
        return problem(
            type_=type_,
            detail=str(error),
            headers={"Retry-After": str(max(math.ceil(error.retry_after_seconds), 1))},
            retry_at=timestamp(error.retry_at),
            retry_after_seconds=error.retry_after_seconds,
        )
    if isinstance(error, TooManyRequestsError):
        headers = {"Retry-After": str(error.retry_after_seconds)}
        return problem(type_=type_, detail=str(error), headers=headers)
    if KINDS[type_].status == HTTPStatus.UNAUTHORIZED:
        detail = str(error) if isinstance(error, BadSignatureError) else ""
        headers = {"WWW-Authenticate": 'Bearer realm="latchkey"'}
        return problem(type_=type_, detail=detail, headers=headers)
    if KINDS[type_].status == HTTPStatus.SERVICE_UNAVAILABLE:
        # Of a keyring the words name a file of this machine.
        detail = "" if isinstance(error, KeyringError) else str(error)
        return problem(type_=type_, detail=detail, headers={"Retry-After": str(RETRY_SECONDS)})
    return problem(type_=type_, detail="" if type_ in {"internal", "not-found"} else str(error))


def request_id() -> str:
    """The request's id, as the logs and the audit record know it."""
    return str(structlog.contextvars.get_contextvars().get("request_id") or "")


def timestamp(at: Any) -> str:  # noqa: ANN401  # a datetime
    """A moment as the API writes it: RFC 3339, UTC, microseconds."""
    return f"{at.replace(tzinfo=None).isoformat(timespec='microseconds')}Z"
