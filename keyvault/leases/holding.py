"""Holding a lease longer, and ending it early."""

from uuid import UUID

from keyvault import audit, windows
from keyvault.audit import Action, Actor
from keyvault.errors import LeaseClosedError, UnknownRecordError
from keyvault.leases.access import caller_of, stores_of
from keyvault.leases.backends import Scope
from keyvault.leases.values import SETTLE_SECONDS, RenewedLease
from keyvault.models import Credential, Grant, Lease
from keyvault.models.lease import moment
from keyvault.pool.keys import locked_key
from keyvault.pool.rows import KeyRow
from keyvault.pool.turns import short_transaction
from keyvault.pool.writing import write_key
from keyvault.windows import SECOND


def renew_lease(
    *, digest: str, lease_id: UUID, use_within_seconds: int, address: str = ""
) -> RenewedLease:
    """Moves the use-by of a lease on, counted from now.

    Its permits have been counted all along and go on being counted, so this is exact as long as the
    lease's use-by has not passed.

    Args:
        digest: of the token that the caller shows.
        lease_id: a lease of the caller's backend.
        use_within_seconds: from now; a use-by that lies further ahead stays.
        address: where the call comes from.

    Raises:
        UnknownTokenError, MissingScopeError: the caller may not lease.
        UnknownRecordError: no such lease of this backend.
        LeaseClosedError: settled, its use-by has passed, or its key is lent no more, be it to this
            backend alone; or it holds an access token that ends soon or has been renewed since.
    """
    caller = caller_of(digest=digest, scope=Scope.LEASES_WRITE, address=address)
    with short_transaction():
        credential_id = _credential_of(lease_id=lease_id, backend_id=caller.backend_id)
        row = locked_key(credential_id=credential_id)
        lease = Lease.objects.get(pk=lease_id)
        credential = Credential.objects.get(pk=credential_id)
        is_theirs = stores_of(caller=caller).filter(pk=credential.keychain_id).exists()
        is_lent = (
            is_theirs
            and credential.state == Credential.State.ACTIVE
            and _lasts(credential=credential, lease=lease, now_us=row.now_us)
        )
        if lease.settled_us is not None or row.now_us > lease.use_by_us or not is_lent:
            message = "the lease is over; take another"
            raise LeaseClosedError(message)
        use_by_us = max(row.now_us + use_within_seconds * SECOND, lease.use_by_us)
        _move(row=row, lease=lease, use_by_us=use_by_us)
        lease.use_by_us, lease.expires_us = use_by_us, use_by_us + SETTLE_SECONDS * SECOND
        lease.save(update_fields=["use_by_us", "expires_us"])
        audit.record(
            action=Action.LEASE_RENEWED,
            actor=caller.actor,
            keychain_id=credential.keychain_id,
            subject=f"lease:{lease_id}",
            facts={"use_within_seconds": use_within_seconds},
        )
    return RenewedLease(
        id=lease_id,
        permits=lease.permits,
        use_by=moment(lease.use_by_us),
        expires_at=moment(lease.expires_us),
    )


def revoke_lease(*, lease_id: UUID, keychain_id: UUID, actor: Actor) -> None:
    """Ends a lease early; its permits count as used, and until its use-by.

    The backend learns of it when it settles or renews: until then it may go on sending.

    Args:
        lease_id: an open lease.
        keychain_id: the store that it must belong to.
        actor: who ends it.

    Raises:
        UnknownRecordError: no such open lease of that store.
    """
    with short_transaction():
        open_lease = Lease.objects.filter(
            pk=lease_id, key__credential__keychain_id=keychain_id, settled_us=None
        )
        credential_id = open_lease.values_list("key__credential_id", flat=True).first()
        if credential_id is None:
            message = f"no open lease {lease_id}"
            raise UnknownRecordError(message)
        row = locked_key(credential_id=credential_id)
        lease = open_lease.first()
        if lease is None:
            message = f"no open lease {lease_id}"
            raise UnknownRecordError(message)
        # Nothing moves, but who settles at this moment has read a state that is over.
        _move(row=row, lease=lease, use_by_us=lease.use_by_us)
        lease.settled_us, lease.outcome = row.now_us, "revoked"
        lease.save(update_fields=["settled_us", "outcome"])
        audit.record(
            action=Action.LEASE_REVOKED,
            actor=actor,
            keychain_id=keychain_id,
            subject=f"lease:{lease_id}",
        )


def _lasts(*, credential: Credential, lease: Lease, now_us: int) -> bool:
    """Whether what was lent is good for a further while; an access token has an end of its own."""
    if credential.valid_until is None:
        return True
    is_renewed = Grant.objects.filter(pk=credential.pk, renewed_at__gt=moment(lease.granted_us))
    return credential.valid_until > moment(now_us) and not is_renewed.exists()


def _credential_of(*, lease_id: UUID, backend_id: UUID) -> UUID:
    found = Lease.objects.filter(pk=lease_id, token__backend_id=backend_id)
    for credential_id in found.values_list("key__credential_id", flat=True):
        return credential_id
    message = f"no lease {lease_id} of this backend"
    raise UnknownRecordError(message)


def _move(*, row: KeyRow, lease: Lease, use_by_us: int) -> None:
    state = windows.settle(
        state=row.advanced(),
        counted=lease.counted,
        use_by_us=lease.use_by_us,
        used=lease.counted,
        last_used_us=use_by_us,
    )
    write_key(key_id=row.id, version=row.version, state=state)
