"""Reading a lease as its backend may see it, with all that settling needs, in one statement."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from django.db import connection

from keyvault.errors import UnknownRecordError
from keyvault.leases.access import CALLER_COLUMNS, CALLER_WIDTH, Caller, caller_in, caller_sql
from keyvault.pool.engine import (
    Engine,
    clock_parameters,
    datetime_value,
    engine,
    read_uuid,
    uuid_value,
)
from keyvault.pool.rows import KeyRow, clock_and_pick, key_columns, key_of, transit_us

_LEASE_COLUMNS: Final = (
    "lease.permits, lease.counted, lease.granted_us, lease.use_by_us, lease.expires_us, "
    "lease.settled_us, lease.outcome, credential.id, credential.state, credential.keychain_id"
)
_LEASE_WIDTH: Final = 10


@dataclass(frozen=True, slots=True)
class OpenLease:
    """A lease of this caller as it was read, with its key; it may be settled by now."""

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


def read_lease(*, digest: str, lease_id: UUID, address: str) -> tuple[Caller, OpenLease]:
    """A lease of the caller's backend with its key, and the clock. One query, no lock.

    Args:
        digest: of the token that the caller shows.
        lease_id: which lease.
        address: where the call comes from.

    Raises:
        UnknownTokenError, MissingScopeError, AddressRefusedError: the caller may not lease.
        UnknownRecordError: no such lease of this backend.
    """
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
    return caller, OpenLease(
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


@lru_cache
def _statement(fragments: Engine) -> str:
    found = clock_and_pick(
        fragments,
        where="k.id = (SELECT key_id FROM keyvault_lease WHERE id = %(lease_id)s)",
    )
    return (
        f"WITH {found}, {caller_sql()} "  # noqa: S608  # our own fragments
        f"SELECT {CALLER_COLUMNS}, {_LEASE_COLUMNS}, {key_columns(fragments)} "
        "FROM caller LEFT JOIN (keyvault_lease lease "
        "JOIN keyvault_backendtoken token ON token.id = lease.token_id "
        "JOIN pick ON pick.id = lease.key_id "
        "JOIN keyvault_credential credential ON credential.id = pick.credential_id) "
        "ON lease.id = %(lease_id)s AND token.backend_id = caller.backend_id"
    )
