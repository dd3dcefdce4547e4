"""What is left of keys, and permits that Latchkey takes for itself."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils import timezone

from keyvault import windows
from keyvault.models import Credential, Lease
from keyvault.pool.engine import uuid_value
from keyvault.pool.feedback import heed
from keyvault.pool.keys import ensure_key, locked_key
from keyvault.pool.readings import Reading
from keyvault.pool.rows import read_keys
from keyvault.pool.turns import short_transaction
from keyvault.pool.writing import write_key
from keyvault.windows import SECOND, KeyState

# A check of ours ends within its total deadline of 10 s.
RESERVED_SECONDS = 10


@dataclass(frozen=True, slots=True)
class WindowBudget:
    """What is left of one window of a key."""

    seconds: int
    limit: int
    remaining: int


def budget_of(state: KeyState) -> list[WindowBudget]:
    """What is left of each window, by growing span."""
    return [
        WindowBudget(
            seconds=each.seconds, limit=each.limit, remaining=max(each.limit - each.counted, 0)
        )
        for each in state.windows
    ]


def budgets(*, credential_ids: Iterable[UUID]) -> dict[UUID, list[WindowBudget]]:
    """What is left of each window of keys, by growing span.

    One query. A credential that was never seeded is left out.
    """
    parameters = {f"id_{n}": uuid_value(each) for n, each in enumerate(credential_ids)}
    if not parameters:
        return {}
    names = ", ".join(f"%({name})s" for name in parameters)
    rows = read_keys(where=f"k.credential_id IN ({names})", parameters=parameters)
    return {row.credential_id: budget_of(row.advanced()) for row in rows}


def seed(
    *,
    credential_id: UUID,
    request_times: Sequence[datetime],
    readings: Sequence[Reading] = (),
    read_at: datetime | None = None,
) -> None:
    """Enters a new key into the pool, with the requests that its check has spent already.

    Call it in the transaction that stores the credential. Only the ages of the requests matter, so
    that this process's clock need not agree with the database's.

    Args:
        credential_id: an existing credential with its limits.
        request_times: when this process sent each request of the check, aware.
        readings: what the check's last answer told of the key's windows. What the vendor has
            counted beyond `request_times`, because others use the key or an earlier check of it was
            thrown away, is entered as well.
        read_at: when that answer came; needed with readings.
    """
    now = timezone.now()
    with short_transaction():
        key = ensure_key(credential=Credential.objects.get(pk=credential_id))
        row = locked_key(credential_id=credential_id)
        state = row.advanced()
        leases = []
        for at in request_times:
            at_us = row.now_us - _age_us(at, now=now)
            leases.append(_own(key_id=key.pk, permits=1, at_us=at_us, for_us=0))
        for lease in leases:
            state = windows.settle(
                state=state, counted=0, use_by_us=0, used=1, last_used_us=lease.use_by_us
            )
        Lease.objects.bulk_create(leases)
        since_us = row.now_us - _age_us(read_at or now, now=now)
        heeded = heed(row=row, state=state, readings=readings, since_us=since_us)
        write_key(key_id=row.id, version=row.version, state=heeded.state, effects=heeded.effects)


def _age_us(at: datetime, *, now: datetime) -> int:
    return max(int((now - at).total_seconds() * SECOND), 0)


def reserve(*, credential_id: UUID, requests: int) -> bool:
    """Takes permits for a check of our own, whatever state the credential is in.

    In a transaction of its own or the caller's; send the requests within `RESERVED_SECONDS`.

    Args:
        credential_id: whose permits.
        requests: how many.

    Returns:
        Whether they were free; if not, nothing was taken.

    Raises:
        PoolKey.DoesNotExist: the credential was never seeded.
    """
    with short_transaction():
        row = locked_key(credential_id=credential_id)
        state = row.advanced()
        if windows.free_permits(state=state) < requests:
            return False
        lease = _own(
            key_id=row.id, permits=requests, at_us=row.now_us, for_us=RESERVED_SECONDS * SECOND
        )
        lease.save(force_insert=True)
        state = windows.settle(
            state=state, counted=0, use_by_us=0, used=requests, last_used_us=lease.use_by_us
        )
        write_key(key_id=row.id, version=row.version, state=state)
        return True


def _own(*, key_id: int, permits: int, at_us: int, for_us: int) -> Lease:
    """A row of the log that nobody borrowed."""
    return Lease(
        key_id=key_id,
        permits=permits,
        counted=permits,
        granted_us=at_us,
        use_by_us=at_us + for_us,
        expires_us=at_us + for_us,
        settled_us=at_us,
    )
