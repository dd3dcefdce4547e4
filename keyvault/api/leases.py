"""Borrowing and settling."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, JsonResponse
from ninja import Router

from keyvault.api import measures
from keyvault.api.problems import timestamp
from keyvault.api.schemas import (
    InvalidOut,
    IssuedOut,
    LeaseBody,
    PoolEmptyOut,
    ProblemOut,
    RateLimitBody,
    SettleBody,
    SettledOut,
)
from keyvault.api.tokens import Token
from keyvault.errors import NoCredentialError, RetiredError
from keyvault.leases import (
    IssuedLease,
    LeaseAsk,
    Scope,
    SettledLease,
    Settlement,
    issue_lease,
    settle_lease,
)
from keyvault.pool import WindowBudget
from keyvault.pool.feedback import RawHeaders
from keyvault.renewal import freshen
from keyvault.retirement import headers_for, refusal_of
from keyvault.vault import ApiKeySecret, Secret

router = Router(tags=["leases"], auth=Token(Scope.LEASES_WRITE, is_deferred=True))

PROBLEMS: dict[int, Any] = dict.fromkeys((400, 401, 403, 404, 409, 410, 413, 415, 503), ProblemOut)


@router.post(
    "/stores/{uuid:store_id}/leases",
    response={201: IssuedOut, 422: InvalidOut, 429: PoolEmptyOut, **PROBLEMS},
)
def create_lease(request: HttpRequest, store_id: UUID, body: LeaseBody) -> JsonResponse:
    """Borrows the key with most headroom.

    It grants what one key can give now: at least one permit, at most what was asked. Nothing free:
    429 `pool-empty`, with the moment to come back.

    When the vendor has announced the end of this kind of key, the answer carries `Deprecation`
    (RFC 9745) and `Sunset` (RFC 8594); once that has come, 410 `credential-retired`.
    """
    ask = LeaseAsk(
        permits=body.permits,
        traffic_class=body.traffic_class,
        use_within_seconds=body.use_within_seconds,
    )
    with measures.leasing():
        lease = _lend(digest=request.auth, keychain_id=store_id, ask=ask)  # type: ignore[attr-defined]  # ninja's
    measures.count_grant(permits=lease.permits, traffic_class=body.traffic_class)
    credential = lease.credential
    announced = headers_for(endpoint=credential.endpoint, kind=credential.type)
    return JsonResponse(_issued(lease), status=201, headers=announced)


def _lend(*, digest: str, keychain_id: UUID, ask: LeaseAsk) -> IssuedLease:
    """Lends; an access token that is over is renewed first, which takes as long as the vendor."""
    try:
        return issue_lease(digest=digest, keychain_id=keychain_id, ask=ask)
    except NoCredentialError:
        if not freshen(keychain_id=keychain_id):
            refusal = refusal_of(keychain_id=keychain_id)
            if refusal is not None:
                raise RetiredError(refusal.reason) from None
            raise
    return issue_lease(digest=digest, keychain_id=keychain_id, ask=ask)


@router.post(
    "/leases/{uuid:lease_id}/settle", response={200: SettledOut, 422: InvalidOut, **PROBLEMS}
)
def settle(request: HttpRequest, lease_id: UUID, body: SettleBody) -> JsonResponse:
    """Reports what was used; the rest goes back to the pool. Safe to repeat."""
    settled = settle_lease(
        digest=request.auth,  # type: ignore[attr-defined]  # ninja's
        lease_id=lease_id,
        settlement=Settlement(
            used=body.used,
            outcome=body.outcome,
            last_used_at=body.last_used_at,
            headers=_headers(body.rate_limit),
        ),
    )
    measures.count_settlement(outcome=body.outcome)
    return JsonResponse(_settled(settled))


def _issued(lease: IssuedLease) -> dict[str, Any]:
    credential = lease.credential
    return {
        "lease": {
            "id": str(lease.id),
            "permits": lease.permits,
            "use_by": timestamp(lease.use_by),
            "expires_at": timestamp(lease.expires_at),
        },
        "credential": {
            "id": str(credential.id),
            "type": credential.type,
            "base_url": credential.base_url,
            "language": credential.language,
            **_plain(credential.secret),
        },
        "budget": _budget(lease.budget),
    }


def _headers(body: RateLimitBody | None) -> RawHeaders | None:
    if body is None:
        return None
    return RawHeaders(limit=body.limit, remaining=body.remaining, reset=body.reset)


def _plain(secret: Secret) -> dict[str, str]:
    if isinstance(secret, ApiKeySecret):
        return {
            "key": secret.key.get_secret_value(),
            "secret": secret.secret.get_secret_value(),
        }
    return {"access_token": secret.access_token.get_secret_value()}


def _settled(settled: SettledLease) -> dict[str, Any]:
    return {
        "lease": {
            "id": str(settled.id),
            "permits": settled.permits,
            "used": settled.used,
            "returned": settled.permits - settled.used,
        },
        "credential": {"id": str(settled.credential_id), "state": settled.credential_state},
        "budget": _budget(settled.budget),
    }


def _budget(budget: list[WindowBudget]) -> list[dict[str, int]]:
    return [
        {"seconds": each.seconds, "limit": each.limit, "remaining": each.remaining}
        for each in budget
    ]
