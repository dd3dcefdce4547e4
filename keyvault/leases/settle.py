"""Ending a lease: what was not used goes back, and what the vendor said is taken to heart."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from django.db import connection
from django.utils import timezone

from keyvault import vault, windows
from keyvault.audit import Action
from keyvault.errors import LeaseClosedError, OverspentError, StateError
from keyvault.leases.access import Caller
from keyvault.leases.entries import entry
from keyvault.leases.reading import OpenLease, read_lease
from keyvault.leases.values import SettledLease, Settlement
from keyvault.models import Credential, CredentialCheck, PoolKey
from keyvault.models.lease import microseconds
from keyvault.pool.budgets import budget_of
from keyvault.pool.engine import uuid_value
from keyvault.pool.feedback import adopt_limits, differ, heed, rest_us
from keyvault.pool.foreign import Completed
from keyvault.pool.keys import mended
from keyvault.pool.readings import Reading, readings_of
from keyvault.pool.turns import short_transaction
from keyvault.pool.writing import Effect, write_key
from keyvault.windows import KeyState

_UPDATE: Final = (
    "UPDATE keyvault_lease SET counted = %(used)s, use_by_us = %(last_used_us)s, "
    "settled_us = %(settled_us)s, outcome = %(outcome)s "
    "WHERE id = %(lease_id)s AND (settled_us IS NULL OR counted < %(used)s) AND {saved}"
)


def settle_lease(
    *, digest: str, lease_id: UUID, settlement: Settlement, address: str = ""
) -> SettledLease:
    """Ends a lease. The same settlement again gives the same answer and changes nothing.

    Two statements and one commit in the plain case; opens its own transaction.

    What was used beyond the permits is counted in any case, and the lease is over: the vendor has
    counted it too. That holds for a lease that has expired, was revoked or settled with less.

    Args:
        digest: of the token that the caller shows.
        lease_id: a lease of the caller's backend.
        settlement: what was used, and how the vendor took it.
        address: where the call comes from.

    Raises:
        UnknownTokenError, MissingScopeError, AddressRefusedError: the caller may not settle.
        UnknownRecordError: no such lease of this backend.
        OverspentError: more used than permitted; all of it is counted, do not settle again.
        LeaseClosedError: settled otherwise before, or too late: its permits count as used.
    """
    settled = None
    if settlement.outcome == "ok" and connection.vendor == "postgresql":
        caller, lease = read_lease(digest=digest, lease_id=lease_id, address=address)
        if not lease.row.is_behind:
            settled = _settle(caller=caller, lease=lease, settlement=settlement)
    if settled is None:
        settled = _settle_locked(
            digest=digest, lease_id=lease_id, settlement=settlement, address=address
        )
    if settled.used > settled.permits:
        raise OverspentError(used=settled.used, permits=settled.permits)
    return settled


def _settle_locked(
    *, digest: str, lease_id: UUID, settlement: Settlement, address: str
) -> SettledLease:
    with short_transaction():
        key_of_lease = PoolKey.objects.filter(leases__id=lease_id)
        list(key_of_lease.select_for_update(of=("self",)).values_list("pk", flat=True))
        caller, lease = read_lease(digest=digest, lease_id=lease_id, address=address)
        if lease.row.is_behind:
            mended(lease.row)
            caller, lease = read_lease(digest=digest, lease_id=lease_id, address=address)
        settled = _settle(caller=caller, lease=lease, settlement=settlement)
        if settled is None:
            message = "a locked key changed"
            raise RuntimeError(message)
        return settled


def _settle(*, caller: Caller, lease: OpenLease, settlement: Settlement) -> SettledLease | None:
    """The answer; None when the key was changed since it was read."""
    if settlement.used <= max(lease.permits, lease.counted):
        if lease.settled_us is not None:
            return _replayed(lease=lease, settlement=settlement)
        if lease.row.now_us > lease.expires_us:
            message = "the lease has expired; its permits count as used"
            raise LeaseClosedError(message)
    last_used_us = _last_used_us(lease=lease, settlement=settlement)
    readings = readings_of(settlement.headers)
    heeded = _heeded(
        lease=lease, settlement=settlement, last_used_us=last_used_us, readings=readings
    )
    effects = [
        *_effects(caller=caller, lease=lease, settlement=settlement, last_used_us=last_used_us),
        *heeded.effects,
    ]
    row = lease.row
    if not write_key(key_id=row.id, version=row.version, state=heeded.state, effects=effects):
        return None
    if differ(state=heeded.state, readings=readings):
        adopt_limits(credential_id=lease.credential_id, readings=readings)
    credential_state = lease.credential_state
    if settlement.outcome in {"unauthorized", "forbidden"}:
        credential_state = _suspend(caller=caller, lease=lease, reason=settlement.outcome)
    return _answer(
        lease=lease, used=settlement.used, state=heeded.state, key_state=credential_state
    )


def _heeded(
    *, lease: OpenLease, settlement: Settlement, last_used_us: int, readings: Sequence[Reading]
) -> Completed:
    """The key's state without what was not used, and with what the vendor said."""
    state = windows.settle(
        state=lease.row.advanced(),
        counted=lease.counted,
        use_by_us=lease.use_by_us,
        used=settlement.used,
        last_used_us=last_used_us,
    )
    if settlement.outcome == "throttled":
        until_us = lease.row.now_us + rest_us(readings)
        state = windows.cooled(state=state, until_us=until_us)
    sent = settlement.used if settlement.outcome == "ok" else 0
    return heed(row=lease.row, state=state, readings=readings, since_us=lease.granted_us, sent=sent)


