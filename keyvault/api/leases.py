"""Borrowing, holding longer, and settling."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, JsonResponse
from ninja import Header, Router

from keyvault.api import measures, rendering
from keyvault.api.schemas import (
    InvalidOut,
    IssuedOut,
    LeaseBody,
    PoolEmptyOut,
    ProblemOut,
    RateLimitBody,
    RenewBody,
    RenewedOut,
    SettleBody,
    SettledOut,
)
from keyvault.api.tokens import Token, address_of
from keyvault.errors import NoCredentialError, OverspentError, PoolEmptyError, RetiredError
from keyvault.leases import (
    IssuedLease,
    LeaseAsk,
    Scope,
    Settlement,
    issue_lease,
    issue_once,
    record_denied,
    renew_lease,
    settle_lease,
)
from keyvault.pool.readings import RawHeaders
from keyvault.renewal import freshen
from keyvault.retirement import headers_for, refusal_of

router = Router(tags=["leases"], auth=Token(Scope.LEASES_WRITE, is_deferred=True))

PROBLEMS: dict[int, Any] = {
    **dict.fromkeys((400, 401, 403, 404, 405, 409, 410, 411, 413, 415, 503), ProblemOut),
    422: InvalidOut,
    429: PoolEmptyOut,
}

IDEMPOTENCY_KEY: Any = Header(  # type: ignore[type-arg]  # a function and a type in one
    None, alias="Idempotency-Key", min_length=1, max_length=255, pattern=r"^[!-~]+$"
)


@router.post("/stores/{uuid:store_id}/leases", response={201: IssuedOut, **PROBLEMS})
def create_lease(
    request: HttpRequest,
    store_id: UUID,
    body: LeaseBody,
    idempotency_key: str | None = IDEMPOTENCY_KEY,
) -> JsonResponse:
    """Borrows the key with most headroom.

    It grants what one key can give now: at least one permit, at most what was asked. Nothing free:
    429 `pool-empty`, with the moment to come back. The same `Idempotency-Key` gives the same lease
    again as long as it is open.

    When the vendor has announced the end of this kind of key, the answer carries `Deprecation`
    (RFC 9745) and `Sunset` (RFC 8594); once that has come, 410 `credential-retired`.
    """
    ask = LeaseAsk(
        permits=body.permits,
        traffic_class=body.traffic_class,
        use_within_seconds=body.use_within_seconds,
    )
    with measures.leasing():
        lease = _lend(request, keychain_id=store_id, ask=ask, key=idempotency_key)
    measures.count_grant(permits=lease.permits, traffic_class=body.traffic_class)
    credential = lease.credential
    announced = headers_for(endpoint=credential.endpoint, kind=credential.type)
    return JsonResponse(rendering.issued(lease), status=201, headers=announced)


def _lend(
    request: HttpRequest, *, keychain_id: UUID, ask: LeaseAsk, key: str | None
) -> IssuedLease:
    """Lends; an access token that is over is renewed first, which takes as long as the vendor."""
    try:
        try:
            return _lend_once(request, keychain_id=keychain_id, ask=ask, key=key)
        except NoCredentialError:
            if not freshen(keychain_id=keychain_id):
                refusal = refusal_of(keychain_id=keychain_id)
                if refusal is not None:
                    raise RetiredError(refusal.reason) from None
                raise
        return _lend_once(request, keychain_id=keychain_id, ask=ask, key=key)
    except (NoCredentialError, PoolEmptyError) as error:
        record_denied(digest=_digest(request), keychain_id=keychain_id, error=error)
        raise


def _lend_once(
    request: HttpRequest, *, keychain_id: UUID, ask: LeaseAsk, key: str | None
) -> IssuedLease:
    digest, address = _digest(request), address_of(request)
    if key is None:
        return issue_lease(digest=digest, keychain_id=keychain_id, ask=ask, address=address)
    return issue_once(digest=digest, keychain_id=keychain_id, ask=ask, key=key, address=address)


@router.post("/leases/{uuid:lease_id}/settle", response={200: SettledOut, **PROBLEMS})
def settle(request: HttpRequest, lease_id: UUID, body: SettleBody) -> JsonResponse:
    """Reports what was used; the rest goes back to the pool. Safe to repeat.

    More used than permitted: all of it is counted, the lease is over, and the answer is 422
    `overspent`.
    """
    settlement = Settlement(
        used=body.used,
        outcome=body.outcome,
        last_used_at=body.last_used_at,
        headers=_headers(body.rate_limit),
    )
    try:
        lease = settle_lease(
            digest=_digest(request),
            lease_id=lease_id,
            settlement=settlement,
            address=address_of(request),
        )
    except OverspentError:
        measures.count_settlement(outcome=body.outcome)
        raise
    measures.count_settlement(outcome=body.outcome)
    return JsonResponse(rendering.settled(lease))


@router.post("/leases/{uuid:lease_id}/renew", response={200: RenewedOut, **PROBLEMS})
def renew(request: HttpRequest, lease_id: UUID, body: RenewBody) -> JsonResponse:
    """Moves the use-by on, counted from now. Only while it has not passed."""
    lease = renew_lease(
        digest=_digest(request),
        lease_id=lease_id,
        use_within_seconds=body.use_within_seconds,
        address=address_of(request),
    )
    return JsonResponse(rendering.renewed(lease))


def _digest(request: HttpRequest) -> str:
    """Of the token that was shown; whoever uses it looks it up."""
    digest: str = request.auth  # type: ignore[attr-defined]  # ninja's
    return digest


def _headers(body: RateLimitBody | None) -> RawHeaders | None:
    if body is None:
        return None
    return RawHeaders(limit=body.limit, remaining=body.remaining, reset=body.reset)
