"""Ending a lease: what was not used goes back, and what the vendor said is taken to heart."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from keyvault import vault, windows
from keyvault.audit import Action
from keyvault.errors import (
    LeaseClosedError,
    OverspentError,
    StateError,
    UnknownRecordError,
)
from keyvault.leases.access import CALLER_COLUMNS, CALLER_SQL, CALLER_WIDTH, Caller, caller_in
from keyvault.leases.entries import entry
from keyvault.leases.values import SettledLease, Settlement
from keyvault.models import Credential, CredentialCheck, PoolKey
from keyvault.models.lease import microseconds
from keyvault.pool.budgets import budget_of
from keyvault.pool.engine import (
    Engine,
    clock_parameters,
    datetime_value,
    engine,
    read_uuid,
    uuid_value,
)
from keyvault.pool.feedback import (
    Heeded,
    Reading,
    adopt_limits,
    differ,
    heed,
    readings_of,
    rest_us,
)
from keyvault.pool.keys import mended
from keyvault.pool.rows import KeyRow, clock_and_pick, key_columns, key_of, transit_us
from keyvault.pool.writing import Effect, write_key
from keyvault.windows import KeyState

_UPDATE: Final = (
    "UPDATE keyvault_lease SET counted = %(used)s, use_by_us = %(last_used_us)s, "
    "settled_us = %(settled_us)s, outcome = %(outcome)s "
    "WHERE id = %(lease_id)s AND settled_us IS NULL AND {saved}"
)
_LEASE_COLUMNS: Final = (
    "lease.permits, lease.counted, lease.granted_us, lease.use_by_us, lease.expires_us, "
    "lease.settled_us, lease.outcome, credential.id, credential.state, credential.keychain_id"
)
_LEASE_WIDTH: Final = 10


@dataclass(frozen=True, slots=True)
class _Open:
    """A lease of this caller as it was read, with its key."""

    id: UUID
    permits: int
    counted: int
    granted_us: int
    use_by_us: int
    expires_us: int
    settled_us: int | None
    outcome: str
    credential_id: UUID
    credential_state: str
    keychain_id: UUID
    row: KeyRow


def settle_lease(
    *, digest: str, lease_id: UUID, settlement: Settlement, address: str = ""
) -> SettledLease:
    """Ends a lease. The same settlement again gives the same answer and changes nothing.

    Two statements and one commit in the plain case; opens its own transaction.

    Args:
        digest: of the token that the caller shows.
        lease_id: a lease of the caller's backend.
        settlement: what was used, and how the vendor took it.
        address: where the call comes from.

    Raises:
        UnknownTokenError, MissingScopeError, AddressRefusedError: the caller may not settle.
        UnknownRecordError: no such lease of this backend.
        OverspentError: more used than permitted; nothing changed.
        LeaseClosedError: settled otherwise before, or too late: its permits count as used.
    """
    if settlement.outcome == "ok" and connection.vendor == "postgresql":
        caller, lease = _read(digest=digest, lease_id=lease_id, address=address)
        if lease.settled_us is not None or not lease.row.is_behind:
            settled = _settle(caller=caller, lease=lease, settlement=settlement)
            if settled is not None:
                return settled
    return _settle_locked(digest=digest, lease_id=lease_id, settlement=settlement, address=address)


def _settle_locked(
    *, digest: str, lease_id: UUID, settlement: Settlement, address: str
) -> SettledLease:
    with transaction.atomic():
        key_of_lease = PoolKey.objects.filter(leases__id=lease_id)
        list(key_of_lease.select_for_update(of=("self",)).values_list("pk", flat=True))
        caller, lease = _read(digest=digest, lease_id=lease_id, address=address)
        if lease.row.is_behind:
            mended(lease.row)
            caller, lease = _read(digest=digest, lease_id=lease_id, address=address)
        settled = _settle(caller=caller, lease=lease, settlement=settlement)
        if settled is None:
            message = "a locked key changed"
            raise RuntimeError(message)
        return settled


def _settle(*, caller: Caller, lease: _Open, settlement: Settlement) -> SettledLease | None:
    """The answer; None when the key was changed since it was read."""
    if lease.settled_us is not None:
        return _replayed(lease=lease, settlement=settlement)
    if settlement.used > lease.permits:
        message = f"{settlement.used} used, {lease.permits} permitted"
        raise OverspentError(message)
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
    *, lease: _Open, settlement: Settlement, last_used_us: int, readings: Sequence[Reading]
) -> Heeded:
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
    return heed(row=lease.row, state=state, readings=readings, since_us=lease.granted_us)


def _replayed(*, lease: _Open, settlement: Settlement) -> SettledLease:
    if (settlement.used, settlement.outcome) != (lease.counted, lease.outcome):
        message = "the lease was settled otherwise"
        raise LeaseClosedError(message)
    return _answer(
        lease=lease,
        used=lease.counted,
        state=lease.row.advanced(),
        key_state=lease.credential_state,
    )


def _last_used_us(*, lease: _Open, settlement: Settlement) -> int:
    """The latest moment at which a permit of the lease can have been used."""
    latest = min(lease.use_by_us, lease.row.now_us)
    if settlement.last_used_at is None:
        return latest
    at_us = microseconds(settlement.last_used_at.astimezone(UTC))
    return min(max(at_us, lease.granted_us), latest)


def _effects(
    *, caller: Caller, lease: _Open, settlement: Settlement, last_used_us: int
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


def _suspend(*, caller: Caller, lease: _Open, reason: str) -> str:
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


def _answer(*, lease: _Open, used: int, state: KeyState, key_state: str) -> SettledLease:
    return SettledLease(
        id=lease.id,
        permits=lease.permits,
        used=used,
        credential_id=lease.credential_id,
        credential_state=key_state,
        budget=budget_of(state),
    )


@lru_cache
def _statement(fragments: Engine) -> str:
    found = clock_and_pick(
        fragments,
        where="k.id = (SELECT key_id FROM keyvault_lease WHERE id = %(lease_id)s)",
    )
    return (
        f"WITH {found}, {CALLER_SQL} "  # noqa: S608  # our own fragments
        f"SELECT {CALLER_COLUMNS}, {_LEASE_COLUMNS}, {key_columns(fragments)} "
        "FROM caller LEFT JOIN (keyvault_lease lease "
        "JOIN keyvault_backendtoken token ON token.id = lease.token_id "
        "JOIN pick ON pick.id = lease.key_id "
        "JOIN keyvault_credential credential ON credential.id = pick.credential_id) "
        "ON lease.id = %(lease_id)s AND token.backend_id = caller.backend_id"
    )


def _read(*, digest: str, lease_id: UUID, address: str) -> tuple[Caller, _Open]:
    with connection.cursor() as cursor:
        cursor.execute(
            _statement(engine()),
            {
                "digest": digest,
                "keychain_id": None,
                "lease_id": uuid_value(lease_id),
                "now_at": datetime_value(datetime.now(UTC)),
                "transit_us": transit_us(),
                **clock_parameters(),
            },
        )
        found: Any = cursor.fetchone()
    caller = caller_in(found, address=address)
    lease = found[CALLER_WIDTH : CALLER_WIDTH + _LEASE_WIDTH]
    if lease[0] is None:
        message = f"no lease {lease_id} of this backend"
        raise UnknownRecordError(message)
    return caller, _Open(
        id=lease_id,
        permits=lease[0],
        counted=lease[1],
        granted_us=lease[2],
        use_by_us=lease[3],
        expires_us=lease[4],
        settled_us=lease[5],
        outcome=lease[6],
        credential_id=read_uuid(lease[7]),
        credential_state=lease[8],
        keychain_id=read_uuid(lease[9]),
        row=key_of(found[CALLER_WIDTH + _LEASE_WIDTH :]),
    )