def _replayed(*, lease: OpenLease, settlement: Settlement) -> SettledLease:
    if (settlement.used, settlement.outcome) != (lease.counted, lease.outcome):
        message = "the lease was settled otherwise"
        raise LeaseClosedError(message)
    return _answer(
        lease=lease,
        used=lease.counted,
        state=lease.row.advanced(),
        key_state=lease.credential_state,
    )


def _last_used_us(*, lease: OpenLease, settlement: Settlement) -> int:
    """The latest moment at which a permit of the lease can have been used.

    Whoever keeps to its permits keeps to its use-by.
    """
    latest = lease.row.now_us
    if settlement.used <= lease.permits:
        latest = min(lease.use_by_us, latest)
    if settlement.last_used_at is None:
        return latest
    at_us = microseconds(settlement.last_used_at)
    return min(max(at_us, lease.granted_us), latest)


def _effects(
    *, caller: Caller, lease: OpenLease, settlement: Settlement, last_used_us: int
) -> list[Effect]:
    return [
        Effect(
            sql=_UPDATE,
            parameters={
                "lease_id": uuid_value(lease.id),
                "used": settlement.used,
                "last_used_us": last_used_us,
                "settled_us": lease.row.now_us,
                "outcome": settlement.outcome,
            },
        ),
        entry(
            action=Action.LEASE_SETTLED,
            actor=caller.actor,
            keychain_id=lease.keychain_id,
            lease_id=lease.id,
            facts={
                "credential": str(lease.credential_id),
                "outcome": settlement.outcome,
                "permits": lease.permits,
                "used": settlement.used,
            },
        ),
    ]


def _suspend(*, caller: Caller, lease: OpenLease, reason: str) -> str:
    """A key that the vendor refuses is lent no more, and a new check is wanted.

    One that rests already stays as it is.
    """
    wanted, _ = CredentialCheck.objects.select_for_update().get_or_create(
        credential_id=lease.credential_id
    )
    # A check that is under way may have asked the vendor before it refused the key.
    wanted.void_claim()
    wanted.due_at, wanted.attempts, wanted.reason = timezone.now(), 0, reason
    wanted.save()
    try:
        return vault.set_state(
            credential_id=lease.credential_id,
            keychain_id=lease.keychain_id,
            to=Credential.State.SUSPENDED,
            actor=caller.actor,
            reason=reason,
        ).state
    except StateError:
        return lease.credential_state


def _answer(*, lease: OpenLease, used: int, state: KeyState, key_state: str) -> SettledLease:
    return SettledLease(
        id=lease.id,
        permits=lease.permits,
        used=used,
        credential_id=lease.credential_id,
        credential_state=key_state,
        budget=budget_of(state),
    )
