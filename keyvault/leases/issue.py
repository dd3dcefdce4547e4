"""Lending a key: a plain way of two statements, and a careful one for everything unusual.

The plain way reads the caller, the store, the best key with its sealed credential and the clock in
one statement and writes the lease in another, which takes place only when the key has not changed
since (`keyvault.pool.writing`). Its clock is therefore as good as one that is read under a lock:
whoever loses reads clock and key again.

The careful way locks all keys of the store and serves what the plain one leaves: a lost race, a key
that turned out to be spent, a clock that was set back, new limits, a pool without rows.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from uuid import UUID

from django.db import connection

from keyvault import vault, windows
from keyvault.errors import (
    NoCredentialError,
    PoolEmptyError,
    TamperedSecretError,
)
from keyvault.leases.access import Caller, caller_in
from keyvault.leases.finding import candidate_in, find
from keyvault.leases.lending import Candidate, lend
from keyvault.leases.together import LEASING
from keyvault.leases.values import IssuedLease, LeaseAsk
from keyvault.models.lease import moment
from keyvault.pool.keys import locked_keys, next_free_us
from keyvault.pool.turns import short_transaction, turn_with_store
from keyvault.pool.writing import Effect, write_key
from keyvault.windows import SECOND


def issue_lease(
    *,
    digest: str,
    keychain_id: UUID,
    ask: LeaseAsk,
    address: str = "",
    effects: Sequence[Effect] = (),
) -> IssuedLease:
    """Lends a key of a store, the one with most headroom, with as many permits as it can give.

    Two statements and one commit in the plain case. Opens its own transaction, unless the
    caller has one.

    Args:
        digest: of the token that the caller shows.
        keychain_id: the store.
        ask: how many permits, for whom, for how long.
        address: where the call comes from.
        effects: what else takes place with the lease.

    Returns:
        The lease, with at least one permit and at most what was asked.

    Raises:
        UnknownTokenError, MissingScopeError, AddressRefusedError: the caller may not lease.
        UnknownRecordError: no such store for this backend.
        NoCredentialError: the store has no key that may be lent.
        PoolEmptyError: nothing is free; it says when something will be.
        UnknownKekError, KekUnavailableError: the key cannot be opened now; nothing was granted.
    """
    try:
        with turn_with_store(keychain_id, on_wait=LEASING.leave):
            caller, lease = _lend_plainly(
                digest=digest, keychain_id=keychain_id, ask=ask, address=address, effects=effects
            )
    finally:
        LEASING.leave()
    if lease is not None:
        return lease
    return _issue_carefully(caller=caller, keychain_id=keychain_id, ask=ask, effects=effects)


def _lend_plainly(
    *,
    digest: str,
    keychain_id: UUID,
    ask: LeaseAsk,
    address: str,
    effects: Sequence[Effect],
) -> tuple[Caller, IssuedLease | None]:
    """A lease without a lock; None where it takes one."""
    for chance in (nullcontext, _second_try):
        with chance():
            found = find(digest=digest, keychain_id=keychain_id, traffic_class=ask.traffic_class)
            caller = caller_in(found, address=address)
            candidate = candidate_in(found, keychain_id=keychain_id)
            if candidate is None or not _is_plain(candidate):
                break
            _refuse_early(candidate, ask=ask)
            try:
                lease = lend(candidate=candidate, caller=caller, ask=ask, effects=effects)
            except TamperedSecretError:
                break
            if lease is not None:
                return caller, lease
    return caller, None


def _second_try() -> AbstractContextManager[None]:
    """On SQLite nobody can be faster than who has the turn; on PostgreSQL it is tried once more."""
    return nullcontext() if connection.vendor == "postgresql" else short_transaction()


def _refuse_early(candidate: Candidate, *, ask: LeaseAsk) -> None:
    """Refuses without a lock when even the key that is free first is not free yet.

    What is written down holds for interactive permits; when the next one of a batch is free, the
    log tells, under a lock.

    Raises:
        PoolEmptyError: nothing is free before the moment that was written down.
    """
    row, state = candidate.row, candidate.row.state
    ready_us = max(state.next_free_us, state.cooled_until_us)
    if ask.traffic_class == "interactive" and ready_us > row.now_us:
        raise _denial(moments=[ready_us], now_us=row.now_us)


def _is_plain(candidate: Candidate) -> bool:
    return not (candidate.row.is_behind or candidate.row.has_new_limits)


def _issue_carefully(
    *, caller: Caller, keychain_id: UUID, ask: LeaseAsk, effects: Sequence[Effect]
) -> IssuedLease:
    broken: list[UUID] = []
    with short_transaction():
        lease, denial = _lend_locked(
            caller=caller, keychain_id=keychain_id, ask=ask, effects=effects, broken=broken
        )
    for credential_id in broken:
        vault.quarantine(credential_id=credential_id)
    if lease is not None:
        return lease
    raise denial


def _lend_locked(
    *,
    caller: Caller,
    keychain_id: UUID,
    ask: LeaseAsk,
    effects: Sequence[Effect],
    broken: list[UUID],
) -> tuple[IssuedLease | None, NoCredentialError | PoolEmptyError]:
    """A lease, or why there is none; what was learned of spent keys is written either way.

    A record that does not open is added to `broken`; the others of the store go on.
    """
    credentials = {each.pk: each for each in vault.openable_credentials(keychain_id=keychain_id)}
    moments, now_us = [], 0
    for row in locked_keys(keychain_id=keychain_id):
        credential = credentials.get(row.credential_id)
        if credential is None:
            # Stored while the locks were waited for; the next request finds it.
            continue
        candidate = Candidate(row=row, credential=vault.sealed_form(credential))
        try:
            lease = lend(candidate=candidate, caller=caller, ask=ask, effects=effects)
        except TamperedSecretError:
            broken.append(row.credential_id)
            continue
        if lease is not None:
            return lease, NoCredentialError()
        state, now_us = row.advanced(), row.now_us
        free_us = next_free_us(row=row, state=state, traffic_class=ask.traffic_class)
        moments.append(free_us)
        if ask.traffic_class == "interactive":
            state = windows.free_from(state=state, free_us=free_us)
            write_key(key_id=row.id, version=row.version, state=state)
    return None, _denial(moments=moments, now_us=now_us)


def _denial(*, moments: Sequence[int], now_us: int) -> NoCredentialError | PoolEmptyError:
    if not moments:
        return NoCredentialError("the store has no key that may be lent")
    first_us = max(min(moments), now_us)
    return PoolEmptyError(
        retry_at=moment(first_us), retry_after_seconds=(first_us - now_us) / SECOND
    )
